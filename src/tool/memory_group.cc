// tool: memory cgroups, see the header.
#include "tool/memory_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "tool/reader/file.h"

namespace ashlar::tool {

namespace {

std::string text_of(const std::string& path) {
  const reader::File file = reader::File::regular(path);
  std::string text;
  if (!file || !file.read_all(text)) return {};
  return text;
}

// Returns the decimal number that a text starts with. Returns nothing for "max", and for version 1's largest limit,
// which means the same.
std::optional<std::uint64_t> number_of(std::string_view text) {
  constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 62;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() || number >= kUnlimited) return std::nullopt;
  return number;
}

// Returns the stall in seconds from the line that starts with a word: "some avg10=0.00 … total=123", in microseconds.
std::optional<double> stall_of(std::string_view text, std::string_view word) {
  constexpr double kSecond = 1e6;
  const std::size_t line = text.find(word);
  const std::size_t total = line == text.npos ? text.npos : text.find("total=", line);
  if (total == text.npos) return std::nullopt;
  const auto number = number_of(text.substr(total + 6));
  return number ? std::optional(static_cast<double>(*number) / kSecond) : std::nullopt;
}

bool is_identifier(std::string_view text) {
  constexpr std::size_t kDigits = 64;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string_view without_suffix(std::string_view text, std::string_view suffix) {
  if (text.ends_with(suffix)) text.remove_suffix(suffix.size());
  return text;
}

// Returns the container that one component of a path names: "docker-ID.scope", "cri-containerd-ID.scope", "ID",
// "lxc.payload.NAME", "machine-NAME.scope". `above` is the preceding component.
std::string container_in(std::string_view component, std::string_view above) {
  constexpr std::string_view kPayload = "lxc.payload.", kMachine = "machine-";
  const std::string_view scope = without_suffix(component, ".scope");
  const std::size_t dash = scope.rfind('-');
  if (is_identifier(scope.substr(dash == scope.npos ? 0 : dash + 1))) {
    return std::string(scope.substr(dash == scope.npos ? 0 : dash + 1));
  }
  if (component.starts_with(kPayload)) return std::string(component.substr(kPayload.size()));
  if (above == "lxc") return std::string(component);
  if (above == "machine.slice" && component != scope && scope.starts_with(kMachine)) {
    return std::string(scope.substr(kMachine.size()));
  }
  return {};
}

}  // namespace

MemoryGroup memory_group_of(pid_t pid) {
  std::ifstream lines(fmt::format("/proc/{}/cgroup", pid));
  MemoryGroup found;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t one = line.find(':'), two = line.find(':', one + 1);
    if (one == std::string::npos || two == std::string::npos) continue;
    const std::string controllers = "," + line.substr(one + 1, two - one - 1) + ",", path = line.substr(two + 1);
    const bool v1 = controllers.find(",memory,") != std::string::npos;
    if (!v1 && controllers != ",,") continue;
    found = {true, v1, path == "/" ? "" : path};
    if (v1) break;  // then version 2's hierarchy has no memory controller
  }
  return found;
}

std::string container_of(std::string_view path) {
  std::string container;
  std::string_view above;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(component.size());
    const std::string here = container_in(component, above);
    if (!here.empty()) container = here;  // the innermost
    above = component;
  }
  return container;
}

MemoryFigures figures_of(const MemoryGroup& group) {
  MemoryFigures out;
  // The path of a group outside this command's cgroup namespace leads out of the mounted hierarchy.
  if (!group.known || group.path.find("/..") != std::string::npos) return out;
  const auto number = [&](const std::string& path, const char* name) {
    return number_of(text_of(group.mount() + path + "/" + name));
  };
  out.usage = number(group.path, group.usage());
  if (!group.v1) out.high = number(group.path, "memory.high");
  std::optional<std::uint64_t> min;
  for (std::string path = group.path;; path.erase(path.rfind('/'))) {
    const auto limit = number(path, group.limit()), usage = number(path, group.usage());
    if (limit && usage) {
      const std::uint64_t left = *limit - std::min(*limit, *usage);
      if (!min || left < *min) {
        min = left;
        out.limit = limit;
        out.usage = usage;
      }
    }
    if (path.rfind('/') == std::string::npos) break;
  }
  const std::string pressure = text_of(group.mount() + group.path + "/memory.pressure");
  out.some_stall = stall_of(pressure, "some");
  out.full_stall = stall_of(pressure, "full");
  return out;
}

}  // namespace ashlar::tool

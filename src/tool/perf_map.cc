// tool: the files that compilers write for perf(1).
#include "tool/perf_map.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "base/units.h"
#include "tool/proc_file.h"
#include "tool/reader/file.h"

namespace ashlar::tool {

namespace {

constexpr std::size_t kMaxBytes = 512_MiB, kBuffer = 1_MiB, kMaxName = 1000;

// Takes a hexadecimal number and the space after it from a line.
bool take(std::string_view& line, std::uint64_t& number) {
  if (line.starts_with("0x")) line.remove_prefix(2);
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number, 16);
  const auto digits = static_cast<std::size_t>(end - line.data());
  if (error != std::errc() || digits == line.size() || line[digits] != ' ') return false;
  line.remove_prefix(digits + 1);
  return true;
}

std::string shown(std::string_view name) {
  std::string text(name.substr(0, kMaxName));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  return text;
}

void note_line(std::string_view line, const std::vector<std::uint64_t>& addresses, std::vector<std::string>& names) {
  std::uint64_t start = 0, bytes = 0;
  if (!take(line, start) || !take(line, bytes) || line.empty()) return;
  auto at = std::lower_bound(addresses.begin(), addresses.end(), start);
  for (; at != addresses.end() && *at - start < bytes; ++at)
    names[static_cast<std::size_t>(at - addresses.begin())] = shown(line);
}

bool is_of(const reader::File& file, uid_t owner) {
  struct stat status {};
  return fstat(file.get(), &status) == 0 &&
         (status.st_uid == 0 || status.st_uid == geteuid() || status.st_uid == owner);
}

}  // namespace

PerfMap perf_map_of(pid_t pid, const std::string& root) {
  struct stat status {};
  PerfMap map;
  map.owner = stat(fmt::format("/proc/{}", pid).c_str(), &status) == 0 ? status.st_uid : geteuid();
  map.path = fmt::format("{}/tmp/perf-{}.map", root, number_in_namespace(pid));
  return map;
}

PerfMap perf_map_of_number(std::uint64_t process) { return {fmt::format("/tmp/perf-{}.map", process), geteuid()}; }

std::vector<std::string> names_in_perf_map(const PerfMap& map, const std::vector<std::uint64_t>& addresses) {
  std::vector<std::string> names(addresses.size());
  const reader::File file = addresses.empty() || map.path.empty() ? reader::File() : reader::File::regular(map.path);
  if (!file || !is_of(file, map.owner)) return names;
  std::string buffer(kBuffer, '\0');
  std::size_t held = 0;  // the bytes of a line that is not whole yet
  for (std::size_t total = 0; total < kMaxBytes;) {
    const ssize_t n = read(file.get(), buffer.data() + held, buffer.size() - held);
    if (n <= 0) break;
    total += static_cast<std::size_t>(n);
    std::string_view rest(buffer.data(), held + static_cast<std::size_t>(n));
    for (std::size_t end = 0; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1))
      note_line(rest.substr(0, end), addresses, names);
    if (rest.size() == buffer.size()) break;  // no line is as long
    held = rest.size();
    std::copy(rest.begin(), rest.end(), buffer.begin());
  }
  return names;
}

}  // namespace ashlar::tool

// tool: files of memory cgroups, see the header.
#include "tool/limits.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "tool/reader/file.h"

namespace ashlar::tool {

namespace {

// The folder of the process's group in the memory controller, as the process itself sees the file system.
struct Group {
  std::string root, path;  // path: "" for the root of the hierarchy
  const char* limit = nullptr;
};

Group group_of(pid_t pid) {
  std::ifstream lines(fmt::format("/proc/{}/cgroup", pid));
  Group found;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t one = line.find(':'), two = line.find(':', one + 1);
    if (one == std::string::npos || two == std::string::npos) continue;
    const std::string controllers = "," + line.substr(one + 1, two - one - 1) + ",", path = line.substr(two + 1);
    const bool v1 = controllers.find(",memory,") != std::string::npos;
    if (!v1 && controllers != ",,") continue;
    const std::string top = fmt::format("/proc/{}/root/sys/fs/cgroup", pid);
    found = {v1 ? top + "/memory" : top, path == "/" ? "" : path, v1 ? "memory.limit_in_bytes" : "memory.max"};
    if (v1) break;  // v2 then has no memory controller
  }
  return found;
}

// Why a file cannot be read; empty if it can. The process may have put anything in its place: one byte is asked for.
std::string refusal(const std::string& path) {
  errno = 0;
  const reader::File file = reader::File::regular(path);
  char byte = 0;
  if (file && file.read_at(0, &byte, 1)) return "";
  return std::strerror(errno != 0 ? errno : EIO);
}

std::string as_seen_inside(const std::string& file, pid_t pid) {
  return file.substr(fmt::format("/proc/{}/root", pid).size());
}

}  // namespace

std::string unknown_limit(pid_t pid) {
  const Group group = group_of(pid);
  if (group.limit == nullptr || group.path.empty()) return "";
  std::string first;
  // of groups in a namespace of their own only those above the process's are seen under this name
  for (std::string path = group.path;; path.erase(path.rfind('/'))) {
    const std::string file = group.root + path + "/" + group.limit, why = refusal(file);
    if (why.empty()) return "";
    if (first.empty()) first = fmt::format("{}: {}", as_seen_inside(file, pid), why);
    if (path.rfind('/') == std::string::npos) return first;
  }
}

std::string unknown_pressure(pid_t pid) {
  const Group group = group_of(pid);
  if (group.limit != nullptr && refusal(group.root + group.path + "/memory.pressure").empty()) return "";
  const std::string file = fmt::format("/proc/{}/root/proc/pressure/memory", pid), why = refusal(file);
  return why.empty() ? "" : fmt::format("{}: {}", as_seen_inside(file, pid), why);
}

}  // namespace ashlar::tool

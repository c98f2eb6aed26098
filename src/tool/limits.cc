// tool: files of memory cgroups, see the header.
#include "tool/limits.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "tool/memory_group.h"
#include "tool/reader/file.h"

namespace ashlar::tool {

namespace {

// Returns the path to the hierarchy of the process's group, as the process itself sees it.
std::string root_of(const MemoryGroup& group, pid_t pid) { return fmt::format("/proc/{}/root{}", pid, group.mount()); }

// Returns why a file cannot be read, or an empty text. Reads one byte only: the process may have put anything at this
// path.
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
  const MemoryGroup group = memory_group_of(pid);
  if (!group.known || group.path.empty()) return "";
  std::string first;
  // a process in another cgroup namespace sees a part of the hierarchy only, so try the path's prefixes too
  for (std::string path = group.path;; path.erase(path.rfind('/'))) {
    const std::string file = root_of(group, pid) + path + "/" + group.limit(), why = refusal(file);
    if (why.empty()) return "";
    if (first.empty()) first = fmt::format("{}: {}", as_seen_inside(file, pid), why);
    if (path.rfind('/') == std::string::npos) return first;
  }
}

std::string unknown_pressure(pid_t pid) {
  const MemoryGroup group = memory_group_of(pid);
  if (group.known && refusal(root_of(group, pid) + group.path + "/memory.pressure").empty()) return "";
  const std::string file = fmt::format("/proc/{}/root/proc/pressure/memory", pid), why = refusal(file);
  return why.empty() ? "" : fmt::format("{}: {}", as_seen_inside(file, pid), why);
}

}  // namespace ashlar::tool

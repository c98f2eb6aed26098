// tool: files of memory cgroups, see the header.
#include "tool/limits.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "tool/memory_group.h"
#include "tool/reader/file.h"

namespace ashlar::tool {

namespace {

// Where the process itself sees the hierarchy of its group.
std::string root_of(const MemoryGroup& group, pid_t pid) { return fmt::format("/proc/{}/root{}", pid, group.mount()); }

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
  const MemoryGroup group = memory_group_of(pid);
  if (!group.known || group.path.empty()) return "";
  std::string first;
  // of groups in a namespace of their own only those above the process's are seen under this name
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

// os: the memory cgroup's limit. Source: the kernel's Documentation/admin-guide/cgroup-v2.rst and
// cgroup-v1/memory.rst.
#include <cstdint>

#include "os/os.h"
#include "os/proc.h"

namespace ashlar::os {

namespace {

constexpr std::size_t kLongestPath = 510;
using Path = Text<kLongestPath + 2>;

std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = first(text, end);
  text = end == std::string_view::npos ? std::string_view() : after(text, end + 1);
  return line;
}

bool has_item(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const std::size_t end = list.find(',');
    if (first(list, end) == wanted) return true;
    list = end == std::string_view::npos ? std::string_view() : after(list, end + 1);
  }
  return false;
}

// One limit file; "max", an unreadable file or a number that means "none" give SIZE_MAX.
std::size_t read_limit(std::string_view root, std::string_view group, std::string_view file) {
  Path path;
  path << root << group << "/" << file;
  if (path.view().size() > kLongestPath) return SIZE_MAX;
  path << std::string_view("\0", 1);
  char buffer[64];
  std::size_t limit = SIZE_MAX;
  return parse_decimal(read_small_file(path.view().data(), buffer, sizeof buffer), limit) ? limit : SIZE_MAX;
}

// The lowest limit of a group and its ancestors: any of them stops the process.
std::size_t lowest_limit(std::string_view root, std::string_view group, std::string_view file) {
  std::size_t lowest = SIZE_MAX;
  for (;;) {
    if (group == "/") group = {};
    const std::size_t limit = read_limit(root, group, file);
    if (limit < lowest) lowest = limit;
    if (group.empty()) return lowest;
    const std::size_t slash = group.rfind('/');
    group = slash == std::string_view::npos ? std::string_view() : first(group, slash);
  }
}

}  // namespace

std::size_t memory_limit() {
  if (options.mmap_only != 0) return SIZE_MAX;
  char buffer[4096];
  std::string_view lines = read_small_file("/proc/self/cgroup", buffer, sizeof buffer);
  std::size_t lowest = SIZE_MAX;
  // Each line is "hierarchy-ID:controllers:path"; v2 is "0::path" (cgroups(7)).
  while (!lines.empty()) {
    std::string_view line = next_line(lines);
    line = after(line, line.find(':') + 1);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view controllers = first(line, colon);
    const std::string_view group = after(line, colon + 1);
    std::size_t limit = SIZE_MAX;
    if (controllers.empty()) limit = lowest_limit("/sys/fs/cgroup", group, "memory.max");
    if (has_item(controllers, "memory")) limit = lowest_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
    if (limit < lowest) lowest = limit;
  }
  return lowest;
}

}  // namespace ashlar::os

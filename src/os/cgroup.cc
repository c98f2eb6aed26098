// os: the memory cgroup's limit. Source: the kernel's Documentation/admin-guide/cgroup-v2.rst and
// cgroup-v1/memory.rst.
#include <atomic>
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
  char buffer[1536];  // little of the caller's stack
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

namespace {

// The decimal number that a small file starts with, or `otherwise`.
std::size_t number_in(const char* path, std::size_t otherwise) {
  char buffer[32];
  std::size_t number = 0;
  return parse_decimal(read_small_file(path, buffer, sizeof buffer), number) ? number : otherwise;
}

}  // namespace

std::size_t most_mappings() {
  constexpr std::size_t kUsual = 65530;
  // Relaxed, 0: not read yet. Any thread would read the same.
  static constinit std::atomic<std::size_t> known{0};
  std::size_t most = known.load(std::memory_order_relaxed);
  if (most == 0) {
    most = options.mmap_only != 0 ? kUsual : number_in("/proc/sys/vm/max_map_count", kUsual);
    known.store(most, std::memory_order_relaxed);
  }
  return most;
}

std::size_t resident_bytes() {
  if (options.mmap_only != 0) return SIZE_MAX;
  // "size resident shared …" in pages (proc(5), statm); shared is what files back
  char buffer[128];
  std::string_view text = read_small_file("/proc/self/statm", buffer, sizeof buffer);
  std::size_t resident = 0, shared = 0;
  text = after(text, text.find(' ') + 1);
  if (!parse_decimal(text, resident)) return SIZE_MAX;
  text = after(text, text.find(' ') + 1);
  if (!parse_decimal(text, shared) || shared > resident) return SIZE_MAX;
  return (resident - shared) * page_bytes();
}

}  // namespace ashlar::os

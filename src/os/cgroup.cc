// os: the limits and charges of the process's memory cgroups, and whether the system stalls for lack of memory. Source:
// the kernel's Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and accounting/psi.rst. A file that cannot
// be read sets no limit. Malloc may run on any stack, so little stack is used.
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "os/os.h"
#include "os/proc.h"

namespace ashlar::os {

namespace {

// The system is short of memory when some tasks, or all, waited for memory for this percentage of the last ten seconds.
constexpr std::size_t kSomeStall = 10, kFullStall = 5;

bool has_item(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const std::size_t end = list.find(',');
    if (first(list, end) == wanted) return true;
    list = end == std::string_view::npos ? std::string_view() : after(list, end + 1);
  }
  return false;
}

std::size_t less(std::size_t a, std::size_t b) { return a > b ? a - b : 0; }

// A group of v1 without a limit says the largest number of whole pages (PAGE_COUNTER_MAX), of 64 KiB at most.
constexpr std::size_t kUnlimited = PTRDIFF_MAX / 65536 * 65536;

// Returns the decimal number that a small file starts with, or `otherwise`.
[[gnu::noinline]] std::size_t number_in(const char* path, std::size_t otherwise) {
  char buffer[32];
  std::size_t number = 0;
  return parse_decimal(read_small_file(path, buffer, sizeof buffer), number) ? number : otherwise;
}

// Returns the anonymous part of the resident memory, in bytes: resident - shared of "size resident shared …" in pages
// (proc(5), statm), where shared counts the pages that files back.
[[gnu::noinline]] std::size_t resident_bytes() {
  char buffer[64];  // holds the first three numbers
  std::string_view text = read_small_file("/proc/self/statm", buffer, sizeof buffer);
  std::size_t resident = 0, shared = 0;
  text = after(text, text.find(' ') + 1);
  if (!parse_decimal(text, resident)) return 0;
  text = after(text, text.find(' ') + 1);
  return parse_decimal(text, shared) ? less(resident, shared) * page_bytes() : 0;
}

[[gnu::noinline]] std::size_t free_swap() {
  const int saved = errno;
  struct sysinfo info {};
  const bool known = syscall(SYS_sysinfo, &info) == 0;
  errno = saved;
  return known ? static_cast<std::size_t>(info.freeswap) * info.mem_unit : 0;
}

// Returns the percentage in "some avg10=1.23 …", or 0 where there is none.
std::size_t stall_of(std::string_view line) {
  std::size_t percent = 0;
  const std::size_t at = line.find("avg10=");
  return at != std::string_view::npos && parse_decimal(after(line, at + 6), percent) ? percent : 0;
}

[[gnu::noinline]] Pressure pressure_in(const char* path, bool& readable) {
  Pressure found = Pressure::kNone;
  LineReader lines(path);
  char buffer[24];  // the averages over longer times are cut off
  for (std::string_view line; lines.next(buffer, sizeof buffer, line); readable = true) {
    const std::size_t percent = stall_of(line);
    if (first(line, 4) == "full" && percent >= kFullStall) found = Pressure::kHigh;
    if (first(line, 4) == "some" && percent >= kSomeStall && found == Pressure::kNone) found = Pressure::kSome;
  }
  return found;
}

// The files of one of the two cgroup versions.
struct Version {
  std::string_view root;
  const char *limit, *high, *usage;
  const char *cache, *shared;        // lines of memory.stat: file pages including shared memory; shared memory
  const char *swap_limit, *swapped;  // v1's count memory as well
  bool swap_alone;
};
constexpr Version kVersion2{
    "/sys/fs/cgroup",       "/memory.max", "/memory.high", "/memory.current", "file ", "shmem ", "/memory.swap.max",
    "/memory.swap.current", true};
constexpr Version kVersion1{"/sys/fs/cgroup/memory",
                            "/memory.limit_in_bytes",
                            nullptr,
                            "/memory.usage_in_bytes",
                            "total_cache ",
                            "total_shmem ",
                            "/memory.memsw.limit_in_bytes",
                            "/memory.memsw.usage_in_bytes",
                            false};

// A line of /proc/self/cgroup, "hierarchy-ID:controllers:path", or "0::path" for v2 (cgroups(7)). The line becomes the
// path of the group's folder in place: the root is written before the path, and names of files after it.
class Group {
 public:
  // Reads the next line that names a group of the memory controller. Returns false if there is none.
  bool next(LineReader& lines);

  // Moves to the group's parent. Returns false at the root.
  bool go_up();

  [[nodiscard]] const Version& version() const { return *version_; }
  [[nodiscard]] const char* file(const char* name);
  [[nodiscard]] std::size_t number(const char* name, std::size_t otherwise = SIZE_MAX) {
    return name == nullptr ? otherwise : number_in(file(name), otherwise);
  }
  // Returns the limit that a file has, or SIZE_MAX if there is none.
  [[nodiscard]] std::size_t limit(const char* name) {
    const std::size_t found = number(name);
    return found < kUnlimited ? found : SIZE_MAX;
  }
  // Returns the bytes that the group is charged with and that the kernel cannot reclaim from files, up to `enough`.
  [[nodiscard]] std::size_t charged(std::size_t enough);

 private:
  static constexpr std::size_t kRoot = 24, kLine = 448, kName = 32;

  const Version* version_ = nullptr;
  char* path_ = nullptr;  // begins with the root
  char* end_ = nullptr;
  char buffer_[kRoot + kLine + kName];
};

bool Group::next(LineReader& lines) {
  for (std::string_view line; lines.next(buffer_ + kRoot, kLine, line);) {
    line = after(line, line.find(':') + 1);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view controllers = first(line, colon), group = after(line, colon + 1);
    version_ = controllers.empty() ? &kVersion2 : has_item(controllers, "memory") ? &kVersion1 : nullptr;
    if (version_ == nullptr) continue;
    end_ = buffer_ + (group.data() + group.size() - buffer_);
    const std::string_view root = version_->root;
    path_ = end_ - group.size() - root.size();
    std::memcpy(path_, root.data(), root.size());
    if (group == "/") --end_;
    // of a path that was cut off, only the groups above count
    return group.empty() || end_ != buffer_ + kRoot + kLine || go_up();
  }
  return false;
}

bool Group::go_up() {
  const std::string_view group = after({path_, static_cast<std::size_t>(end_ - path_)}, version_->root.size());
  if (group.empty()) return false;
  const std::size_t slash = group.rfind('/');
  end_ -= slash == std::string_view::npos ? group.size() : group.size() - slash;
  return true;
}

const char* Group::file(const char* name) {
  std::memcpy(end_, name, std::strlen(name) + 1);
  return path_;
}

[[gnu::noinline]] std::size_t Group::charged(std::size_t enough) {
  std::size_t usage = number(version_->usage, 0);
  if (usage == 0) return resident_bytes();
  if (usage <= enough) return usage;
  std::size_t cache = 0, shared = 0;
  LineReader lines(file("/memory.stat"));
  char buffer[40];
  for (std::string_view line; lines.next(buffer, sizeof buffer, line);) {
    const auto note = [&](std::string_view name, std::size_t& value) {
      if (first(line, name.size()) == name) (void)parse_decimal(after(line, name.size()), value);
    };
    note(version_->cache, cache);
    note(version_->shared, shared);
  }
  return less(usage, less(cache, shared));
}

void note_pressure(MemoryLimits& limits, Pressure found) {
  if (found > limits.pressure) limits.pressure = found;
}

// Applies the limits of this group, not of those above it.
void note_group(Group& group, MemoryLimits& limits, std::size_t& headroom, std::size_t& swap) {
  const Version& version = group.version();
  const std::size_t limit = group.limit(version.limit), high = group.limit(version.high);
  const std::size_t lower = limit < high ? limit : high;
  if (lower != SIZE_MAX) {
    const std::size_t charged = group.charged(lower - lower / 4);
    if (limit < limits.limit) limits.limit = limit;
    if (limit != SIZE_MAX && less(limit, charged) < headroom) headroom = less(limit, charged);
    if (charged > high) note_pressure(limits, Pressure::kHigh);
  }
  if (swap == 0) return;
  const std::size_t swap_limit = group.limit(version.swap_limit);
  if (swap_limit == SIZE_MAX) return;
  std::size_t left = less(swap_limit, group.number(version.swapped, 0));
  // v1's figures include what is in memory: this is how much may be added to both together
  if (!version.swap_alone) left = less(left, headroom);
  if (left < swap) swap = left;
}

}  // namespace

MemoryLimits memory_limits() {
  MemoryLimits limits;
  if (options.mmap_only != 0) return limits;
  std::size_t headroom = SIZE_MAX, swap = free_swap();
  bool knows_stall = false;
  LineReader lines("/proc/self/cgroup");
  for (Group group; group.next(lines);) {
    if (group.version().swap_alone) note_pressure(limits, pressure_in(group.file("/memory.pressure"), knows_stall));
    do note_group(group, limits, headroom, swap);
    while (group.go_up());
  }
  if (!knows_stall) note_pressure(limits, pressure_in("/proc/pressure/memory", knows_stall));
  limits.headroom = headroom > SIZE_MAX - swap ? SIZE_MAX : headroom + swap;
  return limits;
}

std::size_t max_mappings() {
  constexpr std::size_t kUsual = 65530;
  // Relaxed: any thread would read the same. 0: not read yet.
  static constinit std::atomic<std::size_t> known{0};
  std::size_t max = known.load(std::memory_order_relaxed);
  if (max == 0) {
    max = options.mmap_only != 0 ? kUsual : number_in("/proc/sys/vm/max_map_count", kUsual);
    known.store(max, std::memory_order_relaxed);
  }
  return max;
}

}  // namespace ashlar::os

// os: which pages of a range were used, by /proc/self/pagemap (proc(5); the kernel's
// Documentation/admin-guide/mm/pagemap.rst).
#include <fcntl.h>
#include <sys/syscall.h>

#include <cstring>

#include "base/hints.h"
#include "os/call.h"
#include "os/keep_errno.h"
#include "os/os.h"

namespace ashlar::os {

namespace {

// The file that says of each OS page whether it is resident or swapped out. mincore(2) is not used, since filters of
// system calls may end a process for it.
class Pagemap {
 public:
  Pagemap() : file_(call::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {}
  ~Pagemap() {
    if (file_ >= 0) call::close(file_);
  }
  Pagemap(const Pagemap&) = delete;
  Pagemap& operator=(const Pagemap&) = delete;

  // Calls visit(first, end) with the part of each such page that lies in [start, start + bytes). Returns false where
  // the system does not say.
  template <class Visit>
  bool for_used(const void* start, std::size_t bytes, Visit visit) {
    constexpr std::uint64_t kPresent = std::uint64_t{1} << 63, kSwapped = std::uint64_t{1} << 62;
    if (file_ < 0) return false;
    const auto first = reinterpret_cast<std::uintptr_t>(start);
    const std::uintptr_t end = first + bytes;
    std::size_t page = first / page_bytes();
    const std::size_t end_page = (end + page_bytes() - 1) / page_bytes();
    while (page < end_page) {
      const std::size_t count = end_page - page < kEntries ? end_page - page : kEntries;
      if (!read(page, count)) return false;
      for (std::size_t i = 0; i < count; ++i, ++page) {
        if ((entries_[i] & (kPresent | kSwapped)) == 0) continue;
        const std::uintptr_t low = page * page_bytes(), high = low + page_bytes();
        visit(low > first ? low : first, high < end ? high : end);
      }
    }
    return true;
  }

  // Whether the file speaks of this process's addresses, as it does not under every emulator: of a fresh mapping, the
  // first page is used from the first access on.
  bool is_true_of(void* fresh) {
    std::size_t used = 0;
    const auto count = [&](std::uintptr_t first, std::uintptr_t end) { used += end - first; };
    if (!for_used(fresh, 1, count) || used != 0) return false;
    *static_cast<volatile char*>(fresh) = 0;
    return for_used(fresh, 1, count) && used != 0;
  }

 private:
  static constexpr std::size_t kEntries = 128;  // that are on the stack at a time

  bool read(std::size_t page, std::size_t count) {
    const std::size_t length = count * sizeof entries_[0];
    return call::number(SYS_pread64, file_, entries_, length, page * sizeof entries_[0]) == static_cast<long>(length);
  }

  KeepErrno keep_;
  int file_;
  std::uint64_t entries_[kEntries];
};

}  // namespace

[[ASHLAR_SELDOM_RUN]] std::size_t used_bytes(const void* start, std::size_t bytes) {
  Pagemap pages;
  std::size_t used = 0;
  const bool known =
      pages.for_used(start, bytes, [&](std::uintptr_t first, std::uintptr_t end) { used += end - first; });
  return known ? used : bytes;
}

[[ASHLAR_SELDOM_RUN]] bool mostly_used(const void* start, std::size_t bytes) {
  constexpr std::size_t kMaxLooks = 8, kPart = 64_KiB;
  const std::size_t looks = bytes <= kMaxLooks * kPart ? 1 : kMaxLooks, part = looks == 1 ? bytes : kPart;
  const std::size_t step = looks == 1 ? 0 : (bytes - part) / (looks - 1);
  // a filter of system calls may end the process for a file that it opens late
  if (options.mmap_only != 0 || call::has_filter()) return true;
  Pagemap pages;
  std::size_t used = 0;
  for (std::size_t i = 0; i < looks; ++i) {
    const bool known = pages.for_used(static_cast<const char*>(start) + i * step, part,
                                      [&](std::uintptr_t first, std::uintptr_t end) { used += end - first; });
    if (!known) return true;
  }
  return used >= looks * part / 2;
}

[[ASHLAR_SELDOM_RUN]] bool copy_used(void* to, const void* from, std::size_t bytes) {
  const auto start = reinterpret_cast<std::uintptr_t>(from);
  Pagemap pages;
  if (!pages.is_true_of(to)) return false;
  return pages.for_used(from, bytes, [&](std::uintptr_t first, std::uintptr_t end) {
    std::memcpy(static_cast<char*>(to) + (first - start), reinterpret_cast<const void*>(first), end - first);
  });
}

}  // namespace ashlar::os

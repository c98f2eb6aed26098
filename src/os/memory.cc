// os: mappings. Sizes are in allocator pages and are rounded up to the kernel's pages for its calls.
#include <linux/mman.h>
#include <linux/prctl.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>

#include "base/hints.h"
#include "os/call.h"
#include "os/keep_errno.h"
#include "os/os.h"
#include "os/proc.h"

#ifndef PR_SET_VMA  // headers before Linux 5.17
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

namespace ashlar::os {

#ifndef __SANITIZE_THREAD__
char call::mappings_in_order = 0;  // an address for ThreadSanitizer in the program; never written
#endif

namespace {

[[ASHLAR_ALWAYS_RUN]] void* map_anonymous(std::size_t bytes, int protection, int flags = MAP_NORESERVE) {
  const KeepErrno keep;
  void* p = call::mmap(nullptr, round_up(bytes, page_bytes()), protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

char* bytes_at(void* start, std::size_t offset) { return static_cast<char*>(start) + offset; }

[[ASHLAR_ALWAYS_RUN]] std::size_t with_guard(std::size_t bytes) { return round_up(bytes, page_bytes()) + page_bytes(); }

// Replaces pages by a new mapping. This is equivalent to madvise and mprotect where a seccomp filter forbids those. One
// that counts against the system's limit of memory (vm.overcommit_memory) does not merge with neighbours that do not.
enum class Counts : bool { kNo, kYes };
[[ASHLAR_SELDOM_RUN]] bool replace_pages(void* start, std::size_t bytes, int protection, Counts counts = Counts::kNo) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | (counts == Counts::kNo ? MAP_NORESERVE : 0);
  return call::mmap(start, round_up(bytes, page_bytes()), protection, flags, -1, 0) == start;
}

// Whether memory that can be written counts, as new mappings made it so. Relaxed: a hint.
constinit std::atomic<Counts> writable{Counts::kNo};

bool make_usable(void* start, std::size_t bytes) {
  if (options.mmap_only == 0) {
    if (call::mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0) return true;
    // Without memory a mapping would fail too, and it might unmap the old pages first (mmap(2)).
    if (errno == ENOMEM) return false;
  }
  writable.store(Counts::kYes, std::memory_order_relaxed);
  return replace_pages(start, bytes, PROT_READ | PROT_WRITE, Counts::kYes);
}

// How the kernel answered a request to drop pages.
enum class Drop : std::uint8_t { kDone, kLocked, kRefused };

Drop drop_pages(void* start, std::size_t bytes) {
  constexpr int kDontNeedLocked = 24;  // MADV_DONTNEED_LOCKED, which older headers lack
  int result = call::madvise(start, bytes, MADV_DONTNEED);
  if (result != 0 && errno == EAGAIN) result = call::madvise(start, bytes, MADV_DONTNEED);
  if (result == 0) return Drop::kDone;
  if (errno != EINVAL) return Drop::kRefused;
  // EINVAL means that part of the range is locked (mlock(2)). Dropping locked pages keeps the mapping locked: pages
  // that are touched again are locked again. Kernels before 5.18 refuse.
  return call::madvise(start, bytes, kDontNeedLocked) == 0 ? Drop::kDone : Drop::kLocked;
}

// Avoids calls that would fail while nearly all memory is locked and the kernel cannot drop locked pages. After kMax
// refusals in a row, only one call is made per pause. Relaxed: it is a hint, and a lost update costs one call.
class LockedPages {
 public:
  bool is_pause() {
    return refusals_.load(std::memory_order_relaxed) >= kMax &&
           now_ms() - last_ms_.load(std::memory_order_relaxed) < kPauseMs;
  }
  bool note(bool locked) {
    if (!locked) {
      if (refusals_.load(std::memory_order_relaxed) != 0) refusals_.store(0, std::memory_order_relaxed);
      return true;
    }
    if (refusals_.load(std::memory_order_relaxed) < kMax) refusals_.fetch_add(1, std::memory_order_relaxed);
    last_ms_.store(now_ms(), std::memory_order_relaxed);
    return false;
  }

 private:
  static constexpr unsigned kMax = 16;
  static constexpr std::uint64_t kPauseMs = 1000;
  std::atomic<unsigned> refusals_{0};
  std::atomic<std::uint64_t> last_ms_{0};
};
constinit LockedPages locked_pages;

// munmap cannot cut a mapping in two when vm.max_map_count is reached. Then the memory is returned, and the address
// space is lost.
[[ASHLAR_ALWAYS_RUN]] void end_mapping(void* start, std::size_t bytes) {
  if (call::munmap(start, bytes) == 0) return;
  if (options.mmap_only == 0 && call::madvise(start, bytes, MADV_DONTNEED) == 0) return;
  replace_pages(start, bytes, PROT_NONE);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] std::size_t page_bytes() {
  // getauxval reads what the kernel left on the stack: it makes no system call, and works before any constructor
  static constinit std::size_t cached = 0;
  if (__atomic_load_n(&cached, __ATOMIC_RELAXED) == 0)
    __atomic_store_n(&cached, getauxval(AT_PAGESZ), __ATOMIC_RELAXED);
  return __atomic_load_n(&cached, __ATOMIC_RELAXED);
}

[[ASHLAR_ALWAYS_RUN]] void* reserve(std::size_t bytes) { return map_anonymous(bytes, PROT_NONE); }

[[ASHLAR_ALWAYS_RUN]] void* reserve_charged(std::size_t bytes) { return map_anonymous(bytes, PROT_NONE, 0); }

namespace {

// For kernels that place a mapping at any page. Asks for the nearest aligned place below the one that the kernel
// offered, as most mappings grow downwards. If that fails, reserves more and cuts off the surplus.
[[ASHLAR_SELDOM_RUN]] void* reserve_below(std::uintptr_t offered, std::size_t bytes, std::size_t alignment) {
  const KeepErrno keep;
  void* const below = reinterpret_cast<void*>(round_down(offered, alignment));
  void* p = call::mmap(below, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == below) return p;
  if (p != MAP_FAILED) end_mapping(p, bytes);
  p = reserve(bytes + alignment);
  if (p == nullptr) return nullptr;
  const auto start = reinterpret_cast<std::uintptr_t>(p), aligned = round_up(start, alignment);
  if (aligned > start) end_mapping(p, aligned - start);
  end_mapping(reinterpret_cast<void*>(aligned + bytes), start + alignment - aligned);
  return reinterpret_cast<void*>(aligned);
}

}  // namespace

// Kernels since 6.7 place a mapping of whole huge pages at a multiple of their size.
[[ASHLAR_ALWAYS_RUN]] void* reserve_aligned(std::size_t bytes, std::size_t alignment) {
  void* const p = reserve(bytes);
  const auto start = reinterpret_cast<std::uintptr_t>(p);
  if (start % alignment == 0) return p;
  unmap(p, bytes);
  return reserve_below(start, bytes, alignment);
}

[[ASHLAR_ALWAYS_RUN]] bool commit(void* start, std::size_t bytes) {
  const KeepErrno keep;
  return make_usable(start, bytes);
}

[[ASHLAR_ALWAYS_RUN]] bool seal(void* start, std::size_t bytes) {
  const KeepErrno keep;
  return replace_pages(start, bytes, PROT_NONE);
}

[[ASHLAR_ALWAYS_RUN]] void* map(std::size_t bytes) { return map_anonymous(bytes, PROT_READ | PROT_WRITE); }

[[ASHLAR_SELDOM_RUN]] void* map_guarded(std::size_t bytes) {
  void* const p = reserve_charged(with_guard(bytes));
  if (p == nullptr) return nullptr;
  if (commit(p, round_up(bytes, page_bytes()))) return p;
  unmap_guarded(p, bytes);
  return nullptr;
}

[[ASHLAR_SELDOM_RUN]] bool map_at(void* start, std::size_t bytes) {
#ifdef __SANITIZE_THREAD__
  return false;  // ThreadSanitizer ends the process for an address that it reserves
#endif
  const KeepErrno keep;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  const std::size_t size = round_up(bytes, page_bytes());
  void* const p = call::mmap(start, size, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (p != MAP_FAILED && p != start) call::munmap(p, size);  // before Linux 4.17 the address is only a hint
  return p == start;
}

[[ASHLAR_SELDOM_RUN]] bool move_pages(void* from, std::size_t bytes, void* to) {
  const KeepErrno keep;
  if (options.mmap_only != 0) return false;
  const std::size_t size = round_up(bytes, page_bytes());
  return call::mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
}

[[ASHLAR_SELDOM_RUN]] void* remap_guarded(void* start, std::size_t old_bytes, std::size_t new_bytes) {
  const KeepErrno keep;
  const std::size_t old_size = round_up(old_bytes, page_bytes());
  const std::size_t new_size = round_up(new_bytes, page_bytes());
  if (new_size <= old_size) {
    // the guard moves down with the end
    if (new_size == old_size) return start;
    if (!seal(bytes_at(start, new_size), page_bytes())) return nullptr;
    end_mapping(bytes_at(start, new_size + page_bytes()), old_size - new_size);
    return start;
  }
  // The old guard is in the way, so the pages move to a place with room for them and a new guard. A failure changes
  // nothing.
  if (options.mmap_only != 0) return nullptr;
  void* const moved = call::mremap(start, old_size, new_size + page_bytes(), MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) return nullptr;
  (void)seal(bytes_at(moved, new_size), page_bytes());  // if it fails, the block only lacks a guard
  end_mapping(bytes_at(start, old_size), page_bytes());
  return moved;
}

[[ASHLAR_ALWAYS_RUN]] void unmap(void* start, std::size_t bytes) {
  const KeepErrno keep;
  end_mapping(start, round_up(bytes, page_bytes()));
}

[[ASHLAR_SELDOM_RUN]] void unmap_guarded(void* start, std::size_t bytes) { unmap(start, with_guard(bytes)); }

[[ASHLAR_ALWAYS_RUN]] bool purge(std::uintptr_t& start, std::size_t& bytes, PurgeMode how, const char* name) {
  const KeepErrno keep;
  const std::uintptr_t first = round_up(start, page_bytes());
  const std::uintptr_t last = round_down(start + bytes, page_bytes());
  if (first >= last || locked_pages.is_pause()) return false;
  start = first;
  bytes = last - first;
  void* const at = reinterpret_cast<void*>(start);
  if (options.mmap_only == 0) {
    if (how == PurgeMode::kFree && call::madvise(at, bytes, MADV_FREE) == 0) return true;
    const Drop drop = drop_pages(at, bytes);
    if (drop != Drop::kRefused) return locked_pages.note(drop == Drop::kLocked);
  }
  if (!replace_pages(at, bytes, PROT_READ | PROT_WRITE, writable.load(std::memory_order_relaxed))) return false;
  name_memory(at, bytes, name);  // mappings with different names do not merge
  return true;
}

[[ASHLAR_SELDOM_RUN]] void advise_huge(void* start, std::size_t bytes) {
  if (options.mmap_only != 0) return;
  const KeepErrno keep;
  call::madvise(start, bytes, MADV_HUGEPAGE);
}

[[ASHLAR_ALWAYS_RUN]] void avoid_huge(void* start, std::size_t bytes) {
  if (options.mmap_only != 0) return;
  const KeepErrno keep;
  call::madvise(start, bytes, MADV_NOHUGEPAGE);
}

[[ASHLAR_ALWAYS_RUN]] bool huge_pages_everywhere() {
  if (options.mmap_only != 0) return false;
  char buffer[64];
  return read_small_file("/sys/kernel/mm/transparent_hugepage/enabled", buffer, sizeof buffer).find("[always]") !=
         std::string_view::npos;
}

[[ASHLAR_ALWAYS_RUN]] void name_memory(void* start, std::size_t bytes, const char* what) {
  // Relaxed: it only says whether another try is useful. A kernel without names refuses once.
  static constinit std::atomic<bool> refused{false};
  if (options.mmap_only != 0 || refused.load(std::memory_order_relaxed)) return;
  const KeepErrno keep;
  const std::size_t size = round_up(bytes, page_bytes());
  if (call::number(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, start, size, what) != 0 && errno != ENOMEM) {
    refused.store(true, std::memory_order_relaxed);
  }
}

}  // namespace ashlar::os

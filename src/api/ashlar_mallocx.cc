// api: allocation with flags, as documented in include/ashlar/mallocx.h.
#include "ashlar/mallocx.h"

#include "api/ashlar_heap.h"
#include "api/profiled.h"
#include "api/refusal.h"
#include "base/bytes.h"
#include "base/hints.h"
#include "heap/extended.h"

namespace api = ashlar::api;
namespace heap = ashlar::heap;

namespace {

constexpr unsigned kAlign = 0x3f;
constexpr unsigned kMaxAlign = 62;

constexpr bool are_known(unsigned flags) {
  return (flags & ~(kAlign | ASHLAR_X_ZERO)) == 0 && (flags & kAlign) <= kMaxAlign;
}

// Out of line: a function that calls it last keeps nothing for the time after it.
[[gnu::cold, gnu::noinline]] void refuse_unknown(const char* caller, unsigned flags) {
  api::refuse_flags(caller, flags, "ASHLAR_X_ALIGN, ASHLAR_X_LG_ALIGN (0 to 62) or ASHLAR_X_ZERO");
}

bool are_known(const char* caller, unsigned flags) {
  if (are_known(flags)) [[likely]]
    return true;
  refuse_unknown(caller, flags);
  return false;
}

size_t alignment_of(unsigned flags) { return size_t{1} << (flags & kAlign); }
bool is_strong(unsigned flags) { return alignment_of(flags) > ashlar::kMinAlign; }
bool wants_zero(unsigned flags) { return (flags & ASHLAR_X_ZERO) != 0; }

void clear(void* block, size_t from, size_t to) {
  if (to > from) ashlar::clear_block(static_cast<char*>(block) + from, to - from);
}

// Clears a block from a byte on. That includes bytes beyond the requested size, since the block may grow into them.
void clear_from(void* block, size_t from) { clear(block, from, api::malloc_usable_size(block)); }

[[gnu::noinline]] void* allocate(const char* caller, size_t size, unsigned flags) {
  if (!are_known(caller, flags)) return nullptr;
  const bool strong = is_strong(flags), zero = wants_zero(flags);
  if (!strong && !zero) return api::malloc(size);
  void* const block = strong ? api::aligned_alloc(alignment_of(flags), size) : api::calloc(1, size);
  if (block != nullptr && zero) clear_from(block, strong ? 0 : size);
  return block;
}

// The same for blocks of a heap, which are not checked.
void* allocate_in(const char* caller, ashlar_heap* owner, size_t size, unsigned flags) {
  if (!are_known(caller, flags)) return nullptr;
  bool zeroed = false;
  void* const block =
      api::allocate_of(caller, owner, size, is_strong(flags) ? alignment_of(flags) : ashlar::kMinAlign, zeroed);
  if (block != nullptr && wants_zero(flags) && !zeroed) clear_from(block, 0);
  return block;
}

// Moves to a new block, because realloc keeps no alignment. A block that is large enough and would be at least half
// used stays.
void* move_aligned_in(const char* caller, ashlar_heap* owner, void* block, size_t usable, size_t size, unsigned flags) {
  const bool is_aligned = reinterpret_cast<uintptr_t>(block) % alignment_of(flags) == 0;
  if (is_aligned && size <= usable && size > usable / 2) return block;
  bool zeroed = false;
  void* const moved = api::allocate_of(caller, owner, size, alignment_of(flags), zeroed);
  if (moved == nullptr) return nullptr;
  ashlar::copy_block(moved, block, usable < size ? usable : size);
  ashlar_heap_free(owner, block);
  return moved;
}

// The same for any block, which stays in its heap. Where blocks are checked, which record the requested size, a block
// stays only for the same size.
void* move_aligned(void* block, size_t usable, size_t size, unsigned flags) {
  if (ashlar_heap* const owner = ashlar_heap_of(block))
    return move_aligned_in("ashlar_rallocx()", owner, block, usable, size, flags);
  const bool is_aligned = reinterpret_cast<uintptr_t>(block) % alignment_of(flags) == 0;
  const bool fits = ashlar::check::active() ? size == usable : size <= usable && size > usable / 2;
  if (is_aligned && fits) return block;
  void* const moved = api::aligned_alloc(alignment_of(flags), size);
  if (moved == nullptr) return nullptr;
  ashlar::copy_block(moved, block, usable < size ? usable : size);
  api::free(block);
  return moved;
}

// Returns whether the size may change in place: checks and profiles record the requested size.
bool may_resize(const void* block) {
  namespace check = ashlar::check;
  return !check::active() && !ashlar::profile::active() && !(check::may_have_blocks() && check::owns(block));
}

}  // namespace

void* ashlar_mallocx(size_t size, unsigned flags) noexcept {
  return flags == 0 ? api::malloc(size) : allocate("ashlar_mallocx()", size, flags);
}

void* ashlar_rallocx(void* block, size_t size, unsigned flags) noexcept {
  constexpr const char* kCaller = "ashlar_rallocx()";
  if (block == nullptr) return allocate(kCaller, size, flags);
  if (!are_known(kCaller, flags)) return nullptr;
  const size_t wanted = size != 0 ? size : 1;
  const bool plain = !is_strong(flags);
  const size_t usable = plain && !wants_zero(flags) ? 0 : api::malloc_usable_size(block);
  void* const now = plain ? api::realloc(block, wanted) : move_aligned(block, usable, wanted, flags);
  if (now != nullptr && wants_zero(flags)) clear_from(now, usable < wanted ? usable : wanted);
  return now;
}

void* ashlar_heap_mallocx(ashlar_heap* heap, size_t size, unsigned flags) noexcept {
  return allocate_in("ashlar_heap_mallocx()", heap, size, flags);
}

void* ashlar_heap_rallocx(ashlar_heap* heap, void* block, size_t size, unsigned flags) noexcept {
  constexpr const char* kCaller = "ashlar_heap_rallocx()";
  if (block == nullptr) return allocate_in(kCaller, heap, size, flags);
  if (!are_known(kCaller, flags) || !api::owns_block(kCaller, heap, block)) return nullptr;
  const size_t wanted = size != 0 ? size : 1, usable = api::malloc_usable_size(block);
  void* const now =
      is_strong(flags) ? move_aligned_in(kCaller, heap, block, usable, wanted, flags) : api::resize_of(block, wanted);
  if (now != nullptr && wants_zero(flags)) clear_from(now, usable < wanted ? usable : wanted);
  return now;
}

size_t ashlar_xallocx(void* block, size_t size, size_t extra, unsigned flags) noexcept {
  if (block == nullptr) {
    api::refuse("ashlar_xallocx()", "the block must not be NULL");
    return 0;
  }
  if (!are_known("ashlar_xallocx()", flags)) return 0;
  const size_t max = extra > PTRDIFF_MAX || size > PTRDIFF_MAX - extra ? PTRDIFF_MAX : size + extra;
  const size_t usable = api::malloc_usable_size(block);
  if (usable == max || size > PTRDIFF_MAX || !may_resize(block)) return usable;
  const bool changed =
      heap::resize_in_place(block, max) || (usable < size && max != size && heap::resize_in_place(block, size));
  if (!changed) return usable;
  const size_t now = api::malloc_usable_size(block);
  if (wants_zero(flags)) clear(block, usable, now);
  return now;
}

size_t ashlar_sallocx(const void* block, unsigned flags) noexcept {
  return are_known("ashlar_sallocx()", flags) ? api::malloc_usable_size(block) : 0;
}

void ashlar_dallocx(void* block, unsigned flags) noexcept {
  if (flags != 0 && !are_known(flags)) [[unlikely]]
    return refuse_unknown("ashlar_dallocx()", flags);
  api::free(block);
}

void ashlar_sdallocx(void* block, size_t size, unsigned flags) noexcept {
  if (flags != 0 && !are_known(flags)) [[unlikely]]
    return refuse_unknown("ashlar_sdallocx()", flags);
  api::free_as(block, api::Form::kMalloc, size);
}

size_t ashlar_nallocx(size_t size, unsigned flags) noexcept {
  if (!are_known("ashlar_nallocx()", flags)) return 0;
  const size_t alignment = alignment_of(flags);
  if (size == 0 || size > PTRDIFF_MAX || alignment > PTRDIFF_MAX - size) return 0;
  return ashlar::check::active() ? size : heap::good_size(size, alignment);
}

size_t ashlar_good_size(size_t size) noexcept { return ashlar_nallocx(size, 0); }

void ashlar_thread_flush() noexcept {
  const int saved = errno;
  heap::flush_thread();
  errno = saved;
}

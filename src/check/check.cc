// check: the way in: which kind of block, and whose a pointer is.
#include "check/check.h"

#include "check/small.h"

namespace ashlar::check {

namespace {

constexpr std::int64_t kNotDrawn = 0;

// True when this allocation is the one to put between guards. Counts it otherwise: the allocations until the next
// sample are drawn at random, with options.guard_sample as the mean.
bool is_sample(std::size_t c) {
  const std::uint64_t mean = options.guard_sample;
  if (mean == 0) return false;
  const Entered shard;
  if (!shard) return false;
  const auto max = static_cast<std::int64_t>(2 * mean - 1);
  std::atomic<std::int64_t>& until = (*shard).until_sample[c];
  std::int64_t left = until.load(std::memory_order_relaxed);
  // what was drawn with a larger mean does not count
  if (left == kNotDrawn || left > max)
    left = static_cast<std::int64_t>(next_random(*shard) % static_cast<std::uint64_t>(max)) + 1;
  const bool due = --left <= 0;
  until.store(due ? kNotDrawn : left, std::memory_order_relaxed);
  return due;
}

// Counts what the thread can take before it misses again, cut down so that the sample is the next miss.
void count_loaded(std::size_t c, std::size_t size) {
  std::atomic<std::int64_t>& until = own_shard().until_sample[c];
  const std::int64_t left = until.load(std::memory_order_relaxed);
  if (left <= 0) return;
  const auto max = static_cast<std::uint32_t>(left - 1 < UINT16_MAX ? left - 1 : UINT16_MAX);
  const std::uint32_t loaded = heap::shorten_loaded(size, max);
  until.fetch_sub(loaded < left ? loaded : left - 1, std::memory_order_relaxed);
}

void* allocate_unchecked(std::size_t size, std::size_t alignment, bool& zeroed) {
  return alignment <= kMinAlign ? heap::allocate_maybe_zeroed(size, zeroed) : heap::allocate_aligned(size, alignment);
}

// A block for which sampling counts: per class, since a class with small magazines misses more often.
void* allocate_sampled(std::size_t size, std::size_t alignment, Form form, bool& zeroed) {
  const std::size_t c = size <= slab::kMaxSmall && alignment <= kMinAlign ? slab::class_for(size).raw : 0u;
  if (is_sample(c)) {
    void* const p = allocate_guarded(size, alignment, form, true);
    zeroed = p != nullptr && !settings.poison;
    if (p != nullptr) return p;
  }
  void* const p = allocate_unchecked(size, alignment, zeroed);
  if (c != 0) count_loaded(c, size);
  return p;
}

void* allocate_checked(std::size_t size, std::size_t alignment, Form form, bool& zeroed) {
  if (size == 0 && alignment <= kMinAlign) {
    if (void* const p = heap::allocate_zero()) return p;
  }
  if (const SizeClass c = slot_class_for(settings, size, alignment); c.raw != 0) {
    return allocate_small(c, size, alignment, form, zeroed);
  }
  void* const p = allocate_guarded(size, alignment, form, false);
  zeroed = p != nullptr && !settings.poison;
  return p != nullptr ? p : allocate_unchecked(size, alignment, zeroed);
}

void* allocate_any(std::size_t size, std::size_t alignment, Form form, bool& zeroed) {
  zeroed = false;
  if (is_checked(size)) {
    if (!is_sample(0)) return allocate_checked(size, alignment, form, zeroed);
    void* const p = allocate_guarded(size, alignment, form, true);
    zeroed = p != nullptr;
    return p != nullptr ? p : allocate_checked(size, alignment, form, zeroed);
  }
  if (options.guard_sample != 0) return allocate_sampled(size, alignment, form, zeroed);
  return allocate_unchecked(size, alignment, zeroed);
}

}  // namespace

void* allocate(std::size_t size, std::size_t alignment, Form form, bool& zeroed) {
  zeroed = false;
  if (heap::interrupted()) [[unlikely]]  // the interrupted call may have a lock of any layer
    return heap::allocate_emergency(size, alignment);
  if (settings.direct && size - 1 < slab::kMaxSmall - sizeof(std::uint64_t) && alignment <= kMinAlign) [[likely]] {
    if (void* const p = allocate_small(slab::class_for(size + sizeof(std::uint64_t)), size, alignment, form, zeroed))
      return p;
  }
  if (options.failslab != 0 && should_fail(size)) return nullptr;
  void* const p = allocate_any(size, alignment, form, zeroed);
  return p != nullptr || !empty_quarantine(size) ? p : allocate_any(size, alignment, form, zeroed);
}

bool release(void* p, Form form, std::size_t size, const char* caller) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  if (Region* const region = region_at(address)) {
    if (is_guarded(*region)) return release_guarded(as_guarded(*region), address, form, size, caller);
    release_small(as_span(*region), address, form, size, caller);
    return true;
  }
  if (heap::is_zero_block(p)) {
    release_zero(p, caller);
    return true;
  }
  if (!settings.all) return false;
  // rare here: a block from before, or a mistake
  if (const Guarded* const block = guarded_around(address)) {
    report_bad_pointer(*block, address, caller);
    return true;
  }
  if (const Span* const span = span_around(address)) {
    report_bad_pointer(*span, address, caller);
    return true;
  }
  return false;
}

void* resize(void* p, std::size_t size) {
  if (!settings.plain || size == 0) return nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  Region* const region = region_at(address);
  if (region == nullptr) return nullptr;
  if (is_guarded(*region)) return resize_guarded(as_guarded(*region), address, size);
  return resize_small(as_span(*region), address, size) ? p : nullptr;
}

bool owns(const void* p) { return region_at(reinterpret_cast<std::uintptr_t>(p)) != nullptr; }

bool find(const void* p, std::size_t& bytes, const char* caller) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  bytes = 0;
  if (Region* const region = region_at(address)) {
    if (!is_guarded(*region)) {
      bytes = size_of_small(as_span(*region), address, caller);
      return true;
    }
    const auto& block = as_guarded(*region);
    if (block.block == address && block.state.load(std::memory_order_acquire) == State::kLive) bytes = block.size;
    else report_bad_pointer(block, address, caller);
    return true;
  }
  if (!heap::is_zero_block(p)) return false;
  check_zero(p, caller);
  return true;
}

}  // namespace ashlar::check

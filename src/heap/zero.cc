// heap: blocks of no bytes.
#include "heap/zero.h"

#include "base/hints.h"

namespace ashlar::heap {

constinit ZeroBlocks zero_blocks;
[[ASHLAR_SPARSE]] constinit ZeroStates zero_states = {};

namespace {

constexpr std::size_t kStretch = ZeroBlocks::kMax * kMinAlign;
constexpr unsigned kLooks = 64;  // for a free one, before the window doubles

std::uintptr_t make_stretch() {
  const std::uintptr_t there = zero_blocks.stretch.load(std::memory_order_acquire);
  if (there != 0) return there;
  const auto made = reinterpret_cast<std::uintptr_t>(os::reserve(kStretch));
  std::uintptr_t expected = 0;
  if (made == 0 || zero_blocks.stretch.compare_exchange_strong(expected, made, std::memory_order_acq_rel)) return made;
  os::unmap(reinterpret_cast<void*>(made), kStretch);  // another thread was first
  return expected;
}

std::atomic<ZeroState>& state_of(const void* p) {
  const std::uintptr_t start = zero_blocks.stretch.load(std::memory_order_acquire);
  return zero_states.of[(reinterpret_cast<std::uintptr_t>(p) - start) / kMinAlign];
}

bool is_start(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kMinAlign == 0; }

}  // namespace

void* allocate_zero() {
  const std::uintptr_t start = make_stretch();
  if (start == 0) return nullptr;
  for (std::size_t max = zero_blocks.window.load(std::memory_order_relaxed);; max *= 2) {
    for (unsigned look = 0; look < kLooks; ++look) {
      const std::size_t i = zero_blocks.next.fetch_add(1, std::memory_order_relaxed) % max;
      ZeroState before = zero_states.of[i].load(std::memory_order_relaxed);
      if (before != ZeroState::kLive &&
          zero_states.of[i].compare_exchange_strong(before, ZeroState::kLive, std::memory_order_relaxed)) {
        return reinterpret_cast<void*>(start + i * kMinAlign);
      }
    }
    if (max == ZeroBlocks::kMax) return nullptr;
    zero_blocks.window.store(max * 2, std::memory_order_relaxed);
  }
}

bool is_zero_block(const void* p) {
  const std::uintptr_t start = zero_blocks.stretch.load(std::memory_order_acquire);
  return start != 0 && reinterpret_cast<std::uintptr_t>(p) - start < kStretch;
}

ZeroState zero_state(const void* p) {
  return is_start(p) ? state_of(p).load(std::memory_order_relaxed) : ZeroState::kNever;
}

ZeroState release_zero(void* p) {
  ZeroState before = ZeroState::kLive;
  if (!is_start(p)) return ZeroState::kNever;
  state_of(p).compare_exchange_strong(before, ZeroState::kFreed, std::memory_order_relaxed);
  return before;
}

}  // namespace ashlar::heap

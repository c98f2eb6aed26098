// heap: blocks of no bytes.
#include "heap/zero.h"

#include "base/hints.h"

namespace ashlar::heap {

namespace {

constexpr std::size_t kBlocks = std::size_t{1} << 20;
constexpr std::size_t kStretch = kBlocks * kMinAlign;
constexpr std::size_t kFirstWindow = 4096;  // blocks in turn at first: their states fill a page
constexpr unsigned kLooks = 64;             // for a free one, before the window doubles

// Release, acquire: publishes the stretch.
constinit std::atomic<std::uintptr_t> stretch{0};
// Relaxed, both: where the next look begins, and how far looks go.
constinit std::atomic<std::size_t> next{0}, window{kFirstWindow};
// Each moves by compare and exchange; relaxed, as nothing is published with it.
[[ASHLAR_SPARSE]] constinit std::atomic<ZeroState> states[kBlocks] = {};

std::uintptr_t make_stretch() {
  const std::uintptr_t there = stretch.load(std::memory_order_acquire);
  if (there != 0) return there;
  const auto made = reinterpret_cast<std::uintptr_t>(os::reserve(kStretch));
  std::uintptr_t expected = 0;
  if (made == 0 || stretch.compare_exchange_strong(expected, made, std::memory_order_acq_rel)) return made;
  os::unmap(reinterpret_cast<void*>(made), kStretch);  // another thread was first
  return expected;
}

std::atomic<ZeroState>& state_of(const void* p) {
  return states[(reinterpret_cast<std::uintptr_t>(p) - stretch.load(std::memory_order_acquire)) / kMinAlign];
}

bool is_start(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kMinAlign == 0; }

}  // namespace

void* allocate_zero() {
  const std::uintptr_t start = make_stretch();
  if (start == 0) return nullptr;
  for (std::size_t max = window.load(std::memory_order_relaxed);; max *= 2) {
    for (unsigned look = 0; look < kLooks; ++look) {
      const std::size_t i = next.fetch_add(1, std::memory_order_relaxed) % max;
      ZeroState before = states[i].load(std::memory_order_relaxed);
      if (before != ZeroState::kLive &&
          states[i].compare_exchange_strong(before, ZeroState::kLive, std::memory_order_relaxed)) {
        return reinterpret_cast<void*>(start + i * kMinAlign);
      }
    }
    if (max == kBlocks) return nullptr;
    window.store(max * 2, std::memory_order_relaxed);
  }
}

bool is_zero_block(const void* p) {
  const std::uintptr_t start = stretch.load(std::memory_order_acquire);
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

// check: blocks of 0 bytes: addresses of a stretch that nobody may access, each used once before any is used again.
#include "base/hints.h"
#include "check/report.h"

namespace ashlar::check {

namespace {

constexpr std::size_t kBlocks = std::size_t{1} << 20;
constexpr std::size_t kStretch = kBlocks * kMinAlign;
constexpr unsigned kLooks = 64;  // for one that is not live, when all were used once

enum Mark : std::uint8_t { kNever, kLive, kFreed };

// Release, acquire: publishes the stretch.
constinit std::atomic<std::uintptr_t> stretch{0};
// Relaxed: where the next look begins.
constinit std::atomic<std::size_t> next{0};
// Each moves by compare and exchange; relaxed, as nothing is published with it.
[[ASHLAR_SPARSE]] constinit std::atomic<Mark> marks[kBlocks] = {};

std::uintptr_t make_stretch() {
  const std::uintptr_t there = stretch.load(std::memory_order_acquire);
  if (there != 0) return there;
  const auto made = reinterpret_cast<std::uintptr_t>(os::reserve(kStretch));
  std::uintptr_t expected = 0;
  if (made == 0 || stretch.compare_exchange_strong(expected, made, std::memory_order_acq_rel)) return made;
  os::unmap(reinterpret_cast<void*>(made), kStretch);  // another thread was first
  return expected;
}

std::size_t index_of(const void* p) {
  return (reinterpret_cast<std::uintptr_t>(p) - stretch.load(std::memory_order_acquire)) / kMinAlign;
}

bool is_start(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kMinAlign == 0; }

}  // namespace

void* allocate_zero() {
  const std::uintptr_t start = make_stretch();
  if (start == 0) return nullptr;
  for (unsigned look = 0; look < kLooks; ++look) {
    const std::size_t i = next.fetch_add(1, std::memory_order_relaxed) % kBlocks;
    Mark before = marks[i].load(std::memory_order_relaxed);
    if (before != kLive && marks[i].compare_exchange_strong(before, kLive, std::memory_order_relaxed)) {
      return reinterpret_cast<void*>(start + i * kMinAlign);
    }
  }
  return nullptr;
}

bool is_zero_block(const void* p) {
  const std::uintptr_t start = stretch.load(std::memory_order_acquire);
  return start != 0 && reinterpret_cast<std::uintptr_t>(p) - start < kStretch;
}

bool check_zero(const void* p, const char* caller) {
  const Mark mark = is_start(p) ? marks[index_of(p)].load(std::memory_order_relaxed) : kNever;
  if (mark != kLive) report_bad_zero(p, mark == kFreed, caller);
  return mark == kLive;
}

void release_zero(void* p, const char* caller) {
  Mark before = kLive;
  if (is_start(p) && marks[index_of(p)].compare_exchange_strong(before, kFreed, std::memory_order_relaxed)) return;
  report_bad_zero(p, is_start(p) && before == kFreed, caller);
}

}  // namespace ashlar::check

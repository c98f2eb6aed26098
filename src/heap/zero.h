// heap: blocks of no bytes, like the kernel's ZERO_SIZE_PTR: addresses of a stretch that nobody may access, so that an
// access is a fault. Distinct, and not used again before many others were.
//
// Thread-safe without a lock.
#pragma once

#include <atomic>

#include "page/page.h"

namespace ashlar::heap {

enum class ZeroState : std::uint8_t { kNever, kLive, kFreed };

struct ZeroBlocks {
  static constexpr std::size_t kMax = std::size_t{1} << 20;
  static constexpr std::size_t kFirstWindow = 4096;  // blocks in turn at first: their states fill a page

  std::atomic<std::uintptr_t> stretch{0};  // where it starts; 0: not made. Release, acquire: publishes it
  // Relaxed, both: where the next look begins, and how far looks go.
  std::atomic<std::size_t> next{0}, window{kFirstWindow};
};
extern constinit ZeroBlocks zero_blocks;

// Apart from the rest, as little of it is touched. Each moves by compare and exchange; relaxed, as nothing is published
// with it.
struct ZeroStates {
  std::atomic<ZeroState> of[ZeroBlocks::kMax];
};
extern constinit ZeroStates zero_states;

// A block, or null when there is no address space, or none is free.
void* allocate_zero();

// True when p lies in the stretch.
bool is_zero_block(const void* p);

// Of the block that starts at p, which lies in the stretch; kNever where none can start.
ZeroState zero_state(const void* p);

// Frees it if it is live; what it was before.
ZeroState release_zero(void* p);

}  // namespace ashlar::heap

// tool: what ashlar-replay does: the steps of each thread, made of a trace by `ashlar replay`. A file that the driver
// maps:
//
//   PlanHeader │ PlanThread … │ Step …
//
// A block has a slot from the call that makes it to the one that frees it. A slot holds an address and a tag; each step
// that makes or resizes a block gives it the next tag, and the step that follows on that block, maybe in another
// thread, waits until the slot has it. A slot is used again by the thread that freed its block. So a thread waits for
// others only where the history of a block demands it, and at marks (see there).
#pragma once

#include <cstdint>

namespace ashlar::replay {

inline constexpr std::uint64_t kMagic = 0x316e616c50687341;  // "AshPlan1"

enum class Touch : std::uint32_t { kFirst, kAll };

struct PlanHeader {
  std::uint64_t magic;
  std::uint32_t threads;
  Touch touch;
  std::uint64_t slots;
  std::uint64_t steps;
};

struct PlanThread {
  std::uint64_t first;  // step
  std::uint64_t steps;
  std::uint64_t number;  // of its first call
};

enum class StepKind : std::uint8_t { kMalloc, kCalloc, kAligned, kRealloc, kFree, kMark };

struct Step {
  std::uint64_t size;  // of a mark: the number of the call that follows
  std::uint32_t slot;
  std::uint16_t tag;  // the one that the block has by then; of what makes a block: the one that it gets
  StepKind kind;
  std::uint8_t alignment;  // a logarithm
};
static_assert(sizeof(Step) == 16);

// A thread stops at a mark until no other one is further behind than this many calls of the recorded process, so that
// what lives at once stays what it was. Marks are closer than a quarter of it, which keeps a thread that others
// wait for from waiting for them.
inline constexpr std::uint64_t kWindow = 4096;
inline constexpr std::uint64_t kStepsPerMark = 64;

inline constexpr unsigned kTagBits = 16;  // of a slot, below the address

// What the driver writes to its standard output.
struct Outcome {
  std::uint64_t ns;  // of all steps
  std::uint64_t user_us, system_us;
  std::uint64_t faults;
  std::uint64_t peak_bytes, final_bytes;  // resident, without what was before the first step
  std::uint64_t failed;                   // allocations
  std::uint64_t waits;                    // for other threads
};

}  // namespace ashlar::replay

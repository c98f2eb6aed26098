// tool: what ashlar-replay does: the steps of each thread, made of a trace by `ashlar replay`. A file that the driver
// maps:
//
//   PlanHeader … up to kExtent0 │ extent │ extent │ … │ PlanThread … │ offsets of extents, each thread's in turn
//
// An extent holds kStepsPerExtent steps of one thread; the thread's last extent may hold fewer. The driver maps a
// thread's extents one after another.
//
// A block has a slot from the call that makes it to the call that frees it. A slot holds an address and a tag. Each
// step that makes or resizes a block gives the slot the next tag. The block's next step, which may be in another
// thread, waits until the slot has that tag. A slot is reused by the thread that freed its block. So a thread waits for
// others only where the history of a block demands it, and at marks (kWindow).
#pragma once

#include <cstdint>

namespace ashlar::replay {

inline constexpr std::uint64_t kMagic = 0x336e616c50687341;  // "AshPlan3"
inline constexpr std::uint64_t kExtent0 = 4096;              // where the first extent lies; each begins with a page
inline constexpr std::uint64_t kStepsPerExtent = 1u << 16;
inline constexpr std::uint64_t kMaxThreads = 1u << 16;

struct PlanHeader {
  std::uint64_t magic;
  std::uint64_t threads;
  std::uint64_t slots;
  std::uint64_t steps;
  std::uint64_t extents;
  std::uint64_t tables;       // offset of the PlanThreads
  std::uint64_t first, last;  // numbers of calls of the recorded process
  std::uint64_t duration_ns;  // from its first call to its last
};

struct PlanThread {
  std::uint64_t steps;
  std::uint64_t number;  // of its first call
};

enum class StepKind : std::uint8_t { kMalloc, kCalloc, kAligned, kRealloc, kFree, kMark, kTouch };

struct Step {
  // Of a mark: the number of the next call. Of kTouch: how many bytes of the next step's block are written to.
  std::uint64_t size;
  std::uint32_t slot;
  std::uint16_t tag;  // the tag that the block has before the step; of a step that makes a block: the tag that it gets
  StepKind kind;
  std::uint8_t alignment;  // a logarithm
};
static_assert(sizeof(Step) == 16);

// The maximum of a mark's time: when the next call was recorded, in nanoseconds after the trace's first call.
inline constexpr std::uint64_t kMaxTime = (std::uint64_t{1} << 48) - 1;
constexpr Step mark_of(std::uint64_t number, std::uint64_t ns) {
  if (ns > kMaxTime) ns = kMaxTime;
  return {number, static_cast<std::uint32_t>(ns), static_cast<std::uint16_t>(ns >> 32), StepKind::kMark, 0};
}
constexpr std::uint64_t time_of(const Step& mark) { return std::uint64_t{mark.tag} << 32 | mark.slot; }

// A thread stops at a mark until no other thread is more than this many calls of the recorded process behind it. So
// about the same blocks are live at once as in the recorded process. Marks are less than a quarter of the window apart,
// so that a thread that others wait for never waits for them. There is a mark before each call whose time differs from
// the preceding call's.
inline constexpr std::uint64_t kWindow = 4096;
inline constexpr std::uint64_t kStepsPerMark = 64;

inline constexpr unsigned kTagBits = 16;  // of a slot, below the address

// The options of a run: words before the plan on the driver's command line.
inline constexpr const char* kTouchFirst = "--touch-first";  // only a new block's first byte is written to, else all
inline constexpr const char* kAsRecorded = "--as-recorded";  // with the pauses of the recorded process
inline constexpr const char* kMemory = "--memory";           // memory is sampled during the run
inline constexpr const char* kLatency = "--latency";         // each call is timed
inline constexpr const char* kLines = "--lines";             // the figures are written in bench/compare's format

// The driver writes an Outcome to its standard output, followed by Samples or Latencies, if it took any.
struct Outcome {
  std::uint64_t ns;  // of all steps
  std::uint64_t user_us, system_us;
  std::uint64_t faults;
  std::uint64_t peak_bytes, final_bytes;  // resident, less what was resident before the first step
  std::uint64_t failed;                   // allocations
  std::uint64_t waits;                    // for other threads
};

// Samples of memory during a run: one about every kSamples-th part of all calls, or, with kAsRecorded, of the time as
// well.
inline constexpr std::uint64_t kSamples = 256, kMaxSamples = 1024;
struct Sample {
  std::uint64_t number;    // calls of the recorded process up to here
  std::uint64_t ns;        // since the first step
  std::uint64_t resident;  // as above
};
struct Samples {
  std::uint64_t count;
  Sample all[kMaxSamples];
};

// Log-scaled histograms of nanoseconds: 16 buckets to each doubling.
enum class CallKind : std::uint8_t { kAllocate, kResize, kFree, kCount };
inline constexpr unsigned kFine = 4;
inline constexpr std::uint64_t kBuckets = (40 - kFine) << kFine;
struct Latencies {
  std::uint64_t clock_ns;  // the smallest difference of two readings of the clock; each latency includes it
  std::uint64_t max[static_cast<unsigned>(CallKind::kCount)];
  std::uint64_t counts[static_cast<unsigned>(CallKind::kCount)][kBuckets];
};

constexpr std::uint64_t bucket_of(std::uint64_t ns) {
  if (ns < 1u << kFine) return ns;
  const unsigned shift = 63u - static_cast<unsigned>(__builtin_clzll(ns)) - kFine;
  const std::uint64_t bucket = (std::uint64_t{shift} << kFine) + (ns >> shift);
  return bucket < kBuckets ? bucket : kBuckets - 1;
}
// Returns the middle of a bucket's range.
constexpr std::uint64_t bucket_middle(std::uint64_t bucket) {
  if (bucket < 2u << kFine) return bucket;
  const std::uint64_t shift = (bucket >> kFine) - 1;
  return ((bucket - (shift << kFine)) << shift) + (std::uint64_t{1} << shift) / 2;
}
static_assert(bucket_of(bucket_middle(kBuckets - 1)) == kBuckets - 1 && bucket_of(bucket_middle(100)) == 100);

}  // namespace ashlar::replay

// tool: the figures of a trace.
#include "tool/trace_sums.h"

#include <bit>

namespace ashlar::tool {

namespace {

constexpr std::size_t kMaxMoments = 256;
constexpr std::size_t kMaxSizes = 1u << 20;  // distinct sizes with a count of their own

unsigned bucket_of(std::uint64_t value) { return static_cast<unsigned>(std::bit_width(value)); }

}  // namespace

std::uint64_t TraceSums::calls() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t n : by_kind) sum += n;
  return sum;
}

// Keeps the number of moments bounded: drops every other one and doubles their distance when there are too many.
void TraceSums::note_call(const Event& event) {
  ++by_kind[static_cast<std::size_t>(event.op)];
  ++by_thread[event.thread];
  end = {event.number, event.ns, live_bytes, live_blocks};
  if (live_bytes > peak.bytes) {
    peak = end;
    rounding.note_peak();
  }
  if (--calls_to_moment_ != 0) return;
  moments.push_back(end);
  if (moments.size() == kMaxMoments) {
    for (std::size_t i = 0; i < kMaxMoments / 2; ++i) moments[i] = moments[2 * i + 1];
    moments.resize(kMaxMoments / 2);
    calls_per_moment_ *= 2;
  }
  calls_to_moment_ = calls_per_moment_;
}

void TraceSums::note_size(std::uint64_t size) {
  ++sizes[bucket_of(size)];
  allocated_bytes += size;
  if (by_size.size() < kMaxSizes || by_size.contains(size)) ++by_size[size];
}

void TraceSums::made(const Event& event, Block& block) {
  ++allocations_;
  note_size(block.size);
  if (block.alignment != 0) ++alignments[block.alignment];
  live_bytes += block.size;
  rounding.add(block.size);
  ++live_blocks;
  note_call(event);
}

void TraceSums::end_block(const Event& event, const Block& block) {
  live_bytes -= block.size;
  rounding.remove(block.size);
  --live_blocks;
  ++lifetimes_calls[bucket_of(event.number - block.number)];
  ++lifetimes_ns[bucket_of(event.ns > block.ns ? event.ns - block.ns : 0)];
  if (block.resizes != 0) ++resizes[bucket_of(block.resizes)];
}

void TraceSums::freed(const Event& event, const Block* block) {
  if (block == nullptr) {
    ++freed_unknown;
  } else {
    end_block(event, *block);
    ++freed_by[{block->thread, event.thread}];
  }
  note_call(event);
}

void TraceSums::resized(const Event& event, Block& block, std::uint64_t old_size) {
  note_size(block.size);
  live_bytes += block.size - old_size;
  rounding.remove(old_size);
  rounding.add(block.size);
  ++(event.old == event.address ? resized_in_place : resized_by_moving);
  ++(block.size >= old_size ? grown : shrunk);
  note_call(event);
}

void TraceSums::refused(const Event& event, const Block*) {
  ++failed;
  note_call(event);
}

void TraceSums::vanished(const Event& event, const Block& block) {
  ++vanished_blocks;
  end_block(event, block);
}

}  // namespace ashlar::tool

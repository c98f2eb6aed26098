// tool: the figures of a trace.
#pragma once

#include <array>
#include <map>
#include <unordered_map>

#include "tool/trace_blocks.h"
#include "tool/trace_rounding.h"

namespace ashlar::tool {

// Counts by the logarithm to the base 2: bucket n counts values in [2^(n-1), 2^n), bucket 0 counts zeros.
using Histogram = std::array<std::uint64_t, 65>;

class TraceSums : public BlockEvents {
 public:
  struct Moment {
    std::uint64_t number = 0, ns = 0, bytes = 0, blocks = 0;
  };

  void made(const Event& event, Block& block) override;
  void freed(const Event& event, const Block* block) override;
  void resized(const Event& event, Block& block, std::uint64_t old_size) override;
  void refused(const Event& event, const Block* block) override;
  void vanished(const Event& event, const Block& block) override;

  [[nodiscard]] std::uint64_t calls() const;
  [[nodiscard]] std::uint64_t allocations() const { return allocations_; }

  std::array<std::uint64_t, static_cast<std::size_t>(Op::kCount)> by_kind{};
  Histogram sizes{};         // of blocks as they are made or resized
  Histogram lifetimes_ns{};  // of blocks that are freed
  Histogram lifetimes_calls{};
  Histogram resizes{};  // of blocks that were resized, when they end
  std::uint64_t resized_in_place = 0, resized_by_moving = 0, grown = 0, shrunk = 0;
  std::array<std::uint64_t, 64> alignments{};  // by the logarithm
  std::unordered_map<std::uint64_t, std::uint64_t> by_size;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> freed_by;  // made by, freed by
  std::map<std::uint32_t, std::uint64_t> by_thread;                           // calls
  std::uint64_t failed = 0, freed_unknown = 0, vanished_blocks = 0;
  std::uint64_t live_bytes = 0, live_blocks = 0, allocated_bytes = 0;
  Moment peak, end;
  Rounding rounding;
  std::vector<Moment> moments;  // evenly spaced by calls

 private:
  void note_call(const Event& event);
  void note_size(std::uint64_t size);
  void end_block(const Event& event, const Block& block);

  std::uint64_t allocations_ = 0;
  std::uint64_t calls_per_moment_ = 1, calls_to_moment_ = 1;
};

}  // namespace ashlar::tool

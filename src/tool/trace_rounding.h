// tool: the bytes that blocks take after allocators have rounded their sizes up to size classes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ashlar::tool {

class Rounding {
 public:
  static constexpr std::size_t kAllocators = 5;
  using Sums = std::array<std::uint64_t, kAllocators>;
  static const char* name(std::size_t allocator);

  void add(std::uint64_t size);
  void remove(std::uint64_t size);
  // Call when the live bytes are the highest so far.
  void note_peak() { peak_ = live_; }
  // Returns the rounded bytes of all blocks at the peak, by allocator.
  [[nodiscard]] const Sums& peak() const { return peak_; }

 private:
  Sums live_{}, peak_{};
};

}  // namespace ashlar::tool

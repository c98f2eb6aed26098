// tool: what blocks take once allocators have rounded their sizes up to their classes.
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
  // The live sizes are the highest so far.
  void note_peak() { peak_ = live_; }
  // The bytes of all blocks at the peak, rounded, by allocator.
  [[nodiscard]] const Sums& peak() const { return peak_; }

 private:
  Sums live_{}, peak_{};
};

}  // namespace ashlar::tool

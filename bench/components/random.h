// A fixed sequence of random numbers, so that each run of a benchmark does the same work.
#pragma once

#include <cstddef>
#include <cstdint>

namespace components {

// The generator of Numerical Recipes (Press et al., 7.1). Its upper bits are used.
class Random {
 public:
  // Returns a number below `bound`, which is at most 2^16.
  std::size_t below(std::size_t bound) {
    state_ = state_ * 1664525U + 1013904223U;
    return (state_ >> 16) * bound >> 16;
  }

 private:
  std::uint32_t state_ = 1;
};

}  // namespace components

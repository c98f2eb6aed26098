// The program that is counted: it calls the entry points of one case again and again, in one of several patterns.
// The program that counts and compares is the same executable.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace golden {

// A case: the entry point that acquires a block and the one that releases it. Either is empty where it is not counted.
struct Case {
  std::string_view acquire;
  std::string_view release;
};

enum class Pattern {
  kPingPong,  // acquire and release at once, 200 times
  kBatch,     // 1000 acquired, then 1000 released in the same order
  kRandom,    // a live set of 1000: release one at random, acquire anew, 1000 times
  kRepeat,    // the same call on one live block, 200 times
};

inline constexpr std::string_view kPatternNames[] = {"pingpong", "batch", "random", "repeat"};

std::span<const Case> cases();

// Runs a case in this process, writes the counts to standard output and exits: 0, or 3 when an entry point is not the
// library's own.
[[noreturn]] void run_case(const Case& which, Pattern pattern, size_t size, const char* library);

}  // namespace golden

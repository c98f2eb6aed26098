// The counted program. It calls the entry points of one case repeatedly, in one of several patterns. It is the same
// executable as the program that counts and compares.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace golden {

// A case: the entry point that acquires a block and the one that releases it. One that is not counted is empty.
struct Case {
  std::string_view acquire;
  std::string_view release;
};

enum class Pattern {
  kPingPong,  // acquires and releases at once, 200 times
  kBatch,     // acquires 1000 blocks, then releases them in the same order
  kRandom,    // in a live set of 1000 blocks, replaces a random one, 1000 times
  kRepeat,    // makes the same call on one live block, 200 times
};

inline constexpr std::string_view kPatternNames[] = {"pingpong", "batch", "random", "repeat"};

std::span<const Case> cases();

// Runs a case in this process, writes the counts to standard output and exits with 0. Exits with 3 if an entry point is
// not the library's own.
[[noreturn]] void run_case(const Case& which, Pattern pattern, size_t size, const char* library);

}  // namespace golden

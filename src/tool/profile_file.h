// tool: the text file that the library's profiler writes (src/profile/dump.cc; ashlar_profile_dump, ashlar(7)).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::tool {

// Estimates, as the profiler gives them.
struct ProfileSums {
  std::uint64_t blocks = 0, requested = 0, usable = 0, samples = 0;
};

// What one thread allocated of one class with one stack.
struct ProfileSite {
  std::uint32_t thread = 0;  // an index that a thread's line explains
  std::uint64_t size_class = 0;
  ProfileSums allocated, freed;
  std::vector<std::uint64_t> stack;  // return addresses, the innermost first
};

struct ProfileThread {
  std::uint32_t index = 0;
  std::uint64_t number = 0;
  std::string name;
};

struct Profile {
  std::uint64_t rate = 0, process = 0, milliseconds = 0, dropped = 0;
  std::vector<ProfileSite> sites;
  std::vector<ProfileThread> threads;
  std::vector<reader::Mapping> mappings;  // in ascending order

  // The thread with an index, or null.
  [[nodiscard]] const ProfileThread* thread(std::uint32_t index) const;
};

// The sum, or the largest number: a file may hold any numbers.
inline std::uint64_t added(std::uint64_t a, std::uint64_t b) { return a + b < a ? ~std::uint64_t{0} : a + b; }
// What is left. Estimates of what was freed may be more than of what was allocated.
inline std::uint64_t left(std::uint64_t allocated, std::uint64_t freed) {
  return allocated > freed ? allocated - freed : 0;
}

// Reads a profile. Throws a Failure that names the file and the line: kBadProfile for what is no profile or a damaged
// one, kVersion for another format, kFailed for a file that cannot be read.
Profile read_profile(const std::string& path);

}  // namespace ashlar::tool

// tool: the text file that the library's profiler writes (src/profile/dump.cc; ashlar_profile_dump, ashlar(7)).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tool/perf_map.h"
#include "tool/reader/profile.h"

namespace ashlar::tool {

using ProfileSums = reader::SampleSums;
using ProfileSite = reader::SampledSite;  // what one thread allocated of one class with one stack
using ProfileThread = reader::SampledThread;

struct Profile {
  std::uint64_t rate = 0, process = 0, milliseconds = 0, dropped = 0;
  bool with_earlier = false;  // has samples of profiles that ended before `milliseconds` began; not known of a file
  std::vector<ProfileSite> sites;
  std::vector<ProfileThread> threads;
  std::vector<reader::Mapping> mappings;  // in ascending order
  std::string root;                       // prefix of the mappings' names, if the process has another root directory

  PerfMap perf_map;  // of code that the process compiled

  // Returns the thread with an index, or null.
  [[nodiscard]] const ProfileThread* thread(std::uint32_t index) const;
};

// Returns the sum, or the largest number if the sum overflows: a file may hold any numbers.
inline std::uint64_t added(std::uint64_t a, std::uint64_t b) { return a + b < a ? ~std::uint64_t{0} : a + b; }
// Returns the difference, or 0 if it is negative: both are estimates, and the one of freed memory may be higher.
inline std::uint64_t left(std::uint64_t allocated, std::uint64_t freed) {
  return allocated > freed ? allocated - freed : 0;
}

// Reads a profile. Throws a Failure that names the file and the line: kBadProfile if the file is not a profile or is
// damaged, kVersion if it has another format, kFailed if it cannot be read.
Profile read_profile(const std::string& path);

// Returns the text that read_profile reads.
std::string text_of(const Profile& profile);

}  // namespace ashlar::tool

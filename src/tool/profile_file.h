// tool: the text file that the library's profiler writes (src/profile/dump.cc; ashlar_profile_dump, ashlar(7)).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tool/reader/profile.h"

namespace ashlar::tool {

using ProfileSums = reader::SampleSums;
using ProfileSite = reader::SampledSite;  // what one thread allocated of one class with one stack
using ProfileThread = reader::SampledThread;

struct Profile {
  std::uint64_t rate = 0, process = 0, milliseconds = 0, dropped = 0;
  bool with_earlier = false;  // samples of profiles that ended before `milliseconds` began; not known of a file
  std::vector<ProfileSite> sites;
  std::vector<ProfileThread> threads;
  std::vector<reader::Mapping> mappings;  // in ascending order
  std::string root;                       // of another root directory, which the mappings' names are below

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

// The text that is read so.
std::string text_of(const Profile& profile);

}  // namespace ashlar::tool

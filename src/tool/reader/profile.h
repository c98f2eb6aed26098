// tool, reader: a process's profile, read from its tables (src/profile/tables.h).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::reader {

// Estimates, which are rounded.
struct SampleSums {
  std::uint64_t blocks = 0, requested = 0, usable = 0, samples = 0;
};

struct SampledSite {
  std::uint32_t thread = 0;
  std::uint64_t size_class = 0;  // bytes of an object; 0: large
  SampleSums allocated, freed;
  std::vector<std::uint64_t> stack;  // return addresses, the innermost first
};

struct SampledThread {
  std::uint32_t index = 0;
  std::uint64_t number = 0;
  std::string name;
};

struct SampledProfile {
  std::uint64_t rate = 0, dropped = 0;
  std::uint64_t started_ms = 0;  // of the system's CLOCK_MONOTONIC
  std::vector<SampledSite> sites;
  std::vector<SampledThread> threads;
};

// The state of the profile, which is known without reading the samples.
struct ProfileState {
  std::uint64_t rate = 0;     // bytes to a sample while a profile is on, or 0
  std::uint64_t dropped = 0;  // samples for which there was no room
};
ProfileState read_profile_state(Source& source);

// A live block that was sampled.
struct SampledBlock {
  std::uint64_t address = 0, requested = 0;
  std::size_t site = 0;  // an index into the sites
};

// Sampled blocks, and the sites that allocated them. The figures of the sites are zero. read_sampled_blocks returns the
// live sampled blocks whose addresses `wanted` accepts, up to a maximum number, as the process is not trusted. Both are
// empty if no profile was started.
struct SampledBlocks {
  std::vector<SampledBlock> blocks;
  std::vector<SampledSite> sites;
};
SampledBlocks read_sampled_blocks(Source& source, const std::function<bool(std::uint64_t)>& wanted, std::size_t max);

// Return whether a profile was ever started, and whether one is on now.
bool was_sampled(Source& source);
bool is_sampled(Source& source);

// Returns the profile, or nothing if none was ever started or the library is too old to have a readable one. Throws a
// tool::Failure as read_model does.
std::optional<SampledProfile> read_samples(Source& source);

}  // namespace ashlar::reader

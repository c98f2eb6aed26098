// tool, reader: what a process's profile knows, read from its tables (src/profile/tables.h).
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

// What is known without a look at the samples.
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

// The sampled blocks of which `wanted` says so by their addresses, and the sites that they are of. Figures of sites are
// zero. Empty where nothing is known. A process may say what it likes: at most so many are taken.
struct SampledBlocks {
  std::vector<SampledBlock> blocks;
  std::vector<SampledSite> sites;
};
SampledBlocks read_sampled_blocks(Source& source, const std::function<bool(std::uint64_t)>& wanted, std::size_t most);

// Whether a profile was ever started, and whether one is on just now.
bool was_sampled(Source& source);
bool is_sampled(Source& source);

// Nothing where no profile was ever started, or the library's version is too old to have one that can be read. Throws a
// tool::Failure as read_model does.
std::optional<SampledProfile> read_samples(Source& source);

}  // namespace ashlar::reader

// tool: `ashlar metrics`: the figures of processes at one moment, and the text that Prometheus and compatible
// collectors read.
//
//   observe / observe_all ──► one Observed per process ──► exposition ──► stdout, a file, or the server's answer
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tool/memory_group.h"
#include "tool/reader/profile.h"
#include "tool/reader/reader.h"

namespace ashlar::tool {

// The objects of a cache, of all nodes together.
struct CacheFigures {
  std::string name;
  std::uint64_t live = 0, live_bytes = 0, slab_bytes = 0;
};

struct Observed {
  pid_t pid = 0;
  std::string comm, exe, container, cgroup, version;
  double start_seconds = 0;  // since the epoch
  std::uint64_t minor_faults = 0, major_faults = 0;
  std::size_t threads = 0;  // with a heap
  unsigned pressure = 0;    // reader::Model::pressure
  bool approximate = false;
  reader::Split split;
  std::vector<CacheFigures> caches;
  std::vector<reader::Zone> zones;
  std::vector<reader::SwapArea> swap_areas;  // those that are on
  reader::ProfileState profile;
  MemoryFigures memory;
};

// The contents of one text.
struct Observation {
  std::vector<Observed> processes;
  std::size_t unreadable = 0;  // processes with Ashlar that could not be read
};

// Throws a Failure if the process cannot be read.
Observed observe(pid_t pid);

enum class Exposition : std::uint8_t {
  kOpenMetrics,  // https://openmetrics.io, version 1.0
  kPrometheus,   // Prometheus's text format, version 0.0.4, which node_exporter's textfile collector reads
};

std::string exposition(const Observation& observation, Exposition format);

// Returns the value of HTTP's Content-Type.
const char* content_type(Exposition format);

}  // namespace ashlar::tool

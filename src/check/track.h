// check, private: which thread allocated or freed a block, when and from where, like the kernel's struct track.
#pragma once

#include "check/settings.h"

namespace ashlar::check {

inline constexpr unsigned kFrames = 14;

struct Track {
  std::uint64_t when_ms = 0;
  std::uint32_t thread = 0;
  std::uint32_t depth = 0;
  std::uintptr_t frames[kFrames] = {};
};

// Of a block: its last allocation and its last free.
struct Tracks {
  Track allocated, freed;
};

// Makes tracks possible; called before the first one, with no lock held, as it may load a library (libgcc's unwinder).
void prepare_tracks();

// Fills a track with the calling thread's stack, without this library's own frames. No lock of this layer may be held.
void record(Track& track);

// Writes a track to stderr: "WHAT by thread N, M ms ago:" and a line a frame.
void tell(const Track& track, std::string_view what);

}  // namespace ashlar::check

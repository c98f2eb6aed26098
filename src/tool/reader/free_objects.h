// tool, reader: which objects of a cache are free, by following the lists of free objects through the program's memory.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "tool/reader/model.h"

namespace ashlar::reader {

enum class Holder : std::uint8_t { kSlab, kMagazine, kDepot };

// Free objects by address.
using FreeObjects = std::unordered_map<std::uint64_t, Holder>;

// Returns the free objects on the lists of the caches that `wanted` accepts. All lists are followed one step at a time,
// so that one system call reads many links. A list ends after its count of objects. It also ends where a link leads out
// of the cache's slabs, and then `whole` becomes false. Of the slabs' own lists, only that of `slab` is followed (null:
// all).
FreeObjects find_free_objects(Source& source, const Model& model, const std::function<bool(std::uint16_t)>& wanted,
                              const Block* slab, bool& whole);

// The same for a caller that stores the objects itself: `note` is called with each free object, and returns whether the
// object is new. Returns whether all lists were whole.
bool follow_free_lists(Source& source, const Model& model, const std::function<bool(std::uint16_t)>& wanted,
                       const Block* slab, const std::function<bool(std::uint64_t, Holder)>& note);

}  // namespace ashlar::reader

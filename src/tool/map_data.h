// tool: the data of the heap's picture: what each page is used for, compact enough for a page of HTML.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tool/reader/reader.h"

namespace ashlar::tool {

// The kind that a page is shown as. The page's data contains these numbers.
enum class Kind : std::uint8_t {
  kSlab,
  kRun,
  kVmalloc,
  kDirty,
  kClean,
  kRest,
  kIsolated,
  kKept,
  kHeap,
  kMetadata,
  kMetadataUnused,
  kImage,
  kUnknown,
  kCount,
};
inline constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::kCount);

struct KindInfo {
  std::string_view name;
  std::string_view color;  // CSS
  std::string_view meaning;
};
const KindInfo& info_of(Kind kind);

// Bytes of each kind: address space, and the part of it that is resident.
struct KindTotal {
  std::uint64_t bytes = 0, resident = 0;
};

// A function that allocated samples of a profile, and what it holds: estimates of requested bytes.
struct MapSite {
  std::string name;
  std::uint64_t in_use = 0, objects = 0;
};

struct MapData {
  bool residence_known = true;
  std::array<KindTotal, kKinds> totals{};
  std::vector<MapSite> sites;  // the largest first; empty if no profile was ever started
};

// Fills `out` with
//   caches    [{name, size}, …]
//   ages_known  whether it is known how long blocks have been free
//   sites     [name, …] of functions, or null if no profile was ever started
//   regions   [{name, start, blocks, resident, samples}, …] in ascending order of addresses; start is hexadecimal text
//     blocks    [kind, pages, …] for each block, [0, pages, cache, in use, capacity] for a slab, kind 3 and 4
//               [kind, pages, milliseconds for which it has been free]
//     samples   [first page, pages, site, …]: where live samples lie; of a page with several, the site with most bytes
//     resident  [state, pages, state, pages, …]: 0 not, 1 resident, 2 swapped; null if unknown
MapData map_data(reader::Source& source, const reader::Model& model, nlohmann::ordered_json& out);

}  // namespace ashlar::tool

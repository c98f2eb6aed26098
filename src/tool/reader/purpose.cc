// tool, reader: Ashlar's purpose for each mapping.
#include "tool/reader/purpose.h"

#include <algorithm>
#include <map>

#include "tool/reader/residence.h"

namespace ashlar::reader {

namespace {

struct Part : Range {
  const char* text;
};

std::vector<Part> parts_of(const Model& model) {
  std::vector<Part> parts;
  for (const Arena& arena : model.arenas) {
    const bool in_file = std::any_of(model.swap_areas.begin(), model.swap_areas.end(),
                                     [&](const SwapArea& area) { return area.contains(arena.range.start); });
    parts.push_back({arena.range, in_file ? "swap area" : "arena"});
  }
  for (const SwapArea& area : model.swap_areas) {
    std::uint64_t end = area.start;  // of its arenas
    for (const Arena& arena : model.arenas) {
      if (area.contains(arena.range.start)) end = std::max(end, arena.range.end);
    }
    if (end < area.end) parts.push_back({{end, area.end}, "swap area"});
  }
  for (const Zone& zone : model.zones) {
    if (zone.reserved.bytes() != 0) parts.push_back({zone.reserved, "reserved for arenas"});
  }
  for (const Area& area : model.areas) {
    parts.push_back({area, "vmalloc"});
    parts.push_back({{area.end, area.end + kPage}, "vmalloc guard"});
  }
  for (const Metadata& metadata : model.metadata) parts.push_back({metadata, "metadata"});
  for (const Range& range : model.own_image()) parts.push_back({range, "library"});
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.start < b.start; });
  return parts;
}

}  // namespace

std::vector<Purpose> purposes_of(Source& source, const Model& model) {
  const std::vector<Part> parts = parts_of(model);
  const auto& mappings = source.mappings();
  std::vector<Purpose> purposes;
  std::size_t first = 0;
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    const Mapping& m = mappings[i];
    while (first < parts.size() && parts[first].end <= m.start) ++first;
    std::uint64_t covered = 0;
    std::map<std::string, std::uint64_t> shares;
    for (std::size_t k = first; k < parts.size() && parts[k].start < m.end; ++k) {
      if (parts[k].end <= m.start) continue;  // of made-up tables, which overlap
      const std::uint64_t bytes = std::min(parts[k].end, m.end) - std::max(parts[k].start, m.start);
      shares[parts[k].text] += bytes;
      covered += bytes;
    }
    if (shares.empty()) {
      purposes.push_back({false, kind_of(source, i)});
      continue;
    }
    if (covered < m.bytes()) shares["others"] = 0;
    std::vector<std::pair<std::uint64_t, std::string>> by_share;
    by_share.reserve(shares.size());
    for (const auto& [text, bytes] : shares) by_share.emplace_back(bytes, text);
    std::sort(by_share.rbegin(), by_share.rend());
    std::string text;
    for (const auto& share : by_share) text += (text.empty() ? "" : ", ") + share.second;
    purposes.push_back({true, text});
  }
  return purposes;
}

}  // namespace ashlar::reader

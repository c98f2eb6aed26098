// tool: the picture's data.
#include "tool/map_data.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ashlar::tool {

namespace {

using Json = nlohmann::ordered_json;
using reader::kPage;
using reader::PageStretch;
using reader::Range;

constexpr KindInfo kInfos[kKinds] = {
    {"slab", "#2e9e4f", "objects of up to 32 KiB; the darker, the more of them are in use"},
    {"run", "#2f6fd0", "a block of whole pages that the program holds"},
    {"vmalloc", "#1aa5a5", "a block with a mapping of its own"},
    {"dirty free", "#e07b1a", "free, and perhaps still resident"},
    {"clean free", "#d9d9d9", "free, given back to the system or never used"},
    {"never used", "#f1efe9", "the end of an arena, which nothing was taken from yet"},
    {"being purged", "#c9a227", "free, on its way back to the system"},
    {"metadata", "#8a4fbf", "Ashlar's own structures"},
    {"metadata to come", "#e5d8f2", "mapped for Ashlar's own structures, not in use yet"},
    {"library", "#5b5b6b", "code and data of the library"},
    {"unknown", "#d0309a", "changed while it was read"},
};

// One stretch of addresses on its way into the JSON.
class Region {
 public:
  Region(std::string name, Range range) : name_(std::move(name)), range_(range) {}

  void add(Kind kind, std::uint64_t pages, std::initializer_list<std::uint64_t> more = {}) {
    if (pages == 0) return;
    blocks_.push_back(static_cast<unsigned>(kind));
    blocks_.push_back(pages);
    for (const std::uint64_t number : more) blocks_.push_back(number);
    parts_.push_back({kind, pages});
  }

  // Makes the region longer by a range right behind it; false when that is none, or of another kind.
  bool extend(const std::string& name, Range range) {
    if (range.start != range_.end || name != name_) return false;
    range_.end = range.end;
    return true;
  }

  // Adds the region to the list of regions, and its pages to the totals.
  void finish(reader::Source& source, MapData& data, Json& regions);

 private:
  struct Part {
    Kind kind;
    std::uint64_t pages;
  };
  void count(const std::vector<PageStretch>& stretches, MapData& data) const;
  [[nodiscard]] Json resident(const std::vector<PageStretch>& stretches) const;

  std::string name_;
  Range range_;
  Json blocks_ = Json::array();
  std::vector<Part> parts_;
};

void Region::count(const std::vector<PageStretch>& stretches, MapData& data) const {
  std::uint64_t at = range_.start;
  std::size_t i = 0;
  for (const Part& part : parts_) {
    const std::uint64_t end = at + part.pages * kPage;
    KindTotal& total = data.totals[static_cast<std::size_t>(part.kind)];
    total.bytes += part.pages * kPage;
    while (i > 0 && stretches[i - 1].end > at) --i;  // one that reaches into this part
    for (; i < stretches.size() && stretches[i].start < end; ++i) {
      const PageStretch& s = stretches[i];
      if (s.state == PageStretch::State::kResident && s.end > at)
        total.resident += std::min(s.end, end) - std::max(s.start, at);
    }
    at = end;
  }
}

Json Region::resident(const std::vector<PageStretch>& stretches) const {
  Json out = Json::array();
  std::uint64_t at = range_.start;
  const auto add = [&](unsigned state, std::uint64_t end) {
    if (end <= at) return;
    out.push_back(state);
    out.push_back((end - at) / kPage);
    at = end;
  };
  for (const PageStretch& s : stretches) {
    if (s.state == PageStretch::State::kZero) continue;
    add(0, s.start);
    add(s.state == PageStretch::State::kResident ? 1 : 2, std::min(s.end, range_.end));
  }
  return out;
}

void Region::finish(reader::Source& source, MapData& data, Json& regions) {
  std::vector<PageStretch> stretches;
  data.residence_known = data.residence_known && source.pages(range_, stretches);
  count(stretches, data);
  Json out = {{"name", name_}, {"start", fmt::format("{:x}", range_.start)}};
  out["blocks"] = std::move(blocks_);
  out["resident"] = data.residence_known ? resident(stretches) : Json();
  regions.push_back(std::move(out));
}

// A free block page by page, as its dirty bits are.
void add_free(Region& region, const reader::Model& model, const reader::Arena& arena, const reader::Block& block) {
  const std::uint64_t age = model.free_for_ms(block);
  std::uint64_t run = 0;
  bool dirty = false;
  for (std::uint64_t page = block.start; page < block.end(); page += kPage) {
    if (arena.is_dirty(page) != dirty) {
      region.add(dirty ? Kind::kDirty : Kind::kClean, run, {age});
      dirty = !dirty;
      run = 0;
    }
    ++run;
  }
  region.add(dirty ? Kind::kDirty : Kind::kClean, run, {age});
}

void add_block(Region& region, const reader::Model& model, const reader::Arena& arena, const reader::Block& block) {
  switch (block.use) {
    case reader::Use::kSlab: region.add(Kind::kSlab, block.pages, {block.cache, block.in_use, block.capacity}); return;
    case reader::Use::kRun: region.add(Kind::kRun, block.pages); return;
    case reader::Use::kFree:
    case reader::Use::kExtent: add_free(region, model, arena, block); return;
    case reader::Use::kPcp: region.add(Kind::kDirty, block.pages); return;
    case reader::Use::kIsolated: region.add(Kind::kIsolated, block.pages); return;
    case reader::Use::kRest: region.add(Kind::kRest, block.pages); return;
    case reader::Use::kUnknown: region.add(Kind::kUnknown, block.pages); return;
  }
}

struct NamedRange {
  std::string name;
  Range range;
  const reader::Arena* arena = nullptr;
  Kind kind = Kind::kUnknown;
  std::uint64_t used = 0;  // bytes of metadata in use
};

std::vector<NamedRange> all_ranges(const reader::Model& model) {
  std::vector<NamedRange> all;
  for (const reader::Arena& arena : model.arenas) {
    const std::string zone = arena.zone < model.zones.size() ? " of zone " + model.zones[arena.zone].name : "";
    all.push_back({"arenas" + zone, arena.range, &arena});
  }
  for (const reader::Area& area : model.areas) all.push_back({"vmalloc", area, nullptr, Kind::kVmalloc});
  for (const reader::Metadata& m : model.metadata) all.push_back({"metadata", m, nullptr, Kind::kMetadata, m.used});
  for (const Range& range : model.image) all.push_back({"library", range, nullptr, Kind::kImage});
  std::sort(all.begin(), all.end(),
            [](const NamedRange& a, const NamedRange& b) { return a.range.start < b.range.start; });
  return all;
}

void add_range(Region& region, const reader::Model& model, const NamedRange& range) {
  const std::uint64_t pages = range.range.bytes() / kPage;
  if (range.arena != nullptr) {
    for (const reader::Block& block : range.arena->blocks) add_block(region, model, *range.arena, block);
  } else if (range.kind == Kind::kMetadata) {
    const std::uint64_t used = std::min(pages, (range.used + kPage - 1) / kPage);
    region.add(Kind::kMetadata, used);
    region.add(Kind::kMetadataUnused, pages - used);
  } else {
    region.add(range.kind, pages);
  }
}

}  // namespace

const KindInfo& info_of(Kind kind) { return kInfos[static_cast<std::size_t>(kind)]; }

MapData map_data(reader::Source& source, const reader::Model& model, Json& out) {
  MapData data;
  Json& caches = out["caches"] = Json::array();
  for (const reader::Cache& cache : model.caches) caches.push_back({{"name", cache.name}, {"size", cache.object_size}});
  out["ages_known"] = model.now_ms != 0;
  Json& regions = out["regions"] = Json::array();
  std::optional<Region> region;
  for (const NamedRange& range : all_ranges(model)) {
    if (!region || range.arena == nullptr || !region->extend(range.name, range.range)) {
      if (region) region->finish(source, data, regions);
      region.emplace(range.name, range.range);
    }
    add_range(*region, model, range);
  }
  if (region) region->finish(source, data, regions);
  return data;
}

}  // namespace ashlar::tool

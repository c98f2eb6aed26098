// tool: the picture's data.
#include "tool/map_data.h"

#include <algorithm>
#include <bit>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tool/map_sites.h"

namespace ashlar::tool {

namespace {

using Json = nlohmann::ordered_json;
using reader::kPage;
using reader::PageStretch;
using reader::Range;

constexpr KindInfo kInfos[kKinds] = {
    {"slab", "#2e9e4f",
     "objects of up to 32 KiB, checked blocks and samples included; a darker colour means that more of them are in "
     "use"},
    {"run", "#2f6fd0", "a block of whole pages that the program holds"},
    {"vmalloc", "#1aa5a5", "a block with a mapping of its own"},
    {"dirty free", "#e07b1a", "free, and perhaps still resident"},
    {"clean free", "#d9d9d9", "free, returned to the system or never used"},
    {"never used", "#f1efe9", "the end of an arena, from which nothing was taken yet"},
    {"being purged", "#c9a227", "free, on its way back to the system"},
    {"free, kept", "#e8b07a", "a free mapping that is kept for a later block; a checked block in the quarantine"},
    {"heap", "#2b8c8c", "pages of a heap that the program made (ashlar_heap_create)"},
    {"metadata", "#8a4fbf", "Ashlar's own structures"},
    {"metadata to come", "#e5d8f2", "mapped for Ashlar's own structures, not in use yet"},
    {"library", "#5b5b6b", "code and data of the library"},
    {"unknown", "#d0309a", "changed while it was read"},
};

// A range of addresses that becomes one entry of the JSON.
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

  // Extends the region by a range. Returns false if the range does not follow the region directly, or has another name.
  bool extend(const std::string& name, Range range) {
    if (range.start != range_.end || name != name_) return false;
    range_.end = range.end;
    return true;
  }

  // Adds the region to the list of regions, and its pages to the totals.
  void finish(reader::Source& source, const Samples& samples, MapData& data, Json& regions);

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
    while (i > 0 && stretches[i - 1].end > at) --i;  // a stretch that overlaps this part
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

void Region::finish(reader::Source& source, const Samples& samples, MapData& data, Json& regions) {
  std::vector<PageStretch> stretches;
  data.residence_known = data.residence_known && source.pages(range_, stretches);
  count(stretches, data);
  Json out = {{"name", name_}, {"start", fmt::format("{:x}", range_.start)}};
  out["blocks"] = std::move(blocks_);
  out["resident"] = data.residence_known ? resident(stretches) : Json();
  if (samples.known()) out["samples"] = samples.in(range_);
  regions.push_back(std::move(out));
}

// Adds a free block page by page, according to its dirty bits.
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

template <class Entry>
const Entry* first_in(const std::vector<Entry>& entries, const Range& range) {
  const auto at = std::lower_bound(entries.begin(), entries.end(), range.start,
                                   [](const Range& entry, std::uint64_t start) { return entry.start < start; });
  return at != entries.end() && at->start < range.end ? &*at : nullptr;
}

std::uint64_t bits_in(const std::vector<std::uint64_t>& words) {
  std::uint64_t n = 0;
  for (const std::uint64_t word : words) n += static_cast<std::uint64_t>(std::popcount(word));
  return n;
}

// Adds the contents of a run or of a mapping: one block, or several blocks, which are shown as a slab. The indices of
// slabs that belong to no cache of the model follow those of the model's caches (map_data).
void add_whole(Region& region, const reader::Model& model, const Range& range, Kind kind) {
  const std::uint64_t pages = range.bytes() / kPage;
  if (const reader::Span* const span = first_in(model.spans, range)) {
    using State = reader::Slot::State;
    const auto out = std::count_if(span->slots.begin(), span->slots.end(), [](const reader::Slot& slot) {
      return slot.state == State::kLive || slot.state == State::kWaiting;
    });
    const std::uint64_t cache = span->cache != reader::kNoCache ? span->cache : model.caches.size();
    region.add(Kind::kSlab, pages, {cache, static_cast<std::uint64_t>(out), span->slots.size()});
  } else if (const reader::SlobBlock* const slob = first_in(model.slob, range)) {
    region.add(Kind::kSlab, pages, {model.caches.size() + 1, bits_in(slob->used), slob->bytes() / 16});
  } else if (const reader::SampledSlots* const slots = first_in(model.sampled, range)) {
    const std::uint64_t used = bits_in(slots->used);  // the first slot is never handed out
    region.add(
        Kind::kSlab, pages,
        {slots->cache, used != 0 ? used - 1 : 0, std::max(slots->bytes() / slots->slot_bytes, std::uint64_t{1}) - 1});
  } else {
    const reader::Guarded* const block = first_in(model.guarded, range);
    region.add(block != nullptr && !block->live ? Kind::kKept : kind, pages);
  }
}

void add_block(Region& region, const reader::Model& model, const reader::Arena& arena, const reader::Block& block) {
  switch (block.use) {
    case reader::Use::kSlab: region.add(Kind::kSlab, block.pages, {block.cache, block.in_use, block.capacity}); return;
    case reader::Use::kRun:
      add_whole(region, model, {block.start, block.end()}, block.of_heap ? Kind::kHeap : Kind::kRun);
      return;
    case reader::Use::kFree:
    case reader::Use::kExtent: add_free(region, model, arena, block); return;
    case reader::Use::kPcp: region.add(Kind::kDirty, block.pages, {0}); return;  // freed just now
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
  for (const reader::Area& area : model.areas)
    all.push_back({"vmalloc", area, nullptr, area.kept ? Kind::kKept : Kind::kVmalloc});
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
  } else if (range.kind == Kind::kVmalloc) {
    add_whole(region, model, range.range, range.kind);
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
  caches.push_back({{"name", "checked"}, {"size", 0}});
  caches.push_back({{"name", "slob"}, {"size", 16}});
  const Samples samples(source, data.sites);
  Json& sites = out["sites"] = samples.known() ? Json::array() : Json();
  for (const MapSite& site : data.sites) sites.push_back(site.name);
  out["ages_known"] = model.now_ms != 0;
  Json& regions = out["regions"] = Json::array();
  std::optional<Region> region;
  for (const NamedRange& range : all_ranges(model)) {
    if (!region || range.arena == nullptr || !region->extend(range.name, range.range)) {
      if (region) region->finish(source, samples, data, regions);
      region.emplace(range.name, range.range);
    }
    add_range(*region, model, range);
  }
  if (region) region->finish(source, samples, data, regions);
  return data;
}

}  // namespace ashlar::tool

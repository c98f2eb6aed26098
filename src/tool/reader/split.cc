// tool, reader: what the resident memory is used for.
//
// Objects smaller than a page leave no page of their slab's used part untouched, so what is resident is split by their
// counts. Of larger objects only the first bytes need ever have been touched: there each is looked at, which of them
// are free being known from the lists (free_objects.h).
#include "tool/reader/split.h"

#include <algorithm>

#include "tool/reader/free_objects.h"
#include "tool/reader/residence.h"

namespace ashlar::reader {

namespace {

// Resident bytes of a cache's objects.
struct Objects {
  std::uint64_t out = 0;   // outside of slabs: live, in magazines and depots
  std::uint64_t free = 0;  // on slabs' free lists
  // Of large objects, where each is known:
  std::uint64_t magazines = 0, depot = 0;
};

class Splitter {
 public:
  Splitter(Source& source, const Model& model) : source_(source), model_(model), by_cache_(model.caches.size()) {}

  Split split() {
    split_.known = find_residence();
    bool whole = true;
    large_ = find_free_objects(
        source_, model_, [this](std::uint16_t c) { return is_large(c); }, nullptr, whole);
    for (const Arena& arena : model_.arenas) add_arena(arena);
    add_caches();
    for (const Area& area : model_.areas) split_.live_vmalloc += residence_.resident(area);
    for (const Metadata& metadata : model_.metadata) {
      split_.metadata += residence_.known() ? residence_.resident(metadata) : metadata.used;
    }
    for (const Range& range : image_) split_.image += residence_.resident(range);
    if (split_.known) reconcile();
    return std::move(split_);
  }

 private:
  [[nodiscard]] bool is_large(std::uint16_t cache) const { return model_.caches[cache].object_size >= kPage; }

  bool find_residence() {
    for (const Arena& arena : model_.arenas) ours_.push_back(arena.range);
    for (const Zone& zone : model_.zones) {
      if (zone.reserved.bytes() != 0) ours_.push_back(zone.reserved);
    }
    for (const Area& area : model_.areas) ours_.push_back({area.start, area.end + kPage});
    for (const Metadata& metadata : model_.metadata) ours_.push_back(metadata);
    // A program that Ashlar is linked into is its own; of its data only the large tables are known to be Ashlar's.
    image_ = model_.in_program ? model_.tables : model_.image;
    ours_.insert(ours_.end(), image_.begin(), image_.end());
    std::sort(ours_.begin(), ours_.end(), [](const Range& a, const Range& b) { return a.start < b.start; });
    return residence_.read(source_, ours_);
  }

  void add_arena(const Arena& arena) {
    for (const Block& block : arena.blocks) {
      switch (block.use) {
        case Use::kSlab: add_slab(block); break;
        case Use::kRun: split_.live_runs += residence_.resident({block.start, block.end()}); break;
        case Use::kUnknown:
          split_.unknown += residence_.known() ? residence_.resident({block.start, block.end()}) : 0;
          break;
        case Use::kFree:
        case Use::kExtent:
        case Use::kIsolated:
        case Use::kRest: add_free(arena, block);
      }
    }
  }

  void add_slab(const Block& slab) {
    const std::uint64_t size = model_.caches[slab.cache].object_size;
    const std::uint64_t carved_end = slab.start + (std::uint64_t{slab.in_use} + slab.free_objects) * size;
    const std::uint64_t objects_end = slab.start + slab.capacity * size;
    if (residence_.known()) {
      split_.slab_uncarved += residence_.resident({carved_end, objects_end});
      split_.slab_tail += residence_.resident({objects_end, slab.end()});
    }
    Objects& sum = by_cache_[slab.cache];
    if (is_large(slab.cache)) {
      for (std::uint64_t object = slab.start; object < carved_end; object += size) add_object(sum, object, size);
      return;
    }
    const std::uint64_t carved = std::uint64_t{slab.in_use} + slab.free_objects;
    const std::uint64_t resident = residence_.resident({slab.start, carved_end});
    const std::uint64_t out = carved == 0 ? 0 : resident * slab.in_use / carved;
    sum.out += out;
    sum.free += resident - out;
  }

  void add_object(Objects& sum, std::uint64_t object, std::uint64_t size) {
    const std::uint64_t resident = residence_.resident({object, object + size});
    const auto free = large_.find(object);
    if (free == large_.end()) {
      sum.out += resident;
    } else if (free->second == Holder::kSlab) {
      sum.free += resident;
    } else {
      sum.out += resident;
      (free->second == Holder::kDepot ? sum.depot : sum.magazines) += resident;
    }
  }

  // Free pages: those that were used, and others that came with a huge page.
  void add_free(const Arena& arena, const Block& block) {
    if (!residence_.known()) {
      for (std::uint64_t at = block.start; at < block.end(); at += kPage) {
        split_.dirty_free += arena.is_dirty(at) ? kPage : 0;
      }
      return;
    }
    residence_.for_resident({block.start, block.end()}, [&](const Range& range) {
      for (std::uint64_t at = range.start; at < range.end; at += kPage) {
        (arena.is_dirty(at) ? split_.dirty_free : split_.clean_free) += kPage;
      }
    });
  }

  void add_caches() {
    std::uint64_t smaller = 0;
    for (std::size_t c = 0; c < model_.caches.size(); ++c) {
      const Cache& cache = model_.caches[c];
      const Objects& sum = by_cache_[c];
      std::uint64_t magazines = sum.magazines, depot = sum.depot;
      if (!is_large(static_cast<std::uint16_t>(c)) && cache.out != 0) {
        magazines = static_cast<std::uint64_t>(static_cast<double>(sum.out) * static_cast<double>(cache.magazines) /
                                               static_cast<double>(cache.out));
        depot = static_cast<std::uint64_t>(static_cast<double>(sum.out) * static_cast<double>(cache.depot) /
                                           static_cast<double>(cache.out));
      }
      depot = std::min(depot, sum.out);
      magazines = std::min(magazines, sum.out - depot);
      const std::uint64_t live = sum.out - magazines - depot;
      split_.slab_free += sum.free;
      split_.magazines += magazines;
      split_.depot += depot;
      split_.live_slab += live;
      // sizes within a class taken as evenly spread: half of the way to the next smaller one
      if (cache.is_size_class && cache.object_size != 0) {
        split_.rounding += live / cache.object_size * ((cache.object_size - smaller) / 2);
        smaller = cache.object_size;
      }
    }
  }

  void reconcile() {
    const Reconciled r = reconcile_smaps(source_, ours_);
    split_.ashlar_rss = r.ashlar_rss;
    split_.process_rss = r.process_rss;
    split_.process_swap = r.process_swap;
    split_.huge = r.huge;
    split_.swapped = residence_.swapped();
    for (const auto& [what, rss] : r.others) split_.others.push_back({what, rss});
    std::sort(split_.others.begin(), split_.others.end(), [](const auto& a, const auto& b) { return a.rss > b.rss; });
  }

  Source& source_;
  const Model& model_;
  Split split_;
  Residence residence_;
  std::vector<Range> ours_, image_;
  std::vector<Objects> by_cache_;
  FreeObjects large_;
};

}  // namespace

Split split_rss(Source& source, const Model& model) { return Splitter(source, model).split(); }

}  // namespace ashlar::reader

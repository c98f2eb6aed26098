// tool, reader: what the resident memory is used for.
//
// Objects smaller than a page touch all pages of their slab's carved part, so its resident bytes are split by the
// counts of objects. Of a larger object, only the first bytes may have been touched. So each larger object is looked
// at, and the lists tell which of them are free (free_objects.h).
#include "tool/reader/split.h"

#include <algorithm>

#include "tool/reader/free_objects.h"
#include "tool/reader/profile.h"
#include "tool/reader/residence.h"

namespace ashlar::reader {

namespace {

// Resident bytes of a cache's objects.
struct Objects {
  std::uint64_t out = 0;   // outside of slabs: live, in magazines and depots
  std::uint64_t free = 0;  // on slabs' free lists
  // Of large objects, each of which is known:
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
    add_rounding_of_samples();
    for (const Area& area : model_.areas) {
      if (area.kept) split_.dirty_free += residence_.resident(area);
      else split_.live_vmalloc += rest_of(area);
    }
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
    // of the data of a program that Ashlar is linked into, only the large tables are known to be Ashlar's
    image_ = model_.own_image();
    ours_.insert(ours_.end(), image_.begin(), image_.end());
    std::sort(ours_.begin(), ours_.end(), [](const Range& a, const Range& b) { return a.start < b.start; });
    return residence_.read(source_, ours_);
  }

  void add_arena(const Arena& arena) {
    for (const Block& block : arena.blocks) {
      switch (block.use) {
        case Use::kSlab: add_slab(block); break;
        case Use::kRun: split_.live_runs += rest_of({block.start, block.end()}); break;
        case Use::kUnknown:
          split_.unknown += residence_.known() ? residence_.resident({block.start, block.end()}) : 0;
          break;
        case Use::kPcp:
          split_.dirty_free +=
              residence_.known() ? residence_.resident({block.start, block.end()}) : block.pages * kPage;
          break;
        case Use::kFree:
        case Use::kExtent:
        case Use::kIsolated:
        case Use::kRest: add_free(arena, block);
      }
    }
  }

  // Adds the bytes of checked blocks and slob in a run or an area, and returns the bytes of the rest, which is all if
  // they have none there.
  std::uint64_t rest_of(const Range& range) {
    const std::uint64_t resident = residence_.resident(range);
    const auto first_in = [&](const auto& entries) {
      return std::lower_bound(entries.begin(), entries.end(), range.start,
                              [](const Range& entry, std::uint64_t start) { return entry.start < start; });
    };
    if (const auto span = first_in(model_.spans); span != model_.spans.end() && span->start < range.end) {
      const std::uint64_t slots = add_span(*span);
      if (residence_.known()) split_.slab_tail += resident - slots;
      return 0;
    }
    if (const SlobBlock* const block = model_.slob_at(range.start)) {
      const std::uint64_t live = live_of(*block);
      split_.live_slab += live;
      split_.slab_free += resident - live;
      return 0;
    }
    if (const SampledSlots* const slots = model_.sampled_at(range.start)) {
      const std::uint64_t live = live_of(*slots);
      split_.live_slab += live;
      split_.slab_free += resident - live;
      return 0;
    }
    const auto block = first_in(model_.guarded);
    if (block == model_.guarded.end() || block->start >= range.end || block->live) return resident;
    split_.quarantine += resident;
    return 0;
  }

  // Returns the resident bytes of the slots. Adjacent slots of one kind are looked up together.
  std::uint64_t add_span(const Span& span) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < span.slots.size();) {
      const Slot::State state = span.slots[i].state;
      const std::uint64_t start = span.slot_start(i);
      for (; i < span.slots.size() && span.slots[i].state == state; ++i) {
        if (state == Slot::State::kLive && span.slots[i].requested < span.slot_bytes) {
          split_.rounding += span.slot_bytes - span.slots[i].requested;
        }
      }
      // if residence is not known, a fresh slot counts as not resident
      if (!residence_.known() && state == Slot::State::kFresh) continue;
      const std::uint64_t resident = residence_.resident({start, span.slot_start(i)});
      sum += resident;
      (state == Slot::State::kLive      ? split_.live_checked
       : state == Slot::State::kWaiting ? split_.quarantine
                                        : split_.checked_free) += resident;
    }
    return sum;
  }

  // Returns the resident bytes of a block's objects.
  [[nodiscard]] std::uint64_t live_of(const SlobBlock& block) const {
    std::uint64_t live = 0;
    for (std::uint64_t at = block.start; at < block.end;) {
      const bool used = block.is_used(at);
      const std::uint64_t start = at;
      while (at < block.end && block.is_used(at) == used) at += 16;
      if (used) live += residence_.resident({start, at});
    }
    return live;
  }

  // The same for samples in slots, which it counts.
  std::uint64_t live_of(const SampledSlots& slots) {
    std::uint64_t live = 0;
    for (std::uint64_t i = 1; i < std::min<std::uint64_t>(slots.bytes() / slots.slot_bytes, slots.used.size() * 64);
         ++i) {
      const std::uint64_t start = slots.start + i * slots.slot_bytes;
      if (!slots.is_used(i)) continue;
      live += residence_.resident({start, start + slots.slot_bytes});
      ++slots_used_;
    }
    return live;
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

  // Adds free pages: those that were used, and others that became resident as parts of huge pages.
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
      const auto out = static_cast<double>(cache.out - cache.checked_out);
      if (!is_large(static_cast<std::uint16_t>(c)) && out != 0) {
        const double scale = static_cast<double>(sum.out) / out;
        magazines = static_cast<std::uint64_t>(scale * static_cast<double>(cache.magazines));
        depot = static_cast<std::uint64_t>(scale * static_cast<double>(cache.depot));
      }
      depot = std::min(depot, sum.out);
      magazines = std::min(magazines, sum.out - depot);
      const std::uint64_t live = sum.out - magazines - depot;
      split_.slab_free += sum.free;
      split_.magazines += magazines;
      split_.depot += depot;
      split_.live_slab += live;
      // assumes that sizes within a class are evenly spread: half of the distance to the next smaller class is lost
      if (cache.is_size_class && cache.object_size != 0) {
        split_.rounding += live / cache.object_size * ((cache.object_size - smaller) / 2);
        smaller = cache.object_size;
      }
    }
  }

  // Adds what was rounded up for the samples in slots, whose requested sizes are known. If there are more of them than
  // are read, the rest counts like those.
  void add_rounding_of_samples() {
    constexpr std::size_t kMaxRead = 1 << 18;
    if (slots_used_ == 0) return;
    const auto in_slot = [&](std::uint64_t address) { return model_.sampled_at(address) != nullptr; };
    const std::vector<SampledBlock> blocks = read_sampled_blocks(source_, in_slot, kMaxRead).blocks;
    std::uint64_t sum = 0;
    for (const SampledBlock& block : blocks) {
      const std::uint64_t bytes = model_.sampled_at(block.address)->slot_bytes;
      if (block.requested < bytes) sum += bytes - block.requested;
    }
    if (blocks.size() == kMaxRead && slots_used_ > kMaxRead) sum = sum * slots_used_ / kMaxRead;
    split_.rounding += sum;
  }

  void reconcile() {
    const Reconciled r = reconcile_smaps(source_, ours_);
    split_.ashlar_rss = r.ashlar_rss;
    split_.process_rss = r.process_rss;
    split_.process_swap = r.process_swap;
    split_.huge = r.huge;
    split_.hugetlb = r.hugetlb;
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
  std::uint64_t slots_used_ = 0;  // by samples
  FreeObjects large_;
};

}  // namespace

Split split_rss(Source& source, const Model& model) { return Splitter(source, model).split(); }

}  // namespace ashlar::reader

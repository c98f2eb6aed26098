// page: the invariants of zones, arenas, section tables and per-cpu lists. A zone's arenas are looked through from
// block to block, so that what the lists hold is compared with what the descriptors say.
#include "page/pcp.h"
#include "page/swap_area.h"

namespace ashlar::page {

class ZoneCheck {
 public:
  explicit ZoneCheck(const Zone& zone) : zone_(zone) {}

  Broken run();

 private:
  Broken check_arena(const Arena& arena) ASHLAR_REQUIRES(zone_.lock);
  Broken check_sections(const Arena& arena) const;
  Broken check_block(const Arena& arena, PageIndex index, std::uint32_t& pages);
  Broken check_free_block(const Arena& arena, PageIndex index);
  Broken check_extent(const Arena& arena, PageIndex index);
  Broken check_rest(const Arena& arena) ASHLAR_REQUIRES(zone_.lock);
  [[nodiscard]] Broken check_free_areas() const ASHLAR_REQUIRES(zone_.lock);
  [[nodiscard]] Broken check_area(const List<Page>& list, unsigned order, bool dirty, std::uint64_t& blocks) const
      ASHLAR_REQUIRES(zone_.lock);
  [[nodiscard]] Broken check_extents() const ASHLAR_REQUIRES(zone_.lock);
  [[nodiscard]] Broken check_isolated() const ASHLAR_REQUIRES(zone_.lock);
  [[nodiscard]] Broken check_counts() const ASHLAR_REQUIRES(zone_.lock);

  const Zone& zone_;
  PageCount present_, free_, dirty_, isolated_;
  std::uint64_t blocks_ = 0, extents_ = 0;
  unsigned arenas_ = 0;
};

namespace {

// 0 for what is no order.
std::uint32_t pages_of(Order order) { return order > kMaxOrder ? 0 : static_cast<std::uint32_t>(order.pages().raw); }

// Free pages belong to no slab.
bool is_unmarked(const Arena& arena, PageIndex first, std::uint32_t count) {
  for (PageIndex i = first; i < first + count; i += 1) {
    const auto* const p = reinterpret_cast<const void*>(arena.address_of(i));
    if (class_of(p).raw != 0 || named_of(p) != 0 || is_slob(p)) return false;
  }
  return true;
}

}  // namespace

Broken ZoneCheck::check_free_block(const Arena& arena, PageIndex index) {
  Page* const head = arena.page_at(index);
  if (head->order > kMaxOrder) return broken("a free block is no larger than the largest order", head);
  const auto pages = static_cast<std::uint32_t>(head->order.pages().raw);
  if (!index.is_aligned(pages)) return broken("a free block is aligned to its size", head);
  if (index + pages > arena.end()) return broken("a free block lies in its arena", head);
  if (&arena_of(head) != &arena) return broken("a block's descriptor names its arena", head);
  if (head->free_block.dirty_pages != arena.count_dirty(index, pages))
    return broken("a free block counts its dirty pages", head);
  const PageIndex buddy(index.raw ^ pages);
  if (head->order < kMaxOrder && buddy + pages <= arena.end()) {
    Page* const other = arena.page_at(buddy);
    if (state_of(other) == PageState::kFree && other->order == head->order)
      return broken("two free buddies are one block", head);
  }
  if (!is_unmarked(arena, index, pages)) return broken("free pages have no class in the section table", head);
  free_ += PageCount(pages);
  dirty_ += PageCount(head->free_block.dirty_pages);
  ++blocks_;
  return {};
}

Broken ZoneCheck::check_extent(const Arena& arena, PageIndex index) {
  Page* const head = arena.page_at(index);
  const std::uint32_t pages = head->extent.pages;
  if (pages == 0 || index + pages > arena.end()) return broken("an extent lies in its arena", head);
  if (&arena_of(head) != &arena) return broken("an extent's descriptor names its arena", head);
  if (arena.count_dirty(index, pages) != pages) return broken("all pages of an extent are dirty", head);
  Page* const last = head + pages - 1;
  if (pages > 1 && (state_of(last) != PageState::kExtentEnd || last->extent.pages != pages))
    return broken("an extent ends where its head says", head);
  if (index + pages < arena.end() && state_of(head + pages) == PageState::kExtent)
    return broken("two extents side by side are one", head);
  if (!is_unmarked(arena, index, pages)) return broken("free pages have no class in the section table", head);
  free_ += PageCount(pages);
  dirty_ += PageCount(pages);
  ++extents_;
  return {};
}

// What starts at an index, and how many pages it has. A page that heads nothing was taken just now.
Broken ZoneCheck::check_block(const Arena& arena, PageIndex index, std::uint32_t& pages) {
  Page* const head = arena.page_at(index);
  pages = 1;
  // acquire: pairs with set_state in run_list.cc, so that the length of a run that was cut just now is its own
  switch (std::atomic_ref(head->state).load(std::memory_order_acquire)) {
    case PageState::kFree: pages = pages_of(head->order); return check_free_block(arena, index);
    case PageState::kExtent: pages = head->extent.pages; return check_extent(arena, index);
    case PageState::kIsolated:
      pages = pages_of(head->order);
      isolated_ += PageCount(pages);
      break;
    case PageState::kIsolatedExtent:
      pages = head->extent.pages;
      isolated_ += PageCount(pages);
      break;
    case PageState::kSlab: pages = pages_of(head->order); break;
    case PageState::kRun:
    case PageState::kPcp: pages = run_pages(head); break;
    case PageState::kExtentEnd: return broken("the last page of an extent follows its first", head);
    case PageState::kNone: break;
  }
  if (pages == 0 || index + pages > arena.end()) return broken("what a descriptor heads lies in its arena", head);
  return {};
}

Broken ZoneCheck::check_rest(const Arena& arena) {
  if (zone_.rest_end_ > arena.end()) return broken("the rest lies in the last arena", arena.descriptors);
  const std::uint32_t pages = zone_.rest_end_ - zone_.rest_;
  if (arena.count_dirty(zone_.rest_, pages) != 0)
    return broken("no page of the rest is dirty", arena.page_at(zone_.rest_));
  free_ += PageCount(pages);
  return {};
}

Broken ZoneCheck::check_sections(const Arena& arena) const {
  for (PageIndex i; i < arena.end(); i += kPagesPerStride) {
    if (descriptor_of(arena.id_of(i)) != arena.page_at(i))
      return broken("the section table leads to the descriptors of an arena", arena.page_at(i));
  }
  return {};
}

Broken ZoneCheck::check_arena(const Arena& arena) {
  if (arena.pages == 0 || arena.base % kArenaAlign != 0) return broken("an arena is aligned", &arena);
  if (arena.node != zone_.node_) return broken("an arena lies on the node of its zone", &arena);
  const bool has_rest = &arena == zone_.last_ && zone_.rest_ < zone_.rest_end_;
  present_ += PageCount(arena.pages);
  ++arenas_;
  if (const Broken b = check_sections(arena)) return b;
  for (PageIndex at; at < arena.end();) {
    if (has_rest && at == zone_.rest_) {
      if (const Broken b = check_rest(arena)) return b;
      at = zone_.rest_end_;
      continue;
    }
    std::uint32_t pages = 0;
    if (const Broken b = check_block(arena, at, pages)) return b;
    if (has_rest && at < zone_.rest_ && at + pages > zone_.rest_)
      return broken("no block reaches into the rest", arena.page_at(at));
    at += pages;
  }
  return {};
}

Broken ZoneCheck::check_area(const List<Page>& list, unsigned order, bool dirty, std::uint64_t& blocks) const {
  const Page* before = nullptr;
  for (Page* block = list.front(); block != nullptr; before = block, block = block->next) {
    if (block->prev != before) return broken("the links of a free area lead to and fro", block);
    if (state_of(block) != PageState::kFree) return broken("a block in a free area is free", block);
    if (block->order.raw != order) return broken("a block is in the free area of its order", block);
    if ((block->free_block.dirty_pages != 0) != dirty)
      return broken("a block with dirty pages is listed as dirty", block);
    if (++blocks > zone_.free_blocks_) return broken("the free areas hold as many blocks as are counted", block);
  }
  return list.back() == before ? Broken{} : broken("a free area ends with its last block", before);
}

Broken ZoneCheck::check_free_areas() const {
  std::uint64_t blocks = 0;
  for (unsigned order = 0; order <= kMaxOrder.raw; ++order) {
    const Zone::FreeArea& area = zone_.areas_[order];
    if (const Broken b = check_area(area.clean, order, false, blocks)) return b;
    if (const Broken b = check_area(area.dirty, order, true, blocks)) return b;
  }
  if (blocks != zone_.free_blocks_ || blocks != blocks_)
    return broken("the free areas hold all free blocks", &zone_.areas_);
  return {};
}

Broken ZoneCheck::check_extents() const {
  const Extents& extents = zone_.extents_;
  std::uint64_t n = 0;
  for (unsigned bin = 0; bin < Extents::kBins; ++bin) {
    const Page* before = nullptr;
    for (Page* extent = extents.bins_[bin].front(); extent != nullptr; before = extent, extent = extent->next) {
      if (extent->prev != before) return broken("the links of extents lead to and fro", extent);
      if (state_of(extent) != PageState::kExtent) return broken("an extent on a list is one", extent);
      if (Extents::bin_of(extent->extent.pages) != bin) return broken("an extent is in the bin of its length", extent);
      if (++n > extents.count_) return broken("the bins hold as many extents as are counted", extent);
    }
  }
  if (n != extents.count_ || n != extents_) return broken("the bins hold all extents", &extents);
  return {};
}

Broken ZoneCheck::check_isolated() const {
  PageCount pages;
  for (Page* head = zone_.isolated_.front(); head != nullptr; head = head->next) {
    const PageState state = state_of(head);
    if (state == PageState::kIsolated) pages += PageCount(pages_of(head->order));
    else if (state == PageState::kIsolatedExtent) pages += PageCount(head->extent.pages);
    else return broken("what is on the isolated list is isolated", head);
    if (pages > zone_.isolated_pages_) break;
  }
  if (pages != zone_.isolated_pages_ || pages != isolated_)
    return broken("the isolated list holds all isolated pages", &zone_.isolated_);
  return {};
}

Broken ZoneCheck::check_counts() const {
  if (arenas_ != zone_.arenas_ || present_ != zone_.present_)
    return broken("a zone counts its arenas and their pages", &zone_);
  if (zone_.rest_ > zone_.rest_end_) return broken("the rest ends after it begins", &zone_);
  if (free_ != zone_.free_) return broken("a zone counts its free pages", &zone_);
  if (dirty_ != zone_.dirty_free_) return broken("a zone counts its dirty free pages", &zone_);
  if (free_ + isolated_ > present_) return broken("no more pages are free than there are", &zone_);
  return {};
}

Broken ZoneCheck::run() {
  zone_.lock.assert_held();
  for (unsigned i = 0, n = count_arenas(); i < n; ++i) {
    if (arenas[i].zone != &zone_) continue;
    if (const Broken b = check_arena(arenas[i])) return b;
  }
  if (const Broken b = check_free_areas()) return b;
  if (const Broken b = check_extents()) return b;
  if (const Broken b = check_isolated()) return b;
  return check_counts();
}

Broken Zone::validate() const { return ZoneCheck(*this).run(); }

Broken validate() {
  Broken found;
  for_all_zones([&](Zone& zone) {
    const Guard guard(zone.lock);
    if (!found) found = zone.validate();
  });
  return found ? found : validate_pcp();
}

}  // namespace ashlar::page

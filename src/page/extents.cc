// page: extents, see the header.
#include "page/extents.h"

#include <bit>

#include "base/hints.h"
#include "page/zone.h"

namespace ashlar::page {

namespace {

constexpr unsigned kLooks = 16;  // extents of the smallest bin that may fit; the next bins' all do

}  // namespace

[[ASHLAR_ALWAYS_RUN]] unsigned Extents::bin_of(std::uint32_t pages) {
  if (pages < kSteps) return pages;
  const unsigned octave = static_cast<unsigned>(std::bit_width(pages)) - 1;
  const unsigned bin = (octave - 2) * kSteps + (pages >> (octave - 3)) - kSteps;
  return bin < kBins ? bin : kBins - 1;
}

[[ASHLAR_ALWAYS_RUN]] void Extents::add(Arena& arena, PageIndex first, std::uint32_t count, Moment since) {
  if (first > PageIndex()) {
    Page* const before = arena.page_at(first - 1);
    if (state_of(before) == PageState::kExtent || state_of(before) == PageState::kExtentEnd) {
      const std::uint32_t pages = before->extent.pages;
      since = mean_of(since, count, before->extent.since, pages);
      first = first - pages;
      count += pages;
      remove(arena.page_at(first));
    }
  }
  if (first + count < arena.end()) {
    Page* const behind = arena.page_at(first + count);
    if (state_of(behind) == PageState::kExtent) {
      since = mean_of(since, count, behind->extent.since, behind->extent.pages);
      count += behind->extent.pages;
      remove(behind);
    }
  }
  ASHLAR_ASSERT(count > 0 && first + count <= arena.end(), "an extent lies in its arena");
  Page* const head = arena.page_at(first);
  Page* const end = head + count - 1;
  end->state = PageState::kExtentEnd;
  end->extent = {since, count};
  head->state = PageState::kExtent;
  head->extent = {since, count};
  head->arena = arena.number();
  put_by_age(bins_[bin_of(count)], head, [](const Page& page) { return page.extent.since; });
  ++count_;
}

[[ASHLAR_ALWAYS_RUN]] void Extents::remove(Page* extent) {
  ASHLAR_ASSERT(state_of(extent) == PageState::kExtent && count_ > 0, "the head of an extent is removed");
  ASHLAR_ASSERT(extent->extent.pages == 1 || state_of(extent + extent->extent.pages - 1) == PageState::kExtentEnd,
                "an extent ends where its head says");
  bins_[bin_of(extent->extent.pages)].remove(extent);
  (extent + extent->extent.pages - 1)->state = PageState::kNone;
  extent->state = PageState::kNone;
  --count_;
}

[[ASHLAR_ALWAYS_RUN]] Page* Extents::find(std::uint32_t pages) const {
  unsigned bin = bin_of(pages);
  Page* best = nullptr;
  unsigned looks = kLooks;
  for (Page* extent = bins_[bin].front(); extent != nullptr && looks > 0; extent = extent->next, --looks) {
    const std::uint32_t n = extent->extent.pages;
    if (n >= pages && (best == nullptr || n < best->extent.pages)) best = extent;
  }
  while (best == nullptr && ++bin < kBins) best = bins_[bin].front();
  return best;
}

}  // namespace ashlar::page

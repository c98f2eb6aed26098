// page: the page descriptor, the kernel's `struct page`. One for each page of an arena, in a map apart from the
// pages; only the descriptor of a block's first page is in use.
#pragma once

#include <cstdint>

#include "base/base.h"
#include "base/list.h"

namespace ashlar::page {

enum class PageState : std::uint8_t {
  kNone,            // not the first page of anything
  kFree,            // heads a free block in a free area
  kIsolated,        // heads a free block whose pages are being purged
  kIsolatedExtent,  // the same for an extent
  kSlab,            // heads a slab
  kRun,             // heads a run
  kExtent,          // heads an extent: free pages of former runs
  kExtentEnd,       // the last page of an extent
  kPcp,             // heads a freed run in a per-cpu list
};

inline constexpr std::uint16_t kNoObject = 0xffff;

//   0        8        16     18    19    20                                32
//   ┌────────┬────────┬──────┬─────┬─────┬─────────────────────────────────┐
//   │ next   │ prev   │arena │state│order│ slab │ free block │ run │ extent│
//   └────────┴────────┴──────┴─────┴─────┴─────────────────────────────────┘
struct Page {
  union {
    Page* next;   // free area's or partial list's links
    void* owner;  // of a run: what its taker keeps there
  };
  Page* prev;
  std::uint16_t arena;  // index into the table of arenas
  PageState state;
  Order order;  // of a free block or a slab
  union {
    // Owned by the slab layer, under the cache's lock. Counts are objects.
    struct {
      SizeClass size_class;
      std::uint8_t bucket;       // the partial list that it is on
      std::uint16_t first_free;  // offset of the first free object, in units of kMinAlign; kNoObject if none
      std::uint16_t last_free;   // and of the last one; of no meaning when there is none
      std::uint16_t free_count;  // on the slab's free list
      std::uint16_t in_use;      // handed out; with free_count: ever made, from the slab's start upwards
      std::uint16_t capacity;    // that fit
    } slab;
    // Under the zone's lock.
    struct {
      Moment since;               // when it became free
      std::uint16_t dirty_pages;  // of its pages, those that may be resident
    } free_block;
    struct {
      std::uint32_t pages;
      bool from_alloc_pages;     // see alloc_pages.h: free() refuses it
      bool owned;                // see owned_run.h: free() asks its owner
      std::uint32_t references;  // of one from_alloc_pages: see alloc_pages.h
    } run;
    // Under the zone's lock.
    struct {
      Moment since;
      std::uint32_t pages;
    } extent;
  };
};

// The mean of the moments since when two lots of pages are free. A few pages that are freed beside many old ones do not
// make these young; with the later moment instead, a block of 4 MiB would wait anew for each page that a helper's round
// takes out of a cache.
constexpr Moment mean_of(Moment a, std::uint32_t a_pages, Moment b, std::uint32_t b_pages) {
  const auto after_b = std::int64_t{static_cast<std::int32_t>(a.raw - b.raw)};
  if (after_b == 0 || a_pages == 0) return b;
  return Moment(b.raw + static_cast<std::uint32_t>(after_b * a_pages / (std::int64_t{a_pages} + b_pages)));
}

// Puts a block or an extent into its list: at the back, where a victim is looked for, if it is the oldest of it. Those
// between are not in order.
template <class SinceOf>
void put_by_age(List<Page>& list, Page* page, SinceOf since_of) {
  const Page* const back = list.back();
  const bool oldest = back != nullptr && since_of(*page).before(since_of(*back));
  oldest ? list.push_back(page) : list.push_front(page);
}

static_assert(sizeof(Page) == 32, "descriptors cost 32 bytes a page, 0.8 %");

}  // namespace ashlar::page

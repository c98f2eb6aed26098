// page: the page descriptor, the kernel's `struct page`. One for each page of an arena, in a map apart from the
// pages; only the descriptor of a block's first page is in use.
#pragma once

#include <cstdint>

#include "base/base.h"

namespace ashlar::page {

enum class PageState : std::uint8_t {
  kNone,            // not the first page of anything
  kFree,            // heads a free block in a free area
  kIsolated,        // heads a free block that reclaim is giving back just now
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
      std::uint32_t age_ms;       // when it became free, by the low bits of os::now_ms
      std::uint16_t dirty_pages;  // of its pages, those that may be resident
    } free_block;
    struct {
      std::uint32_t pages;
      bool is_block;  // from ashlar_alloc_pages (blocks.h): free() refuses it
    } run;
    // Under the zone's lock.
    struct {
      std::uint32_t age_ms;
      std::uint32_t pages;
    } extent;
  };
};

// The later of two moments, in 32 bits of milliseconds that wrap.
constexpr std::uint32_t younger(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) > 0 ? a : b;
}

static_assert(sizeof(Page) == 32, "descriptors cost 32 bytes a page, 0.8 %");

}  // namespace ashlar::page

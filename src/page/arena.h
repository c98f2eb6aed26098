// page, private: arenas, and the pages in them.
//
// An arena is a stretch of committed address space with a descriptor and a "dirty" bit for each page. A page is dirty
// when it may be resident (it was handed out and perhaps touched), and clean when it reads as zero and costs nothing:
// never touched, or purged. The bits stay while a page is in use, so that of a slab freed half-carved only the
// touched part counts as dirty.
#pragma once

#include <cstdint>

#include "page/page.h"

namespace ashlar::page {

class Zone;

// The place of a page in its arena. How many pages there are is a bare number beside it: neither stands for the other.
struct PageIndex {
  std::uint32_t raw = 0;

  constexpr PageIndex() = default;
  constexpr explicit PageIndex(std::uint32_t n) : raw(n) {}

  // one by one: GCC makes longer code of what <=> generates
  constexpr bool operator==(const PageIndex&) const = default;
  constexpr bool operator<(PageIndex o) const { return raw < o.raw; }
  constexpr bool operator<=(PageIndex o) const { return raw <= o.raw; }
  constexpr bool operator>(PageIndex o) const { return raw > o.raw; }
  constexpr bool operator>=(PageIndex o) const { return raw >= o.raw; }
  constexpr PageIndex operator+(std::uint32_t count) const { return PageIndex(raw + count); }
  constexpr PageIndex operator-(std::uint32_t count) const { return PageIndex(raw - count); }
  constexpr std::uint32_t operator-(PageIndex o) const { return raw - o.raw; }
  constexpr PageIndex& operator+=(std::uint32_t count) {
    raw += count;
    return *this;
  }
  // To multiples of a power of two of pages.
  [[nodiscard]] constexpr bool is_aligned(std::uint32_t pages) const { return raw % pages == 0; }
  [[nodiscard]] constexpr PageIndex up(std::uint32_t pages) const {
    return PageIndex(static_cast<std::uint32_t>(round_up(raw, pages)));
  }
  [[nodiscard]] constexpr PageIndex down(std::uint32_t pages) const {
    return PageIndex(static_cast<std::uint32_t>(round_down(raw, pages)));
  }
};

// Pages of one arena that lie one after the other.
struct PageRange {
  PageIndex first;
  std::uint32_t count = 0;

  constexpr PageRange() = default;
  constexpr PageRange(PageIndex start, std::uint32_t pages) : first(start), count(pages) {}
  constexpr PageRange(PageIndex start, PageIndex end) : first(start), count(end - start) {}
  [[nodiscard]] constexpr PageIndex end() const { return first + count; }
  [[nodiscard]] constexpr std::size_t bytes() const { return std::size_t{count} << kPageShift; }
};

// What a block's first page is a multiple of: a power of two of pages.
struct PageAlign {
  std::uint32_t raw = 1;

  constexpr PageAlign() = default;
  constexpr explicit PageAlign(std::uint32_t pages) : raw(pages) {}
};

struct Arena {
  std::uintptr_t base = 0;
  std::uint32_t pages = 0;
  NodeId node;
  bool stays_small = false;  // no huge page is made of its pages any more; under the zone's lock
  // It came from the reserved pool (hugetlb.h), constant: all its pages are resident and stay so. None is ever dirty,
  // as none is purged, and a clean one need not be zero.
  bool pinned = false;
  Zone* zone = nullptr;
  Page* descriptors = nullptr;
  std::uint64_t* dirty = nullptr;  // a bit a page, under the zone's lock

  [[nodiscard]] std::uint16_t number() const;  // in the table
  [[nodiscard]] PageIndex end() const { return PageIndex(pages); }
  [[nodiscard]] Page* page_at(PageIndex index) const { return descriptors + index.raw; }
  [[nodiscard]] PageIndex index_of(const Page* page) const {
    return PageIndex(static_cast<std::uint32_t>(page - descriptors));
  }
  [[nodiscard]] std::uintptr_t address_of(PageIndex index) const {
    return base + (std::uintptr_t{index.raw} << kPageShift);
  }
  [[nodiscard]] PageId id_of(PageIndex index) const { return PageId::of(address_of(index)); }
  [[nodiscard]] PageIndex index_at(std::uintptr_t address) const {
    return PageIndex(static_cast<std::uint32_t>((address - base) >> kPageShift));
  }
  [[nodiscard]] std::uint32_t count_dirty(PageIndex first, std::uint32_t count) const;
  void set_dirty(PageIndex first, std::uint32_t count, bool value);
  [[nodiscard]] std::uint32_t count_dirty(PageRange range) const { return count_dirty(range.first, range.count); }
  void set_dirty(PageRange range, bool value) { set_dirty(range.first, range.count, value); }
  // The first index in [from, end) whose bit is `value`, or end.
  [[nodiscard]] PageIndex find(PageIndex from, PageIndex end, bool value) const;
};

inline constexpr std::uint16_t kMaxArenas = 4096;  // the later ones are larger: 1 TiB in all
extern Arena arenas[kMaxArenas];

// Apart from the arenas, of which a process has few.
struct ArenaTable {
  // Protects the table, and the section table against a second writer: each zone has a lock of its own.
  Lock<LockRank::kArenas> lock;
  std::uint16_t count ASHLAR_GUARDED_BY(lock) = 0;  // of all zones
};
extern ArenaTable arena_table;

inline std::uint16_t Arena::number() const { return static_cast<std::uint16_t>(this - arenas); }
inline Arena& arena_of(const Page* page) { return arenas[page->arena]; }

// The arenas in the table, of all zones. Takes the arenas' lock.
std::uint16_t count_arenas() ASHLAR_EXCLUDES(arena_table.lock);

// The arena that holds any page, or null.
const Arena* arena_around(PageId page);

// Before an arena's first purge.
void keep_holes(const Arena& arena);

}  // namespace ashlar::page

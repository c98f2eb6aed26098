// slab: the size classes: sixteen bytes apart up to 128, then kSteps to each doubling, up to 32 KiB. One table,
// made at compile time; the look-up from a size is one byte load.
#pragma once

#include <array>
#include <bit>

#include "base/base.h"

namespace ashlar::slab {

inline constexpr std::size_t kMaxSmall = 32_KiB;  // the largest object that comes from a slab
inline constexpr unsigned kSteps = 4;             // classes to a doubling: at most 1/5 of a block is rounding
inline constexpr std::size_t kFineLimit = 128;    // up to here every multiple of 16 is a class

struct ClassInfo {
  std::uint32_t size = 0;      // bytes of an object
  std::uint32_t inverse = 0;   // 2^32 / size, rounded up: divides offsets within a slab
  Order min_order;             // of the first slabs
  Order max_order;             // of the later ones
  std::uint16_t magazine = 0;  // objects in a full magazine
  SizeClass size_class;        // its own number; 0 of a named cache
  CacheNumber number = 0;      // a named cache's number; 0 of a size class
  std::uint32_t link = 0;      // from an object's start to its link while it is free: 0 where it may lie in the object
};

namespace detail {

constexpr std::size_t next_size(std::size_t size) {
  if (size < kFineLimit) return size + kMinAlign;
  return size + std::bit_floor(size) / kSteps;
}

constexpr unsigned count_classes() {
  unsigned n = 1;  // class 0 is "none"
  for (std::size_t size = kMinAlign; size <= kMaxSmall; size = next_size(size)) ++n;
  return n;
}

constexpr std::size_t waste(std::size_t size, Order order) { return order.bytes() % size; }

// The smallest order that wastes at most an eighth of the slab at its end.
constexpr Order smallest_order(std::size_t size) {
  Order order = Order::holding(PageCount::ceil(size));
  while (waste(size, order) > order.bytes() / 8) order = Order(order.raw + 1u);
  return order;
}

// 32 KiB, or eight objects, or of large ones four: enough that the buddy is seldom asked, little enough that one
// object pins little.
constexpr Order largest_order(std::size_t size) {
  constexpr std::size_t kUsual = 32_KiB, kLarge = 8_KiB;
  const std::size_t bytes = size > kLarge ? size * 4 : size * 8 > kUsual ? size * 8 : kUsual;
  Order order = Order::holding(PageCount::ceil(bytes));
  while (waste(size, order) > order.bytes() / 8) order = Order(order.raw + 1u);
  return order;
}

// Objects worth 32 KiB, but at least 2, and more than 256 only as far as they are worth 16 KiB: an exchange then costs
// little for each of them.
constexpr std::uint16_t magazine_objects(std::size_t size) {
  const std::size_t n = 32_KiB / size, small = 16_KiB / size;
  return static_cast<std::uint16_t>(n < 2 ? 2 : n <= 256 ? n : small > 256 ? small : 256);
}

}  // namespace detail

inline constexpr unsigned kClasses = detail::count_classes();

inline constexpr auto kClassTable = [] {
  std::array<ClassInfo, kClasses> table{};
  std::size_t size = kMinAlign;
  for (unsigned c = 1; c < kClasses; ++c, size = detail::next_size(size)) {
    table[c].size = static_cast<std::uint32_t>(size);
    table[c].size_class = SizeClass(c);
    table[c].inverse = static_cast<std::uint32_t>(((std::uint64_t{1} << 32) + size - 1) / size);
    table[c].min_order = detail::smallest_order(size);
    table[c].max_order = detail::largest_order(size);
    table[c].magazine = detail::magazine_objects(size);
  }
  return table;
}();

// From (size + 15) / 16 to the class. The entry of 0 bytes is the smallest class; malloc(0) asks for one byte.
inline constexpr auto kClassOfGranules = [] {
  std::array<std::uint8_t, kMaxSmall / kMinAlign + 1> map{};
  std::uint8_t c = 1;
  for (std::size_t g = 0; g < map.size(); ++g) {
    if (g * kMinAlign > kClassTable[c].size) ++c;
    map[g] = c;
  }
  return map;
}();

// The same for a process that is still tiny: powers of two up to kCoarseLimit. Each class in use costs a page, and
// a tiny process saves more pages by using fewer classes than it loses by rounding.
inline constexpr std::size_t kCoarseLimit = 2048;
inline constexpr auto kCoarseClassOfGranules = [] {
  std::array<std::uint8_t, kCoarseLimit / kMinAlign + 1> map{};
  for (std::size_t g = 0; g < map.size(); ++g) map[g] = kClassOfGranules[g == 0 ? 0 : std::bit_ceil(g)];
  return map;
}();

inline SizeClass class_for(std::size_t size) { return SizeClass(kClassOfGranules[(size + kMinAlign - 1) / kMinAlign]); }
inline const ClassInfo& info_of(SizeClass c) { return kClassTable[c.raw]; }
inline std::size_t size_of(SizeClass c) { return kClassTable[c.raw].size; }

static_assert(kClasses <= 64, "a bin's number must fit a byte, and the heaps' arrays a few lines");
static_assert(kClassTable[kClasses - 1].size == kMaxSmall, "the last class must be the largest small size");
static_assert(
    [] {
      for (unsigned c = 1; c < kClasses; ++c) {
        const ClassInfo& info = kClassTable[c];
        if (info.size % kMinAlign != 0 || info.size <= kClassTable[c - 1].size) return false;
        if (info.size > kFineLimit && (info.size - kClassTable[c - 1].size) * 5 > info.size + 4) return false;
      }
      return true;
    }(),
    "classes must rise, keep the alignment and waste at most a fifth");
static_assert(
    [] {
      for (std::size_t g = 0; g < kClassOfGranules.size(); ++g) {
        const unsigned c = kClassOfGranules[g];
        if (kClassTable[c].size < g * kMinAlign || (c > 1 && kClassTable[c - 1].size >= g * kMinAlign)) return false;
      }
      return true;
    }(),
    "each size must map to the smallest class that holds it");

}  // namespace ashlar::slab

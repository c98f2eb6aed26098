// check: where regions lie. No lock: a unit is taken by mapping it, which fails if it is mapped, or by the map of
// regions.
#include "check/places.h"

#include <bit>

namespace ashlar::check {

constinit Places places;

namespace {

constexpr unsigned kStretchShift = 40;
constexpr std::uintptr_t kStretches = 64;
// From here on 64 TiB where neither programs, libraries and stacks nor sanitizers put anything.
constexpr std::uintptr_t kLowest = std::uintptr_t{20} << kStretchShift;
constexpr std::uint32_t kMinUnits = 512, kUnitsPerRegion = 4;
constexpr unsigned kLooks = 16, kTries = 2;

// Odd, so that each size of units has another stretch.
constexpr unsigned kStride = 23;
static_assert(kMaxUnit - kMinUnit < kStretches);

// The stretch begins anywhere in the first half of its TiB.
std::uintptr_t stretch_of(unsigned unit) {
  const std::uint64_t seed = settings.places;
  const std::uintptr_t number = (seed + std::uint64_t{unit} * kStride) % kStretches;
  const std::uintptr_t skip =
      round_down((seed >> 6) % (std::uintptr_t{1} << (kStretchShift - 1)), std::uintptr_t{1} << unit);
  return kLowest + (number << kStretchShift) + skip;
}

std::uintptr_t unit_around(std::uintptr_t address, unsigned unit) {
  return round_down(address, std::uintptr_t{1} << unit);
}

// The start of a region in a unit that no region has.
std::uintptr_t draw(unsigned unit, std::uint64_t& random) {
  const std::uint64_t regions = places.in_use[unit].load(std::memory_order_relaxed);
  std::uint64_t units = std::bit_ceil(regions * kUnitsPerRegion + kMinUnits);
  const std::uint64_t max = std::uint64_t{1} << (kStretchShift - 1 - unit);
  if (units > max) units = max;
  for (unsigned look = 0; look < kLooks; ++look) {
    random = next_in_row(random);
    const std::uint64_t number = (random >> 32) * units >> 32;
    const std::uintptr_t start = stretch_of(unit) + (number << unit) + os::page_bytes();
    if (region_at(start) == nullptr) return start;
  }
  return 0;
}

}  // namespace

bool map_place(Region& region, std::size_t bytes, std::uint64_t random) {
  const std::size_t whole = bytes + 2 * os::page_bytes();
  auto unit = static_cast<unsigned>(std::bit_width(whole - 1));
  if (unit < kMinUnit) unit = kMinUnit;
  if (unit > kMaxUnit) return false;
  for (unsigned n = 0; n < kTries; ++n) {  // another thread may draw the same
    const std::uintptr_t start = draw(unit, random);
    if (start == 0 || !vmalloc::alloc_at(reinterpret_cast<void*>(start), bytes)) continue;
    if (region_at(start) != nullptr) {  // taken and freed since it was drawn: its addresses still wait
      vmalloc::free(reinterpret_cast<void*>(start));
      continue;
    }
    publish(region.bytes, round_up(bytes, os::page_bytes()));
    publish(region.unit, static_cast<std::uint8_t>(unit));
    places.in_use[unit].fetch_add(1, std::memory_order_relaxed);
    __atomic_store_n(&region.start, start,
                     __ATOMIC_RELEASE);  // pairs with the acquire of a search of all regions
    return true;
  }
  return false;
}

std::size_t max_in_place(const Region& region) { return (std::size_t{1} << region.unit) - 2 * os::page_bytes(); }

void unmap_place(const Region& region) { vmalloc::free(reinterpret_cast<void*>(region.start)); }

void release_place(Region& region) {
  places.in_use[region.unit].fetch_sub(1, std::memory_order_relaxed);
  publish(region.unit, 0);
}

Region* region_around(std::uintptr_t address) {
  for (unsigned unit = kMinUnit; unit <= kMaxUnit; ++unit) {
    if (address - stretch_of(unit) < std::uintptr_t{1} << (kStretchShift - 1)) {
      return region_at(unit_around(address, unit) + os::page_bytes());
    }
  }
  return nullptr;
}

}  // namespace ashlar::check

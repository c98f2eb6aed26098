// tool, reader: the model's swap areas.
#include <algorithm>
#include <cstring>

#include "tool/reader/builder.h"

namespace ashlar::reader {

namespace {
constexpr std::size_t kMaxSwapAreas = 32;
}  // namespace

void Builder::add_swap_areas() {
  if (!found_.has(Table::kSwapAreas) || !found_.has(Field::kSwapStride)) return;  // an older library
  const std::size_t stride = found_.stride(Table::kSwapAreas);
  std::uint64_t address = 0;
  if (stride < sizeof address) {
    model_.approximate = true;
    return;
  }
  const std::size_t count = std::min<std::size_t>(found_.count(Table::kSwapAreas), kMaxSwapAreas);
  const std::vector<char> addresses = read_table(Table::kSwapAreas, count);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(&address, addresses.data() + i * stride, sizeof address);
    if (address == 0) break;
    add_swap_area(address);
  }
}

// Adds a swap area, unless its entry is inconsistent.
void Builder::add_swap_area(std::uint64_t address) {
  std::vector<char> entry;
  const std::uint64_t size = found_.size(Field::kSwapStride);
  const bool read = address <= kAddressEnd - size && bytes_.read(address, size, entry);
  const std::uint64_t start = read ? value(entry.data(), Field::kSwapBase) : 0;
  const std::uint64_t bytes = read ? value(entry.data(), Field::kSwapBytes) : 0;
  const std::uint64_t zone = address + found_.offset(Field::kSwapZone);
  const bool fits = bytes != 0 && (start | bytes) % kPage == 0 && bytes <= kAddressEnd && start <= kAddressEnd - bytes;
  const bool taken = std::any_of(model_.swap_areas.begin(), model_.swap_areas.end(), [&](const SwapArea& a) {
    return a.zone == zone || (a.start < start + bytes && start < a.end);
  });
  if (!fits || taken || !is_mapped({start, start + bytes})) {
    model_.approximate = true;
    return;
  }
  SwapArea area;
  area.start = start;
  area.end = start + bytes;
  area.zone = zone;
  area.on = static_cast<std::int32_t>(value(entry.data(), Field::kSwapKey)) >= 0;
  area.priority = static_cast<std::int32_t>(value(entry.data(), Field::kSwapPriority));
  const char* const path = entry.data() + found_.offset(Field::kSwapPath);
  area.path.assign(path, strnlen(path, found_.size(Field::kSwapPath)));
  model_.swap_areas.push_back(std::move(area));
}

std::string Builder::zone_name(std::uint64_t address, const char* entry) const {
  for (std::size_t i = 0; i < model_.swap_areas.size(); ++i) {
    if (model_.swap_areas[i].zone == address) return "Swap" + std::to_string(i);
  }
  return found_.has(Field::kZoneHuge) && value(entry, Field::kZoneHuge) != 0 ? "Huge" : "Normal";
}

// An area without an arena has no zone in the model, and no bytes in use.
void Builder::count_swap_areas() {
  for (SwapArea& area : model_.swap_areas) {
    const auto at = std::find(zone_addresses_.begin(), zone_addresses_.end(), area.zone);
    if (at == zone_addresses_.end()) continue;
    const Zone& zone = model_.zones[static_cast<std::size_t>(at - zone_addresses_.begin())];
    const std::uint64_t pages = area.bytes() / kPage;
    if (zone.present > pages) model_.approximate = true;
    area.used = std::min(zone.live(), pages) * kPage;
    area.backed = std::min(zone.live() + std::min(zone.dirty_free, zone.free), pages) * kPage;
    area.advised = zone.advised * kPage;
  }
}

SwapArea Model::swap_sum() const {
  SwapArea sum;
  for (const SwapArea& area : swap_areas) {
    if (!area.on) continue;
    sum.on = true;
    sum.end += area.bytes();
    sum.used += area.used;
    sum.backed += area.backed;
  }
  return sum;
}

}  // namespace ashlar::reader

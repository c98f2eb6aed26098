// tool, reader: checks that a root block's numbers are consistent. The block comes from another process or from a file,
// and may be damaged or forged. The code that reads entries relies on each field lying within its entry, and on tables
// of a size that can be read.
#include <algorithm>
#include <iterator>

#include "base/units.h"
#include "tool/reader/root.h"

namespace ashlar::reader {

namespace {

using format::Field;
using format::Table;

constexpr std::uint64_t kMaxStride = 1 << 16;
constexpr std::uint64_t kMaxTable = 4_MiB;  // bytes; the largest has a word for each 4 GiB of address space
constexpr std::uint64_t kPageEntry = 32;    // a page's descriptor

// The fields of one kind of entry, from first to last in declaration order, and the bytes of the entry.
struct Group {
  Field first, last;
  std::uint64_t bytes;
};

// Returns the size of a field that stands for a length.
std::uint64_t length_of(const format::Root& root, Field field) { return size_of(root, field); }

std::uint64_t end_of(const format::Root& root, Field field) {
  return std::uint64_t{offset_of(root, field)} + size_of(root, field);
}

bool tables_fit(const format::Root& root) {
  return std::all_of(root.tables, root.tables + root.tables_used, [](const format::TableInfo& table) {
    return table.stride != 0 && table.stride <= kMaxStride && std::uint64_t{table.stride} * table.count <= kMaxTable;
  });
}

// Returns whether an array of `count` elements of `stride` bytes at a field's offset lies within its entry.
bool array_fits(const format::Root& root, Field field, Field stride, std::uint64_t count, Field entry) {
  return offset_of(root, field) + count * length_of(root, stride) <= length_of(root, entry);
}

// Returns whether all shift counts are in range.
bool shifts_fit(const format::Root& root) {
  for (const Field f : {Field::kCellSize, Field::kCellOffset, Field::kCellState}) {
    if (root.fields[static_cast<unsigned>(f)].offset >= 32 || length_of(root, f) >= 32) return false;
  }
  for (const Field f : {Field::kPlaceFirst, Field::kPlaceCount}) {
    if (root.fields[static_cast<unsigned>(f)].offset >= 64 || length_of(root, f) >= 64) return false;
  }
  return true;
}

bool arrays_fit(const format::Root& root) {
  return root.classes * length_of(root, Field::kShelfStride) <= length_of(root, Field::kStockShelves) &&
         array_fits(root, Field::kHeapBins, Field::kBinStride, root.classes, Field::kHeapSize) &&
         array_fits(root, Field::kRealmChunkSlabs, Field::kRealmSlabStride, length_of(root, Field::kRealmChunkHead),
                    Field::kRealmChunkStride) &&
         array_fits(root, Field::kNamedBinsBins, Field::kNamedBinStride,
                    root.tables[static_cast<unsigned>(Table::kNamedCaches)].count, Field::kNamedBinsSize);
}

bool fields_fit(const format::Root& root) {
  const auto stride = [&root](Table t) { return std::uint64_t{root.tables[static_cast<unsigned>(t)].stride}; };
  const std::uint64_t cache = length_of(root, Field::kCacheStride);
  const Group groups[] = {
      {Field::kArenaBase, Field::kArenaDirty, stride(Table::kArenas)},
      {Field::kPageState, Field::kExtentPages, kPageEntry},
      {Field::kZonePresent, Field::kZoneNode, stride(Table::kZones)},
      {Field::kCacheSlabs, Field::kCacheOthers, std::min(cache, stride(Table::kCaches))},
      {Field::kNamedSize, Field::kNamedLink, end_of(root, Field::kNamedCache)},
      {Field::kHandleNext, Field::kHandleNumber, end_of(root, Field::kHandleName)},
      {Field::kHandleChecks, Field::kHandleChecks, end_of(root, Field::kHandleName)},
      {Field::kMagazineFirst, Field::kMagazineCount, length_of(root, Field::kMagazineStride)},
      {Field::kHeapNext, Field::kHeapBins, length_of(root, Field::kHeapSize)},
      {Field::kBinPrevious, Field::kBinLimit, length_of(root, Field::kBinStride)},
      {Field::kHeapNamed, Field::kHeapNamed, length_of(root, Field::kHeapSize)},
      {Field::kNamedBinsFirst, Field::kNamedBinsBins, length_of(root, Field::kNamedBinsSize)},
      {Field::kNamedBinPrevious, Field::kNamedBinLimit, length_of(root, Field::kNamedBinStride)},
      {Field::kStoreNext, Field::kStoreNewest, stride(Table::kStore)},
      {Field::kStoreOlder, Field::kStoreBytes,
       length_of(root, Field::kStoreOlder) + length_of(root, Field::kStoreBytes)},
      {Field::kOptionName, Field::kOptionValue, stride(Table::kOptionTable)},
      {Field::kOptionChanges, Field::kOptionChanges, stride(Table::kOptionTable)},
      {Field::kOptionMin, Field::kOptionMax, stride(Table::kOptionTable)},
      {Field::kOptionsOrigins, Field::kOptionsPattern, stride(Table::kOptions)},
      {Field::kOptionsRecordPath, Field::kOptionsRecordPath, stride(Table::kOptions)},
      {Field::kHeapClassMap, Field::kHeapCounts, length_of(root, Field::kHeapSize)},
      {Field::kRequestNumber, Field::kRequestAnswer, stride(Table::kRequest)},
      {Field::kProfiledThreadNumber, Field::kProfiledThreadName, length_of(root, Field::kProfiledThreadStride)},
      {Field::kBucketStack, Field::kBucketFreed, length_of(root, Field::kBucketStride)},
      {Field::kRecordAddress, Field::kRecordBucket, length_of(root, Field::kRecordStride)},
      {Field::kSampledStart, Field::kSampledUsed, length_of(root, Field::kSampledStride)},
      {Field::kSpanStart, Field::kSpanNext, length_of(root, Field::kSpanStride)},
      {Field::kGuardedStart, Field::kGuardedNext, length_of(root, Field::kGuardedStride)},
      {Field::kRunOwner, Field::kRunOwner, kPageEntry},
      {Field::kRunOwned, Field::kRunOwned, kPageEntry},
      {Field::kZoneLow, Field::kZoneLow, stride(Table::kZones)},
      {Field::kZoneHuge, Field::kZoneHuge, stride(Table::kZones)},
      {Field::kZoneAdvised, Field::kZoneRefused, stride(Table::kZones)},
      {Field::kZoneFromPool, Field::kZoneFromPool, stride(Table::kZones)},
      {Field::kSwapZone, Field::kSwapPath, length_of(root, Field::kSwapStride)},
      {Field::kRealmNext, Field::kRealmLimit,
       std::min(length_of(root, Field::kRealmStride), stride(Table::kLeftRealm))},
      {Field::kRealmBlockNext, Field::kRealmBlockBytes,
       std::min(length_of(root, Field::kRealmBlockStride), length_of(root, Field::kRealmChunkStride))},
      {Field::kRealmChunkUsed, Field::kRealmChunkSlabs, length_of(root, Field::kRealmChunkStride)},
      {Field::kRealmSlabClass, Field::kRealmSlabMade, length_of(root, Field::kRealmSlabStride)},
      {Field::kRealmFirst, Field::kRealmFirst,
       std::min(length_of(root, Field::kRealmStride), stride(Table::kLeftRealm))},
      {Field::kRealmSlabFree, Field::kRealmSlabFree, length_of(root, Field::kRealmSlabStride)},
      {Field::kSlobBase, Field::kSlobStarts, length_of(root, Field::kSlobStride)},
  };
  for (const Group& group : groups) {
    for (auto f = static_cast<unsigned>(group.first); f <= static_cast<unsigned>(group.last); ++f) {
      if (end_of(root, static_cast<Field>(f)) > group.bytes) return false;
    }
  }
  constexpr std::uint64_t kText = 2 * sizeof(std::uint64_t);  // a text's length and address
  return length_of(root, Field::kNamedCache) == cache && length_of(root, Field::kOptionName) == kText &&
         length_of(root, Field::kOptionUnit) == kText &&
         length_of(root, Field::kSectionNamed) <= sizeof(std::uint16_t) && shifts_fit(root) && arrays_fit(root);
}

}  // namespace

bool holds_together(const format::Root& root) {
  // tables that are read as lists of addresses, or as two words per entry
  constexpr Table kWords[] = {Table::kNamedCaches, Table::kAreas, Table::kSections, Table::kOptionTable};
  const bool words_fit = std::all_of(std::begin(kWords), std::end(kWords), [&root](Table t) {
    return root.tables[static_cast<unsigned>(t)].stride >= sizeof(std::uint64_t);
  });
  return root.classes != 0 && words_fit && tables_fit(root) && fields_fit(root) &&
         root.tables[static_cast<unsigned>(Table::kCaches)].count >= root.classes;
}

}  // namespace ashlar::reader

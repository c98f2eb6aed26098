// stats: the contents of the root block, which say where each layer keeps its tables. This is the only place that uses
// the layers' private headers, because a reader from outside needs them. The process itself neither runs nor touches
// any of it.
#include <cstddef>

#include "check/guarded_pages.h"
#include "heap/bins.h"
#include "heap/named_bins.h"
#include "heap/realm.h"
#include "page/nodes.h"
#include "page/request.h"
#include "page/store.h"
#include "page/swap_area.h"
#include "page/zone.h"
#include "profile/slots.h"
#include "slab/cache.h"
#include "slab/slob_block.h"
#include "slab/stock.h"
#include "stats/format.h"
#include "vmalloc/areas.h"

// A reader copies pointers and views, so their own sizes are meant. The macro's arguments are names.
// NOLINTBEGIN(bugprone-sizeof-expression,bugprone-sizeof-container,bugprone-macro-parentheses)
namespace ashlar {

namespace {

constinit const Options option_defaults;

template <class T>
constexpr format::TableInfo table(const T* start, std::size_t count) {
  return {start, static_cast<std::uint32_t>(sizeof(T)), static_cast<std::uint32_t>(count)};
}

// Returns the units for a field that is too large for units of a byte (format::unit_of).
constexpr std::uint16_t in_words(std::size_t bytes) { return static_cast<std::uint16_t>((bytes + 7) / 8); }
static_assert(offsetof(heap::NamedBins, room) % 8 == 0 && offsetof(heap::NamedBins, bins) % 8 == 0 &&
                  sizeof(heap::NamedBins) / 8 <= UINT16_MAX,
              "where bins of named caches lie is told in words");

constexpr auto kTables = static_cast<std::uint16_t>(format::Table::kCount);
constexpr auto kFieldRows = static_cast<std::uint16_t>(format::Field::kCount);

}  // namespace

// GCC supports offsetof of private members and of mixed access, which the standard leaves undefined.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

struct RootLayout {
  using Zone = page::Zone;
  using Page = page::Page;
  using Field = format::Field;
  using Table = format::Table;

  using Loaded = decltype(heap::Heap::loaded);

  struct FieldRow {
    Field field;
    format::FieldInfo info;
  };
  struct TableRow {
    Table table;
    format::TableInfo info;
  };

#define ASHLAR_AT(type, member) \
  { static_cast<std::uint16_t>(offsetof(type, member)), sizeof(static_cast<type*>(nullptr)->member) }

  static constexpr FieldRow kFields[] = {
      {Field::kArenaBase, ASHLAR_AT(page::Arena, base)},
      {Field::kArenaPages, ASHLAR_AT(page::Arena, pages)},
      {Field::kArenaZone, ASHLAR_AT(page::Arena, zone)},
      {Field::kArenaDescriptors, ASHLAR_AT(page::Arena, descriptors)},
      {Field::kArenaDirty, ASHLAR_AT(page::Arena, dirty)},
      {Field::kPageState, ASHLAR_AT(Page, state)},
      {Field::kPageOrder, ASHLAR_AT(Page, order)},
      {Field::kSlabClass, ASHLAR_AT(Page, slab.size_class)},
      {Field::kSlabFirstFree, ASHLAR_AT(Page, slab.first_free)},
      {Field::kSlabFreeCount, ASHLAR_AT(Page, slab.free_count)},
      {Field::kSlabInUse, ASHLAR_AT(Page, slab.in_use)},
      {Field::kSlabCapacity, ASHLAR_AT(Page, slab.capacity)},
      {Field::kFreeAge, ASHLAR_AT(Page, free_block.since)},
      {Field::kFreeDirty, ASHLAR_AT(Page, free_block.dirty_pages)},
      {Field::kRunPages, ASHLAR_AT(Page, run.pages)},
      {Field::kExtentAge, ASHLAR_AT(Page, extent.since)},
      {Field::kExtentPages, ASHLAR_AT(Page, extent.pages)},
      {Field::kZonePresent, ASHLAR_AT(Zone, present_)},
      {Field::kZoneFree, ASHLAR_AT(Zone, free_)},
      {Field::kZoneDirtyFree, ASHLAR_AT(Zone, dirty_free_)},
      {Field::kZoneIsolated, ASHLAR_AT(Zone, isolated_pages_)},
      {Field::kZoneMaxLive, ASHLAR_AT(Zone, max_live_)},
      {Field::kZoneHeight, ASHLAR_AT(Zone, feedback_.height_)},
      {Field::kZoneHigh, ASHLAR_AT(Zone, high_)},
      {Field::kZoneLow, ASHLAR_AT(Zone, low_)},
      {Field::kZoneHold, ASHLAR_AT(Zone, feedback_.hold_)},
      {Field::kZoneRefaults, ASHLAR_AT(Zone, feedback_.refaults_)},
      {Field::kZonePatience, ASHLAR_AT(Zone, feedback_.patience_)},
      {Field::kZonePurged, ASHLAR_AT(Zone, purged_)},
      {Field::kZoneLast, ASHLAR_AT(Zone, last_)},
      {Field::kZoneRest, ASHLAR_AT(Zone, rest_)},
      {Field::kZoneRestEnd, ASHLAR_AT(Zone, rest_end_)},
      {Field::kZoneReserved, ASHLAR_AT(Zone, reserved_start_)},
      {Field::kZoneReservedEnd, ASHLAR_AT(Zone, reserved_end_)},
      {Field::kZoneNode, ASHLAR_AT(Zone, node_)},
      {Field::kZoneHuge, ASHLAR_AT(Zone, huge)},
      {Field::kZoneAdvised, ASHLAR_AT(Zone, advised)},
      {Field::kZoneRefused, ASHLAR_AT(Zone, advice_refused)},
      {Field::kZoneFromPool, ASHLAR_AT(Zone, from_pool)},
      {Field::kSwapZone, ASHLAR_AT(page::SwapArea, zone)},
      {Field::kSwapBase, ASHLAR_AT(page::SwapArea, base)},
      {Field::kSwapBytes, ASHLAR_AT(page::SwapArea, bytes)},
      {Field::kSwapKey, ASHLAR_AT(page::SwapArea, key)},
      {Field::kSwapPriority, ASHLAR_AT(page::SwapArea, priority)},
      {Field::kSwapPath, ASHLAR_AT(page::SwapArea, path)},
      {Field::kSwapStride, {0, sizeof(page::SwapArea)}},
      {Field::kCacheSlabs, ASHLAR_AT(slab::Cache, slabs)},
      {Field::kCachePages, ASHLAR_AT(slab::Cache, pages)},
      {Field::kCacheCapacity, ASHLAR_AT(slab::Cache, capacity)},
      {Field::kCacheOut, ASHLAR_AT(slab::Cache, out)},
      {Field::kCacheDepotCount, ASHLAR_AT(slab::Cache, depot_count)},
      {Field::kCacheDepotObjects, ASHLAR_AT(slab::Cache, depot_objects)},
      {Field::kCacheDepot, ASHLAR_AT(slab::Cache, depot)},
      {Field::kCacheOthers, ASHLAR_AT(slab::Cache, others)},
      {Field::kCacheStride, {0, sizeof(slab::Cache)}},
      {Field::kNamedCache, {static_cast<std::uint16_t>(offsetof(slab::WholeNamedCache, cache)), sizeof(slab::Cache)}},
      {Field::kNamedSize, ASHLAR_AT(slab::WholeNamedCache, info.size)},
      {Field::kNamedLink, ASHLAR_AT(slab::WholeNamedCache, info.link)},
      {Field::kHandleNext, ASHLAR_AT(slab::Handle, next)},
      {Field::kHandleNumber, ASHLAR_AT(slab::Handle, number)},
      {Field::kHandleName, ASHLAR_AT(slab::Handle, name)},
      {Field::kHandleChecks, ASHLAR_AT(slab::Handle, checks)},
      {Field::kMagazineFirst, ASHLAR_AT(slab::Magazine, first)},
      {Field::kMagazineCount, ASHLAR_AT(slab::Magazine, count)},
      {Field::kMagazineStride, {0, sizeof(slab::Magazine)}},
      {Field::kHeapNext, ASHLAR_AT(heap::Heap, next)},
      {Field::kHeapFirst, {offsetof(heap::Heap, loaded), heap::kBins* Loaded::kFirstStride}},
      {Field::kHeapRoom,
       {offsetof(heap::Heap, loaded) + Loaded::kRoomOffset, (heap::kBins - 1) * Loaded::kRoomStride + 2}},
      {Field::kHeapBusy, ASHLAR_AT(heap::Heap, busy)},
      {Field::kHeapPromised, ASHLAR_AT(heap::Heap, promised)},
      {Field::kHeapBins, ASHLAR_AT(heap::Heap, bins)},
      {Field::kHeapSize, {0, sizeof(heap::Heap)}},
      {Field::kBinPrevious, ASHLAR_AT(heap::Bin, previous)},
      {Field::kBinPreviousCount, ASHLAR_AT(heap::Bin, previous_count)},
      {Field::kBinCapacity, ASHLAR_AT(heap::Bin, capacity)},
      {Field::kBinLimit, ASHLAR_AT(heap::Bin, limit)},
      {Field::kBinStride, {0, sizeof(heap::Bin)}},
      {Field::kHeapNamed, ASHLAR_AT(heap::Heap, named)},
      {Field::kNamedBinsFirst, {in_words(offsetof(heap::NamedBins, first)), 0}},
      {Field::kNamedBinsRoom, {in_words(offsetof(heap::NamedBins, room)), 0}},
      {Field::kNamedBinsBins, {in_words(offsetof(heap::NamedBins, bins)), 0}},
      {Field::kNamedBinsSize, {0, in_words(sizeof(heap::NamedBins))}},
      {Field::kNamedBinPrevious, ASHLAR_AT(heap::NamedBin, previous)},
      {Field::kNamedBinPreviousCount, ASHLAR_AT(heap::NamedBin, previous_count)},
      {Field::kNamedBinCapacity, ASHLAR_AT(heap::NamedBin, capacity)},
      {Field::kNamedBinLimit, ASHLAR_AT(heap::NamedBin, limit)},
      {Field::kNamedBinStride, {0, sizeof(heap::NamedBin)}},
      {Field::kAreaNext, ASHLAR_AT(vmalloc::Area, next)},
      {Field::kAreaStart, ASHLAR_AT(vmalloc::Area, start)},
      {Field::kAreaBytes, ASHLAR_AT(vmalloc::Area, bytes)},
      {Field::kAreaKept, ASHLAR_AT(vmalloc::Area, kept)},
      {Field::kStoreNext, ASHLAR_AT(page::Store, next)},
      {Field::kStoreNewest, ASHLAR_AT(page::Store, newest)},
      {Field::kStoreOlder, ASHLAR_AT(page::StoreMapping, older)},
      {Field::kStoreBytes, ASHLAR_AT(page::StoreMapping, bytes)},
      {Field::kSectionNamed, {offsetof(page::Section, named) / kPageBytes, sizeof(CacheNumber)}},
      {Field::kOptionName, ASHLAR_AT(OptionInfo, name)},
      {Field::kOptionType, ASHLAR_AT(OptionInfo, type)},
      {Field::kOptionUnit, ASHLAR_AT(OptionInfo, unit)},
      {Field::kOptionValue, ASHLAR_AT(OptionInfo, place)},
      {Field::kSpanStart, ASHLAR_AT(check::Span, start)},
      {Field::kSpanBytes, ASHLAR_AT(check::Span, bytes)},
      {Field::kSpanCells, ASHLAR_AT(check::Span, cells)},
      {Field::kSpanSlotBytes, ASHLAR_AT(check::Span, slot_bytes)},
      {Field::kSpanCapacity, ASHLAR_AT(check::Span, capacity)},
      {Field::kSpanClass, ASHLAR_AT(check::Span, slot_class)},
      {Field::kSpanFreeBits, ASHLAR_AT(check::Span, free_bits)},
      {Field::kSpanOf, ASHLAR_AT(check::Span, of)},
      {Field::kSpanNext, ASHLAR_AT(check::Span, next_of_all)},
      {Field::kSpanStride, {0, sizeof(check::Span)}},
      {Field::kSpanHeader, {0, check::kSpanHeader}},
      {Field::kSlotsOwner, ASHLAR_AT(check::Slots, owner)},
      {Field::kCellSize, {0, check::kSizeBits}},
      {Field::kCellOffset, {check::kSizeBits, check::kOffsetBits}},
      {Field::kCellState, {check::kSizeBits + check::kOffsetBits, check::kStateBits}},
      {Field::kGuardedStart, ASHLAR_AT(check::Guarded, start)},
      {Field::kGuardedBytes, ASHLAR_AT(check::Guarded, bytes)},
      {Field::kGuardedBlock, ASHLAR_AT(check::Guarded, block)},
      {Field::kGuardedRequested, ASHLAR_AT(check::Guarded, size)},
      {Field::kGuardedState, ASHLAR_AT(check::Guarded, state)},
      {Field::kGuardedOwner, ASHLAR_AT(check::Guarded, owner)},
      {Field::kGuardedNext, ASHLAR_AT(check::Guarded, next_of_all)},
      {Field::kGuardedStride, {0, sizeof(check::Guarded)}},
      {Field::kRunOwner, ASHLAR_AT(Page, owner)},
      {Field::kRunOwned, ASHLAR_AT(Page, run.owned)},
      {Field::kSlobBase, ASHLAR_AT(slob::Block, base)},
      {Field::kSlobUsed, ASHLAR_AT(slob::Block, used)},
      {Field::kSlobStarts, ASHLAR_AT(slob::Block, start)},
      {Field::kSlobStride, {0, sizeof(slob::Block)}},
      {Field::kStockShelves, ASHLAR_AT(slab::Stock, shelves)},
      {Field::kShelfStride, {0, slab::kShelf * sizeof(slab::Place)}},
      {Field::kPlaceFirst, {0, kAddressBits}},
      {Field::kPlaceCount, {slab::kCountShift, 64 - slab::kCountShift}},
      {Field::kHeapClassMap, ASHLAR_AT(heap::Heap, class_of_granules)},
      {Field::kHeapCounts, ASHLAR_AT(heap::Heap, counts)},
      {Field::kOptionChanges, ASHLAR_AT(OptionInfo, changes)},
      {Field::kOptionsOrigins, ASHLAR_AT(Options, origins)},
      {Field::kOptionsPattern, ASHLAR_AT(Options, profile_pattern)},
      {Field::kRequestNumber, ASHLAR_AT(page::Request, number)},
      {Field::kRequestKind, ASHLAR_AT(page::Request, kind)},
      {Field::kRequestAnswered, ASHLAR_AT(page::Request, answered)},
      {Field::kRequestResult, ASHLAR_AT(page::Request, result)},
      {Field::kRequestText, ASHLAR_AT(page::Request, text)},
      {Field::kRequestAnswer, ASHLAR_AT(page::Request, answer)},
      {Field::kProfileRate, ASHLAR_AT(profile::State, rate)},
      {Field::kProfileDropped, ASHLAR_AT(profile::State, dropped)},
      {Field::kProfileStarted, ASHLAR_AT(profile::State, started_ms)},
      {Field::kProfileThreads, {offsetof(profile::State, threads.chunks), profile::kThreadsPerChunk}},
      {Field::kProfileStacks, {offsetof(profile::State, stacks.chunks), profile::kWordsPerChunk}},
      {Field::kProfileBuckets, {offsetof(profile::State, buckets.chunks), profile::kBucketsPerChunk}},
      {Field::kProfileThreadsUsed, ASHLAR_AT(profile::State, threads.used)},
      {Field::kProfileStacksUsed, ASHLAR_AT(profile::State, stacks.used)},
      {Field::kProfileBucketsUsed, ASHLAR_AT(profile::State, buckets.used)},
      {Field::kProfiledThreadNumber, ASHLAR_AT(profile::Thread, number)},
      {Field::kProfiledThreadName, ASHLAR_AT(profile::Thread, name)},
      {Field::kProfiledThreadStride, {0, sizeof(profile::Thread)}},
      {Field::kBucketStack, ASHLAR_AT(profile::Bucket, stack)},
      {Field::kBucketThread, ASHLAR_AT(profile::Bucket, thread)},
      {Field::kBucketClass, ASHLAR_AT(profile::Bucket, size_class)},
      {Field::kBucketAllocated, ASHLAR_AT(profile::Bucket, allocated)},
      {Field::kBucketFreed, ASHLAR_AT(profile::Bucket, freed)},
      {Field::kBucketStride, {0, sizeof(profile::Bucket)}},
      {Field::kOptionsRecordPath, ASHLAR_AT(Options, record_path)},
      {Field::kOptionMin, ASHLAR_AT(OptionInfo, min)},
      {Field::kOptionMax, ASHLAR_AT(OptionInfo, max)},
      {Field::kProfileRecords, {offsetof(profile::State, records.chunks) / 8, profile::kRecordsPerChunk}},
      {Field::kProfileRecordsUsed, {offsetof(profile::State, records.used) / 8, sizeof(std::uint32_t)}},
      {Field::kRecordAddress, ASHLAR_AT(profile::Record, address)},
      {Field::kRecordRequested, ASHLAR_AT(profile::Record, requested)},
      {Field::kRecordBucket, ASHLAR_AT(profile::Record, bucket)},
      {Field::kRecordStride, {0, sizeof(profile::Record)}},
      {Field::kSampledStart, ASHLAR_AT(profile::Slots, start)},
      {Field::kSampledClass, ASHLAR_AT(profile::Slots, size_class)},
      {Field::kSampledUsed, ASHLAR_AT(profile::Slots, used)},
      {Field::kSampledStride, {0, sizeof(profile::Slots)}},
      {Field::kRealmNext, ASHLAR_AT(heap::Realm, next)},
      {Field::kRealmName, ASHLAR_AT(heap::Realm, name)},
      {Field::kRealmOwner, ASHLAR_AT(heap::Realm, owner)},
      {Field::kRealmLoaded, ASHLAR_AT(heap::Realm, loaded)},
      {Field::kRealmOpen, ASHLAR_AT(heap::Realm, open)},
      {Field::kRealmFull, ASHLAR_AT(heap::Realm, full)},
      {Field::kRealmLarge, ASHLAR_AT(heap::Realm, large)},
      {Field::kRealmBytes, ASHLAR_AT(heap::Realm, bytes)},
      {Field::kRealmMaxBytes, ASHLAR_AT(heap::Realm, max_bytes)},
      {Field::kRealmLimit, ASHLAR_AT(heap::Realm, limit)},
      {Field::kRealmStride, {0, sizeof(heap::Realm)}},
      {Field::kRealmBlockNext, ASHLAR_AT(heap::RealmBlock, next)},
      {Field::kRealmBlockStart, ASHLAR_AT(heap::RealmBlock, start)},
      {Field::kRealmBlockBytes, ASHLAR_AT(heap::RealmBlock, bytes)},
      {Field::kRealmBlockStride, {0, sizeof(heap::RealmBlock)}},
      {Field::kRealmChunkUsed, ASHLAR_AT(heap::RealmChunk, used)},
      {Field::kRealmChunkHead, ASHLAR_AT(heap::RealmChunk, head)},
      {Field::kRealmChunkSlabs, ASHLAR_AT(heap::RealmChunk, slabs)},
      {Field::kRealmChunkStride, {0, sizeof(heap::RealmChunk)}},
      {Field::kRealmSlabClass, ASHLAR_AT(heap::RealmSlab, size_class)},
      {Field::kRealmSlabInUse, ASHLAR_AT(heap::RealmSlab, in_use)},
      {Field::kRealmSlabMade, ASHLAR_AT(heap::RealmSlab, made)},
      {Field::kRealmSlabStride, {0, sizeof(heap::RealmSlab)}},
      {Field::kRealmFirst, ASHLAR_AT(heap::Realm, first)},
      {Field::kRealmSlabFree, ASHLAR_AT(heap::RealmSlab, free)},
  };
#undef ASHLAR_AT

  static consteval format::Root root() {
    const TableRow tables[] = {
        {Table::kArenas, table(page::arenas, page::kMaxArenas)},
        {Table::kZones, table(&page::normal_zone, 1)},
        {Table::kCaches, table(slab::caches, slab::kClasses)},
        {Table::kNamedCaches, table(slab::named_caches, slab::kNumbers)},
        {Table::kHandles, table(&slab::registry.handles, 1)},
        {Table::kNodes, table(&page::nodes.published, 1)},
        {Table::kHeaps, table(&heap::heaps.live, 1)},
        {Table::kHeapState, table(&heap::heaps.first_taken, 1)},
        {Table::kAreas, table(vmalloc::table.buckets, vmalloc::kBuckets + 1)},
        {Table::kStore, table(&page::store, 1)},
        {Table::kSections, table(page::root.offset, page::kSections)},
        {Table::kNowhere, table(page::root.nowhere, page::kSectionPages)},
        {Table::kOptions, table(&options, 1)},
        {Table::kOptionDefaults, table(&option_defaults, 1)},
        {Table::kOptionTable, {&option_rows, sizeof(OptionInfo), 1}},
        {Table::kSpans, table(&check::spans.every, 1)},
        {Table::kGuarded, table(&check::guarded_blocks.every, 1)},
        {Table::kStocks, table(slab::stocks, slab::kStocks)},
        {Table::kRequest, table(&page::request, 1)},
        {Table::kRequestState, table(&page::answering.state, 1)},
        {Table::kProfileOn, table(&profile::control.rate, 1)},
        {Table::kProfile, table(&profile::state, 1)},
        {Table::kPressure, table(&page::signals.pressure, 1)},
        {Table::kSwapAreas, table(page::swap_areas, page::kMaxSwapAreas)},
        {Table::kRealms, table(&heap::realms.live, 1)},
        {Table::kLeftRealm, table(&heap::left_realm, 1)},
    };
    static_assert(std::size(tables) == kTables && std::size(kFields) == kFieldRows, "each has its row");

    format::Root r{};
    for (unsigned i = 0; i < sizeof r.magic; ++i) r.magic[i] = format::kMagic[i];
    r.self = &ashlar_root;
    r.version = format::kVersion;
    r.bytes = sizeof r;
    constexpr std::string_view kName = ASHLAR_VERSION;
    static_assert(kName.size() < sizeof r.library_version);
    for (std::size_t i = 0; i < kName.size(); ++i) r.library_version[i] = kName[i];
    r.page_shift = kPageShift;
    r.classes = slab::kClasses;
    r.tables_used = kTables;
    r.fields_used = kFieldRows;
    for (const TableRow& row : tables) r.tables[static_cast<unsigned>(row.table)] = row.info;
    for (const FieldRow& row : kFields) r.fields[static_cast<unsigned>(row.field)] = row.info;
    for (unsigned c = 1; c < slab::kClasses; ++c) {
      r.class_sizes[c] = static_cast<std::uint16_t>(slab::kClassTable[c].size);
    }
    return r;
  }
};

static_assert(slab::kClasses <= format::kMaxClasses && slab::kMaxSmall <= 0xffff, "class_sizes holds all");
static_assert(static_cast<unsigned>(page::PageState::kPcp) == static_cast<unsigned>(format::PageState::kPcp) &&
                  static_cast<unsigned>(page::PageState::kSlab) == static_cast<unsigned>(format::PageState::kSlab) &&
                  static_cast<unsigned>(page::PageState::kRun) == static_cast<unsigned>(format::PageState::kRun) &&
                  page::kNoObject == format::kNoObject,
              "states of pages mean the same to a reader");
static_assert(static_cast<unsigned>(check::State::kFresh) == static_cast<unsigned>(format::CellState::kFresh) &&
                  static_cast<unsigned>(check::State::kMoving) == static_cast<unsigned>(format::CellState::kMoving) &&
                  static_cast<unsigned>(check::State::kLive) == static_cast<unsigned>(format::CellState::kLive) &&
                  static_cast<unsigned>(check::State::kFreed) == static_cast<unsigned>(format::CellState::kFreed),
              "states of checked blocks mean the same to a reader");
static_assert(static_cast<unsigned>(page::RequestState::kNoThread) ==
                      static_cast<unsigned>(format::RequestState::kNoThread) &&
                  static_cast<unsigned>(page::RequestState::kTaken) ==
                      static_cast<unsigned>(format::RequestState::kTaken) &&
                  static_cast<unsigned>(Origin::kUserFile) == static_cast<unsigned>(format::Origin::kUserFile),
              "states of requests and origins of options mean the same to a reader");
static_assert(heap::kSpanClass == 255 && heap::kRealmClasses <= slab::kClasses, "a reader tells spans from slabs");
static_assert(sizeof(profile::Sums) == 4 * sizeof(std::uint64_t), "three of double and a number");
static_assert(sizeof(std::string_view) == 2 * sizeof(void*), "an option's name is a length and an address");

}  // namespace ashlar

// Retained although nothing in the process refers to it, since a linker that drops unused sections does not know the
// reader.
extern "C" {
[[gnu::used, gnu::retain]] constinit const ashlar::format::Root ashlar_root = ashlar::RootLayout::root();
}
// NOLINTEND(bugprone-sizeof-expression,bugprone-sizeof-container,bugprone-macro-parentheses)

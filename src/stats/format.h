// stats: the root block, from which a reader outside of the process finds everything else. The library exports it as
// `ashlar_root`. It is in the relocated data, so core files contain it too. It starts at a multiple of 16 bytes and is
// recognised by its magic and its own address. This header is all that the `ashlar` command knows of the allocator: the
// block says where each table starts, how its entries follow each other, and where in an entry a field is.
//
//   Root ── self, version ──► is it one, can it be read
//        ── tables[Table]   ──► address, stride, count
//        ── fields[Field]   ──► offset and size within an entry
//        ── class_sizes     ──► bytes of each size class's objects
//
// A change of a structure's layout changes the numbers in the block, and no reader. A change of meaning (another list
// in the place of a table, another state of a page) is a new kVersion. New rows are added at the ends of Table and
// Field and are no change of meaning: a reader uses the rows that it knows, and does without those that a block lacks.
#pragma once

#include <cstdint>

namespace ashlar::format {

inline constexpr char kMagic[16] = {'A', 's', 'h', 'l', 'a', 'r', '\x7f', 'r', 'o', 'o', 't', '\r', '\n', '\x1a', 0, 1};
inline constexpr std::uint32_t kVersion = 3;
inline constexpr std::uint32_t kOldestVersion = 1;  // same meaning as kVersion, with fewer rows

enum class Table : std::uint16_t {
  kArenas,       // entries in use first; an entry without descriptors ends them
  kZones,        // the first node's; arenas lead to the others
  kCaches,       // one per size class, class 0 unused
  kNamedCaches,  // addresses of named caches by number; 0: none
  kHandles,      // of named caches: the list, its first word leads to the first
  kNodes,        // a 32-bit word: the number of nodes less one
  kHeaps,        // the list of live heaps: its first word leads to the first
  kHeapState,    // one byte: whether a heap was ever taken
  kAreas,        // the buckets of vmalloc's table, each a chain
  kStore,        // the store of metadata
  // Offsets of sections from kNowhere; 0: none. A section holds bytes for each of its pages, of which the first is the
  // class of its slab.
  kSections,
  kNowhere,         // the page table of zeros; count: the pages of a section, a power of two
  kOptions,         // the values
  kOptionDefaults,  // the same structure with the defaults
  kOptionTable,     // names and places of the values: a word that leads to the first, a word with their number
  // Rows of version 2.
  kSpans,         // of checked blocks: a word that leads to the first; they are never unlinked
  kGuarded,       // checked blocks with pages of their own: like kSpans
  kStocks,        // addresses of processors' stocks of magazines, 0: none
  kRequest,       // where a request is written
  kRequestState,  // a 32-bit word, RequestState; written last
  kProfileOn,     // a 64-bit word: the bytes per sample while a profile is on, or 0
  kProfile,       // a word that leads to the profile's tables; 0: none
  kPressure,      // one byte, os::Pressure: how short of memory the system was when last read
  kSwapAreas,     // addresses of swap areas in the order of creation; 0: none
  kRealms,        // heaps that programs make: the list, its first word leads to the newest
  kLeftRealm,     // the realm that has the blocks of deleted heaps
  kCount,
};

enum class Field : std::uint16_t {
  kArenaBase,
  kArenaPages,
  kArenaZone,
  kArenaDescriptors,
  kArenaDirty,
  kPageState,
  kPageOrder,
  kSlabClass,
  kSlabFirstFree,
  kSlabFreeCount,
  kSlabInUse,
  kSlabCapacity,
  kFreeAge,
  kFreeDirty,
  kRunPages,
  kExtentAge,
  kExtentPages,
  kZonePresent,
  kZoneFree,
  kZoneDirtyFree,
  kZoneIsolated,
  kZoneMaxLive,
  kZoneHeight,
  kZoneHigh,      // how many dirty free pages may stay, as of the last free of pages
  kZoneHold,      // how many of these stay because of refaults
  kZoneRefaults,  // refaults in pages since the start
  kZonePatience,  // 1 while decay_ms is doubled
  kZonePurged,
  kZoneLast,
  kZoneRest,
  kZoneRestEnd,
  kZoneReserved,
  kZoneReservedEnd,
  kZoneNode,
  kCacheSlabs,
  kCachePages,
  kCacheCapacity,
  kCacheOut,
  kCacheDepotCount,
  kCacheDepotObjects,
  kCacheDepot,
  kCacheOthers,  // the cache's parts on other nodes, by node; 0: none
  kCacheStride,  // size: bytes of a cache
  kNamedCache,   // in a named cache: its cache
  kNamedSize,    // bytes of an object
  kNamedLink,    // offset in a free object of the address of the next one's link
  kHandleNext,
  kHandleNumber,
  kHandleName,
  kMagazineFirst,
  kMagazineCount,
  kMagazineStride,  // size: bytes of a magazine in the depot
  kHeapNext,
  kHeapFirst,  // 8 bytes a bin, 2 of room; where a bin's room follows its first object, both are 16 bytes apart
  kHeapRoom,
  kHeapBusy,
  kHeapPromised,
  kHeapBins,
  kHeapSize,  // size: bytes of a heap
  kBinPrevious,
  kBinPreviousCount,
  kBinCapacity,
  kBinLimit,
  kBinStride,       // size: bytes of a bin
  kHeapNamed,       // bins of named caches; 0: none
  kNamedBinsFirst,  // this and the next three: see unit_of
  kNamedBinsRoom,
  kNamedBinsBins,
  kNamedBinsSize,  // size: bytes of all
  kNamedBinPrevious,
  kNamedBinPreviousCount,
  kNamedBinCapacity,
  kNamedBinLimit,
  kNamedBinStride,  // size: bytes of a named bin
  kAreaNext,
  kAreaStart,
  kAreaBytes,
  kAreaKept,  // a byte: the area is free, and kept for new blocks
  kStoreNext,
  kStoreNewest,
  kStoreOlder,
  kStoreBytes,
  kSectionNamed,  // offset in pages: the numbers of named caches; size: bytes per page
  kOptionName,    // length and address of the text, in either order
  // 0 flag, 1 number, 2 bytes, 3 choice, 4 bits of slab_debug, 5 a percentage (failslab), 6 rate in bytes, 7 length of
  // a text, 8 number of areas (swap).
  kOptionType,
  kOptionUnit,   // text; for a flag or a choice, the values' names separated by '|'
  kOptionValue,  // offset of the value within kOptions
  // Rows of version 2.
  kSpanStart,  // 0: the span is not in use
  kSpanBytes,
  kSpanCells,  // a cell of 4 bytes for each slot
  kSpanSlotBytes,
  kSpanCapacity,
  kSpanClass,
  kSpanFreeBits,  // a bit for each slot that no shard has taken
  kSpanOf,        // what all spans of its slot size, or of its named cache, share
  kSpanNext,
  kSpanStride,  // size: bytes of a span's record
  kSpanHeader,  // size: bytes before its first slot
  kSlotsOwner,  // in it: the handle of the named cache; 0: malloc's
  kCellSize,    // in a cell, like the next two: first bit and number of bits; the requested size
  kCellOffset,  // the offset of the block in its slot, in units of 16 bytes
  kCellState,   // CellState
  kGuardedStart,
  kGuardedBytes,
  kGuardedBlock,
  kGuardedRequested,
  kGuardedState,  // CellState
  kGuardedOwner,
  kGuardedNext,
  kGuardedStride,  // size: bytes of a record
  kRunOwner,       // of a run's first page: slob's record of the run, if it is slob's
  kSlobBase,       // the address of its pages
  kSlobUsed,       // a bit for each 16 bytes: whether they are allocated
  kSlobStarts,     // a bit for each 16 bytes: whether an object starts there
  kSlobStride,     // size: bytes of a record
  kStockShelves,   // offset of the size classes' shelves; size: bytes of all
  kShelfStride,    // size: bytes of a shelf, which is full of places
  kPlaceFirst,  // in a place of 8 bytes, as the next: the first bit and the number of bits; the first object's address
  kPlaceCount,  // and the number of objects; 0: the place is empty
  kHeapClassMap,    // a byte for each 16 bytes of a size: the bin that malloc takes from
  kHeapCounts,      // a byte: malloc uses the bins that follow those of the classes
  kOptionChanges,   // 1: the option may change at run time
  kOptionsOrigins,  // in kOptions: a byte for each row, Origin
  kOptionsPattern,  // the address of the text of profile_file, whose value is the text's length
  kRequestNumber,
  kRequestKind,  // RequestKind
  kRequestAnswered,
  kRequestResult,  // RequestResult
  kRequestText,    // like the next, a text that ends with a zero byte
  kRequestAnswer,
  kProfileRate,
  kProfileDropped,
  kProfileStarted,
  kProfileThreads,  // like the next two: the addresses of chunks; size: elements per chunk
  kProfileStacks,   // words: next << 32 | depth, then the return addresses
  kProfileBuckets,
  kProfileThreadsUsed,  // elements in use, including that of index 0
  kProfileStacksUsed,
  kProfileBucketsUsed,
  kProfiledThreadNumber,
  kProfiledThreadName,
  kProfiledThreadStride,  // size: bytes of a thread
  kBucketStack,
  kBucketThread,
  kBucketClass,
  kBucketAllocated,  // like the next: doubles for blocks, requested and usable bytes; a number of samples
  kBucketFreed,
  kBucketStride,       // size: bytes of a bucket
  kOptionsRecordPath,  // like kOptionsPattern, for the option record
  kProfileRecords,     // like kProfileBuckets, the next like kProfileBucketsUsed; offsets in units of 8 bytes
  kProfileRecordsUsed,
  kRecordAddress,  // the address of a live sample; 0: none
  kRecordRequested,
  kRecordBucket,
  kRecordStride,   // size: bytes of a record
  kSampledStart,   // in slots of samples, which a run's kRunOwner leads to: the run's address
  kSampledClass,   // the size class of a slot
  kSampledUsed,    // a bit for each slot: whether it is taken. The first slot's is set; it holds no block
  kSampledStride,  // size: bytes of a record
  kZoneLow,        // how many dirty free pages stay after a purge for exceeding kZoneHigh
  kRunOwned,       // of a run's first page, a byte: the run holds blocks of a realm, and is no block itself
  kZoneHuge,       // a byte: whether it is its node's Huge zone
  kSwapZone,       // in a swap area: the address of its zone
  kSwapBase,
  kSwapBytes,
  kSwapKey,  // a signed number; below 0: the area is off
  kSwapPriority,
  kSwapPath,     // a text that ends with a zero byte; size: its limit
  kSwapStride,   // size: bytes of an area
  kRealmNext,    // in a realm, like the next
  kRealmName,    // a text that ends with a zero byte
  kRealmOwner,   // the thread that uses its bins; 0: none
  kRealmLoaded,  // 32 bits for each size class up to the largest of its slabs: objects in the owner's bin
  kRealmOpen,    // like the next two, a list whose first word leads to the first: chunks with free pages
  kRealmFull,    // chunks without free pages
  kRealmLarge,   // blocks with pages of their own
  kRealmBytes,
  kRealmMaxBytes,
  kRealmLimit,   // 0: none
  kRealmStride,  // size: bytes of a realm
  kRealmBlockNext,
  kRealmBlockStart,
  kRealmBlockBytes,
  kRealmBlockStride,  // size: bytes of a block
  kRealmChunkUsed,    // in a chunk, which is such a block: a bit for each page in a slab or a span
  kRealmChunkHead,    // a byte for each page in use: the first page of its slab
  kRealmChunkSlabs,   // a slab for each page, valid where a slab starts
  kRealmChunkStride,  // size: bytes of a chunk
  kRealmSlabClass,    // a byte; 255: a span, a block of whole pages
  kRealmSlabInUse,    // objects out: live, or in the owner's bins
  kRealmSlabMade,     // of a span, its pages
  kRealmSlabStride,   // size: bytes of one
  kZoneAdvised,       // in a zone: pages of blocks of which the kernel was told that they are idle
  kZoneRefused,       // the errno of the last time; 0: none
  kRealmFirst,        // of such a heap, an address for each class: the first object in the owner's bin
  kRealmSlabFree,     // the first free object, or 0; the first word of each leads to the next
  kHandleChecks,      // in a handle of a cache, a byte: what is checked, by the bits of the option slab_debug's letters
  kOptionMin,         // in the row of an option that is a number: the range of its values
  kOptionMax,
  kZoneFromPool,  // in a zone: pages of arenas in huge pages of the system's reserved pool
  kCount,
};
inline constexpr unsigned kFirstTables = static_cast<unsigned>(Table::kSpans);  // the tables of version 1
inline constexpr unsigned kFirstFields = static_cast<unsigned>(Field::kSpanStart);

// The state of a checked block's slot.
enum class CellState : std::uint8_t { kFresh, kMoving, kLive, kFreed };

// Which thread answers a request. Any other value means none.
enum class RequestState : std::uint32_t { kNone, kAsked, kTaken, kNoThread };

enum class RequestKind : std::uint32_t {
  kNone,
  kSet,        // an option: "name=value"
  kTrim,       // malloc_trim
  kRecord,     // write each call to the file of this path
  kEndRecord,  // end that
};

enum class RequestResult : std::uint32_t { kNone, kDone, kRefused };

// Where an option's value comes from.
enum class Origin : std::uint8_t { kDefault, kEnvironment, kMallopt, kRequest, kProgram, kSystemFile, kUserFile };

// What starts at a page.
enum class PageState : std::uint8_t {
  kNone,
  kFree,
  kIsolated,
  kIsolatedExtent,
  kSlab,
  kRun,
  kExtent,
  kExtentEnd,
  kPcp
};
inline constexpr std::uint16_t kNoObject = 0xffff;

struct TableInfo {
  const void* start;
  std::uint32_t stride;  // bytes from one entry to the next
  std::uint32_t count;
};

struct FieldInfo {
  std::uint16_t offset;
  std::uint16_t size;
};

// Returns the unit in bytes of a field's offset and size.
constexpr unsigned unit_of(std::uint32_t version, Field field) {
  return version >= 3 && field >= Field::kNamedBinsFirst && field <= Field::kNamedBinsSize ? 8 : 1;
}

inline constexpr unsigned kMaxClasses = 64;

struct alignas(16) Root {
  char magic[16];
  const Root* self;
  std::uint32_t version;  // kVersion
  std::uint32_t bytes;    // size of this block
  char library_version[16];
  std::uint16_t page_shift;
  std::uint16_t classes;  // including class 0
  std::uint16_t tables_used;
  std::uint16_t fields_used;
  TableInfo tables[static_cast<unsigned>(Table::kCount)];
  FieldInfo fields[static_cast<unsigned>(Field::kCount)];
  std::uint16_t class_sizes[kMaxClasses];
};

}  // namespace ashlar::format

// Hidden, because a program and a library that both link the archive have a block each.
extern "C" [[gnu::visibility("hidden")]] const ashlar::format::Root ashlar_root;

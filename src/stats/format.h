// stats: the root block, from which a reader outside of the process finds everything else. The library exports it as
// `ashlar_root`; it lies in its relocated data, so that it is in core files too, starts at a multiple of 16 bytes and
// is recognised by its magic and its own address. This header is all that the `ashlar` command knows of the
// allocator: the block says where each table starts, how its entries follow each other, and where in an entry a
// field lies.
//
//   Root ── self, version ──► is it one, can it be read
//        ── tables[Table]   ──► address, stride, count
//        ── fields[Field]   ──► offset and size within an entry
//        ── class_sizes     ──► bytes of each size class's objects
//
// A change of a structure's layout changes the numbers in the block, and no reader. A change of meaning (another list
// in the place of a table, another state of a page) is a new kVersion. New rows stand at the ends of Table and
// Field, and are no change of meaning: a reader takes the rows that it knows, and does without those that a block
// lacks.
#pragma once

#include <cstdint>

namespace ashlar::format {

inline constexpr char kMagic[16] = {'A', 's', 'h', 'l', 'a', 'r', '\x7f', 'r', 'o', 'o', 't', '\r', '\n', '\x1a', 0, 1};
inline constexpr std::uint32_t kVersion = 3;
inline constexpr std::uint32_t kOldestVersion = 1;  // that has the meaning of this one, though fewer rows

enum class Table : std::uint16_t {
  kArenas,       // entries in use first; one without descriptors ends them
  kZones,        // the first node's; the others are known by their arenas
  kCaches,       // one a size class, class 0 unused
  kNamedCaches,  // addresses of named caches by number, count of them, 0: none
  kHandles,      // of named caches: the list, its first word leads to the first
  kNodes,        // a 32-bit word: the number of nodes less one
  kHeaps,        // the live list: its first word leads to the first heap
  kHeapState,    // one byte: a heap was ever taken
  kAreas,        // the buckets of vmalloc's table, count of them, each a chain
  kStore,        // the store of metadata
  // Offsets of sections from kNowhere, count of them, 0: none. A section holds bytes for each of its pages: the class
  // of its slab first.
  kSections,
  kNowhere,         // the page table of zeros; count: a section's pages, a power of two
  kOptions,         // the values
  kOptionDefaults,  // and the same structure with the defaults
  kOptionTable,     // names and places of the values: a word that leads to the first, a word with their number
  // Rows of version 2.
  kSpans,         // of checked blocks: a word that leads to the first; they are never unlinked
  kGuarded,       // checked blocks with pages of their own: the same
  kStocks,        // addresses of processors' stocks of magazines, 0: none
  kRequest,       // where a request is written
  kRequestState,  // a 32-bit word, RequestState; the last to be written
  kProfileOn,     // a 64-bit word: the bytes to a sample while a profile is on, or 0
  kProfile,       // a word that leads to what the profile knows, 0: nothing
  kPressure,      // one byte, os::Pressure: how short of memory the system was at the last look
  kSwapAreas,     // addresses of swap areas, in the order in which they were made; 0: none
  kRealms,        // heaps that programs make: the list, its first word leads to the newest
  kLeftRealm,     // what has the blocks of such heaps that were deleted
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
  kZoneHigh,      // how many dirty free pages may stay, when pages came back last
  kZoneHold,      // of these, how many stay since pages were purged and wanted again
  kZoneRefaults,  // such pages since the start
  kZonePatience,  // 1 while decay_ms counts twice
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
  kNamedLink,    // from a free object's start to the address of the next one's link
  kHandleNext,
  kHandleNumber,
  kHandleName,
  kMagazineFirst,
  kMagazineCount,
  kMagazineStride,  // size: bytes of a magazine in the depot
  kHeapNext,
  kHeapFirst,
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
  kNamedBinsSize,  // size: of all
  kNamedBinPrevious,
  kNamedBinPreviousCount,
  kNamedBinCapacity,
  kNamedBinLimit,
  kNamedBinStride,  // size: bytes of one
  kAreaNext,
  kAreaStart,
  kAreaBytes,
  kAreaKept,  // a byte: it is free, and kept for blocks to come
  kStoreNext,
  kStoreNewest,
  kStoreOlder,
  kStoreBytes,
  kSectionNamed,  // offset in pages: the numbers of named caches; size: bytes a page
  kOptionName,    // length and address of the text, in either order
  // 0 flag, 1 number, 2 bytes, 3 choice, 4 bits of slab_debug, 5 a percentage (failslab), 6 rate in bytes, 7 length of
  // a text, 8 number of areas (swap).
  kOptionType,
  kOptionUnit,   // text; of a flag or a choice: the values' names, separated by '|'
  kOptionValue,  // offset of the value within kOptions
  // Rows of version 2.
  kSpanStart,  // 0: the span is not in use
  kSpanBytes,
  kSpanCells,  // a cell of 4 bytes for each slot
  kSpanSlotBytes,
  kSpanCapacity,
  kSpanClass,
  kSpanFreeBits,  // a bit for each slot that is at hand for nobody
  kSpanOf,        // what all spans of its slot size, or of its named cache, share
  kSpanNext,
  kSpanStride,  // size: bytes of a span's record
  kSpanHeader,  // size: bytes before its first slot
  kSlotsOwner,  // there: the handle of the named cache; 0: malloc's
  kCellSize,    // in a cell, as the next two: the first bit and the number of bits; what was asked for
  kCellOffset,  // of the block in its slot, in units of 16 bytes
  kCellState,   // CellState
  kGuardedStart,
  kGuardedBytes,
  kGuardedBlock,
  kGuardedRequested,
  kGuardedState,  // CellState
  kGuardedOwner,
  kGuardedNext,
  kGuardedStride,  // size: bytes of a record
  kRunOwner,       // of a run's first page: slob's record of it, if it is slob's
  kSlobBase,       // the address of its pages
  kSlobUsed,       // a bit for each 16 bytes: allocated
  kSlobStarts,     // and: an object starts there
  kSlobStride,     // size: bytes of a record
  kStockShelves,   // offset of the size classes' shelves; size: bytes of all
  kShelfStride,    // size: bytes of a shelf, which is full of places
  kPlaceFirst,  // in a place of 8 bytes, as the next: the first bit and the number of bits; the first object's address
  kPlaceCount,  // and the number of objects; 0: the place is empty
  kHeapClassMap,    // a byte for each 16 bytes of a size: the bin that malloc takes from
  kHeapCounts,      // a byte: malloc is led to the bins behind those of the classes
  kOptionChanges,   // 1: it may change at run time
  kOptionsOrigins,  // in kOptions: a byte for each row, Origin
  kOptionsPattern,  // the address of the text of the option profile_file, whose value is the text's length
  kRequestNumber,
  kRequestKind,  // RequestKind
  kRequestAnswered,
  kRequestResult,  // RequestResult
  kRequestText,    // as the next, a text that ends with a byte of zero
  kRequestAnswer,
  kProfileRate,
  kProfileDropped,
  kProfileStarted,
  kProfileThreads,  // as the next two, where the addresses of chunks lie; size: elements of a chunk
  kProfileStacks,   // of words: next << 32 | depth, then the return addresses
  kProfileBuckets,
  kProfileThreadsUsed,  // elements in use, that of index 0 with them
  kProfileStacksUsed,
  kProfileBucketsUsed,
  kProfiledThreadNumber,
  kProfiledThreadName,
  kProfiledThreadStride,  // size: bytes of one
  kBucketStack,
  kBucketThread,
  kBucketClass,
  kBucketAllocated,  // as the next: three of double, of blocks, requested and usable bytes, and a number of samples
  kBucketFreed,
  kBucketStride,       // size: bytes of one
  kOptionsRecordPath,  // as kOptionsPattern, of the option record
  kProfileRecords,  // as kProfileBuckets, and the next as kProfileBucketsUsed; but the offsets are in words of 8 bytes
  kProfileRecordsUsed,
  kRecordAddress,  // of a live sample; 0: none
  kRecordRequested,
  kRecordBucket,
  kRecordStride,   // size: bytes of one
  kSampledStart,   // of slots of samples, to which the run's kRunOwner leads: the run's address
  kSampledClass,   // of the size of a slot
  kSampledUsed,    // a bit for each slot: taken. The first one's is set, and it holds no block
  kSampledStride,  // size: bytes of a record
  kZoneLow,        // how many dirty free pages stay when it is purged for having more than kZoneHigh
  kRunOwned,       // of a run's first page, a byte: it holds blocks of a heap that programs make, and is none itself
  kZoneHuge,       // a byte: it is its node's Huge zone
  kSwapZone,       // in a swap area: where its zone lies
  kSwapBase,
  kSwapBytes,
  kSwapKey,  // a signed number, below 0: the area is off
  kSwapPriority,
  kSwapPath,     // a text that ends with a byte of zero; size: the most that it may take
  kSwapStride,   // size: bytes of an area
  kRealmNext,    // of a heap that programs make, as the next
  kRealmName,    // bytes, ended by one of zero
  kRealmOwner,   // the thread that uses its bins; 0: none
  kRealmLoaded,  // of 32 bits, for each size class up to the largest of its slabs: objects in the owner's bin
  kRealmOpen,    // as the next two, a list whose first word leads to the first: chunks with free pages,
  kRealmFull,    // chunks without,
  kRealmLarge,   // and blocks with pages of their own
  kRealmBytes,
  kRealmMaxBytes,
  kRealmLimit,   // 0: none
  kRealmStride,  // size: bytes of one
  kRealmBlockNext,
  kRealmBlockStart,
  kRealmBlockBytes,
  kRealmBlockStride,  // size: bytes of one
  kRealmChunkUsed,    // of a chunk, which is such a block: a bit for each page that is in a slab or a span
  kRealmChunkHead,    // a byte for each page: of a page in use, the first page of its slab
  kRealmChunkSlabs,   // a slab for each page, meaningful where one starts
  kRealmChunkStride,  // size: bytes of one
  kRealmSlabClass,    // a byte; 255: a span, a block of whole pages
  kRealmSlabInUse,    // objects out: live, or in the owner's bins
  kRealmSlabMade,     // of a span, its pages
  kRealmSlabStride,   // size: bytes of one
  kSwapAdvised,       // in a swap area: bytes of blocks of which the kernel was told that they are idle
  kSwapRefused,       // the errno of the last time; 0: none
  kCount,
};
inline constexpr unsigned kFirstTables = static_cast<unsigned>(Table::kSpans);  // of version 1
inline constexpr unsigned kFirstFields = static_cast<unsigned>(Field::kSpanStart);

// What a checked block's slot is.
enum class CellState : std::uint8_t { kFresh, kMoving, kLive, kFreed };

// Who a request waits for. Another value is nobody.
enum class RequestState : std::uint32_t { kNone, kAsked, kTaken, kNoThread };

enum class RequestKind : std::uint32_t {
  kNone,
  kSet,        // an option: "name=value"
  kTrim,       // malloc_trim
  kRecord,     // each call is written to the file of this path
  kEndRecord,  // no more
};

enum class RequestResult : std::uint32_t { kNone, kDone, kRefused };

// Who gave an option its value.
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

// The bytes in which a field's offset and size are counted.
constexpr unsigned unit_of(std::uint32_t version, Field field) {
  return version >= 3 && field >= Field::kNamedBinsFirst && field <= Field::kNamedBinsSize ? 8 : 1;
}

inline constexpr unsigned kMaxClasses = 64;

struct alignas(16) Root {
  char magic[16];
  const Root* self;
  std::uint32_t version;  // kVersion
  std::uint32_t bytes;    // of this block
  char library_version[16];
  std::uint16_t page_shift;
  std::uint16_t classes;  // with class 0
  std::uint16_t tables_used;
  std::uint16_t fields_used;
  TableInfo tables[static_cast<unsigned>(Table::kCount)];
  FieldInfo fields[static_cast<unsigned>(Field::kCount)];
  std::uint16_t class_sizes[kMaxClasses];
};

}  // namespace ashlar::format

// Hidden: a program and a library that both link the archive have a block each.
extern "C" [[gnu::visibility("hidden")]] const ashlar::format::Root ashlar_root;

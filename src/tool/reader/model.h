// tool, reader: what an outside reader knows of a heap: its zones, arenas, slabs, caches, large blocks and threads.
//
// The process goes on while it is read, so figures of a busy process are some microseconds apart. Contradictory figures
// are adjusted to fit each other, and Model::approximate is set. All figures of an idle process are exact.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::reader {

inline constexpr std::uint64_t kPage = 4096;  // the allocator's page
inline constexpr unsigned kOrders = 14;       // of the buddy: 0 to 13
inline constexpr std::uint16_t kNoCache = 0xffff;

// The use of a block of pages.
enum class Use : std::uint8_t {
  kSlab,
  kRun,
  kFree,      // a free block of the buddy
  kExtent,    // free pages of former runs
  kPcp,       // free pages of a run, on a processor's list
  kIsolated,  // free pages that are being purged
  kRest,      // never used: the end of the last arena
  kUnknown,   // changed while it was read
};

struct Block {
  std::uint64_t start = 0;  // address
  std::uint32_t pages = 0;
  Use use = Use::kUnknown;
  std::uint8_t order = 0;             // of a slab or a free block
  std::uint16_t cache = kNoCache;     // of a slab: index into Model::caches
  std::uint16_t in_use = 0;           // of a slab: objects handed out: live, in magazines or in the depot
  std::uint16_t free_objects = 0;     // objects on its free list; the first in_use + free_objects are carved
  std::uint16_t capacity = 0;         // objects that fit
  std::uint16_t first_free = 0xffff;  // where its free list starts, in units of 16 bytes; 0xffff: the list is empty
  std::uint32_t dirty = 0;            // of a free block or extent: pages that may be resident
  std::uint32_t age_ms = 0;           // and since when it is free
  bool of_heap = false;               // of a run: it is of a heap that the program made, see read_heap_places
  [[nodiscard]] std::uint64_t end() const { return start + std::uint64_t{pages} * kPage; }
};

// A range of committed address space. The blocks cover it completely, in ascending order.
struct Arena {
  Range range;
  unsigned zone = 0;  // index into Model::zones
  std::vector<Block> blocks;
  std::vector<std::uint64_t> dirty;  // one bit per page, also of pages in use: may be resident
  [[nodiscard]] bool is_dirty(std::uint64_t address) const {
    const std::uint64_t page = (address - range.start) / kPage;
    return (dirty[page / 64] >> page % 64 & 1) != 0;
  }
};

// A zone like the kernel's. All figures are in pages.
struct Zone {
  unsigned node = 0;
  std::string name;  // "Normal", "Huge", or "Swap0" of the first swap area
  std::uint64_t present = 0, free = 0, dirty_free = 0, isolated = 0, max_live = 0, height = 0, purged = 0;
  std::uint64_t low_watermark = 0, high_watermark = 0;  // of dirty free pages: purged above high, down to low
  std::uint64_t hold = 0, refaults = 0, patience = 1;   // page/feedback.h
  std::uint64_t pcp = 0;                                // of the free and dirty pages, those on processors' lists
  std::uint64_t rest = 0;                               // never used
  std::uint64_t advised = 0;         // of blocks of which the kernel was told that they are idle (the option cold)
  std::uint32_t advice_refused = 0;  // the errno of the last time that it was told
  std::uint64_t from_pool = 0;       // in huge pages of the system's reserved pool
  Range reserved;                    // address space for future arenas
  std::uint64_t extents = 0, extent_pages = 0;
  std::array<std::uint64_t, kOrders> clean_blocks{}, dirty_blocks{};  // dirty: at least one page of the block is
  std::array<std::uint64_t, kOrders> dirty_pages{};                   // in the dirty blocks
  [[nodiscard]] std::uint64_t live() const { return present - free - isolated; }
};

// A cache of equal objects: a size class of malloc, or a named one.
struct Cache {
  std::string name;  // "malloc-64"
  unsigned number = 0;
  unsigned node = 0;
  bool is_size_class = false;  // a size class of malloc, else a named cache
  std::uint32_t object_size = 0;
  std::uint64_t slabs = 0, pages = 0, capacity = 0;
  std::uint64_t out = 0;        // objects outside of slabs: live, in magazines, in the depot, in the quarantine
  std::uint64_t magazines = 0;  // of `out`, those in threads' magazines
  std::uint64_t depot = 0;      // of `out`, those in the depot
  std::uint64_t depot_magazines = 0;
  std::uint64_t waiting = 0;         // of `out`, freed checked blocks: in the quarantine, or ready for reuse
  std::uint64_t checked_out = 0;     // of `out`, those in slots of spans and samples, which count as slabs
  std::uint64_t free_objects = 0;    // on the slabs' free lists
  std::uint64_t active_slabs = 0;    // slabs with an object outside
  std::uint32_t max_order = 0;       // of its slabs
  std::uint32_t magazine_limit = 0;  // objects in the largest magazine that a thread may hold now
  std::uint32_t link = 0;            // offset in a free object of the address of the next one
  std::string checks;                // of a named cache, what is checked: letters of slab_debug
  [[nodiscard]] std::uint64_t live() const { return out - magazines - depot - waiting; }
};

// Returns the letters of the option slab_debug for its bits.
std::string slab_debug_letters(std::uint64_t bits);

// A place for a checked block (slab_debug, harden).
struct Slot {
  enum class State : std::uint8_t { kFresh, kFree, kWaiting, kLive };
  static constexpr std::size_t kStates = 4;
  State state = State::kFresh;  // kWaiting: freed, and in the quarantine or ready for reuse
  std::uint16_t requested = 0;  // bytes requested by the current or last block
  std::uint16_t offset = 0;     // of the block in its slot
};

// Pages cut into slots of one size, in a run or in a mapping of their own.
struct Span : Range {
  std::uint32_t header = 0, slot_bytes = 0;
  std::uint16_t cache = kNoCache;
  std::vector<Slot> slots;
  [[nodiscard]] std::uint64_t slot_start(std::uint64_t i) const { return start + header + i * slot_bytes; }
  // Returns the slot around an address, or slots.size() if there is none.
  [[nodiscard]] std::uint64_t slot_at(std::uint64_t address) const;
};

// A checked block with pages of its own. The range is what may be accessed while the block is live.
struct Guarded : Range {
  std::uint64_t block = 0, requested = 0;
  bool live = false;
};

// A block of pages in which slob places objects of any size.
struct SlobBlock : Range {
  std::vector<std::uint64_t> used, starts;  // one bit per 16 bytes: they are allocated; an object starts there
  [[nodiscard]] bool is_used(std::uint64_t address) const { return bit(used, address); }
  [[nodiscard]] bool is_start(std::uint64_t address) const { return bit(starts, address); }

 private:
  [[nodiscard]] bool bit(const std::vector<std::uint64_t>& bits, std::uint64_t address) const {
    const std::uint64_t at = (address - start) / 16;
    return at / 64 < bits.size() && (bits[at / 64] >> at % 64 & 1) != 0;
  }
};

// A run whose slots hold the sampled blocks of a profile.
struct SampledSlots : Range {
  std::uint32_t slot_bytes = 0;
  std::uint16_t cache = kNoCache;
  std::vector<std::uint64_t> used;  // one bit per slot: it holds a sample; the first slot's is set, but it never does
  [[nodiscard]] bool is_used(std::uint64_t i) const {
    return i != 0 && i / 64 < used.size() && (used[i / 64] >> i % 64 & 1) != 0;
  }
};

// A large block with a mapping of its own; a guard page follows it.
struct Area : Range {
  bool kept = false;  // free, and kept for future blocks
};

// A file that backs arenas (page/swap.h). The range is its whole address space. Its arenas are at the beginning.
struct SwapArea : Range {
  std::string path;  // as the program gave it: any bytes
  std::int32_t priority = 0;
  std::uint64_t used = 0, backed = 0;  // bytes in blocks and slabs; that may take room in the file
  std::uint64_t advised = 0;           // bytes of blocks of which the kernel was told that they are idle
  std::uint64_t zone = 0;              // the address of its zone
  bool on = false;
};

// A mapping of Ashlar's own structures, and the part of it that was ever handed out.
struct Metadata : Range {
  std::uint64_t used = 0;
};

// The heap of a thread.
struct ThreadHeap {
  std::uint64_t address = 0;
  std::uint64_t promised = 0;  // bytes that its magazines may hold
  std::uint64_t cached = 0;    // bytes that they hold
  bool busy = false;           // its thread is on a slow path
};

// A heap that the program made (ashlar/heap.h), or the entry that has the remaining blocks of deleted heaps.
struct ProgramHeap {
  std::string name;
  std::uint64_t address = 0;                                 // the program's pointer to it; 0: the one of deleted heaps
  bool owned = false;                                        // a thread uses it without a lock
  std::uint64_t blocks = 0, used_bytes = 0, kept_bytes = 0;  // live blocks, their bytes, free bytes in owner's bins
  std::uint64_t bytes = 0, max_bytes = 0, limit = 0;         // of its pages; limit 0: none
  std::uint64_t chunks = 0, slabs = 0, spans = 0;            // spans: blocks of whole pages in chunks
  std::uint64_t large = 0, large_bytes = 0;                  // blocks with pages of their own
};

struct ProgramHeaps {
  std::vector<ProgramHeap> heaps;  // in the order in which they were made, the blocks of deleted ones last
  bool approximate = false;        // something changed while it was read
};

// Places for blocks of one size, side by side in such a heap: a slab, or one block of whole pages.
struct HeapPlaces {
  std::uint64_t start = 0, bytes = 0;  // of one
  std::uint32_t heap = 0;              // index into AllHeapPlaces::names
  std::vector<bool> free;              // of each place
  [[nodiscard]] std::uint64_t end() const { return start + bytes * free.size(); }
};

struct AllHeapPlaces {
  std::vector<std::string> names;  // "heap:NAME", or "deleted heap"
  std::vector<HeapPlaces> places;  // by address
  bool approximate = false;
};

// Free objects of a cache on a list in the program's memory, linked through themselves: a magazine, or one in a depot.
struct Chain {
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  std::uint16_t cache = kNoCache;
  bool in_depot = false;
};

struct Option {
  std::string name;
  std::uint64_t value = 0, normal = 0;  // in force, and the default
  enum class Type : std::uint8_t { kFlag, kNumber, kBytes, kChoice, kSlabDebug, kFault, kRate, kText, kSwap };
  Type type = Type::kNumber;
  enum class Origin : std::uint8_t {
    kDefault,
    kEnvironment,
    kMallopt,
    kRequest,
    kProgram,
    kSystemFile,
    kUserFile,
    kUnknown
  };
  Origin origin = Origin::kUnknown;
  [[nodiscard]] const char* from() const;                 // the origin, in words
  bool changes = false;                                   // it can be changed at run time
  bool has_range = false;                                 // min and max are known
  std::uint64_t min = 0, max = 0;                         // of a number
  std::string pattern;                                    // the value of a text option
  std::string unit;                                       // of a flag or a choice the values' names, separated by '|'
  [[nodiscard]] std::string text(std::uint64_t n) const;  // a value as ASHLAR_OPTIONS takes it
};

struct Model {
  std::string version;      // of the library, "0.2.0"
  std::string path;         // the file that it was loaded from: the library, or a statically linked program
  bool in_program = false;  // that file is the program itself: Ashlar is linked into it
  bool in_library = false;  // that file is libashlar.so, by its name: nothing else is in it
  bool serving = false;     // a thread has taken a heap: malloc was called
  unsigned pressure = 0;    // os::Pressure: 0, 1 while some tasks wait for memory, 2 while all do, or above memory.high
  bool approximate = false;   // something changed during the reading
  unsigned others = 0;        // further copies of Ashlar in the process
  std::vector<Range> image;   // the mappings of that file, with its .bss
  std::vector<Range> tables;  // Ashlar's own large tables in it
  std::vector<Zone> zones;
  std::vector<Arena> arenas;         // by address
  std::vector<Cache> caches;         // those without a slab too
  std::vector<Area> areas;           // by address
  std::vector<SwapArea> swap_areas;  // in the order in which they were made; those that are off too
  std::vector<Metadata> metadata;
  std::vector<ThreadHeap> heaps;
  std::vector<Chain> chains;
  std::vector<Span> spans;       // by address, as the next three
  std::vector<Guarded> guarded;  // those whose pages are mapped
  std::vector<SlobBlock> slob;
  std::vector<SampledSlots> sampled;
  std::vector<Option> options;
  std::uint64_t now_ms = 0;  // the clock of Block::age_ms, low 32 bits

  // Returns the parts of that file that are Ashlar's: all of the library, or the large tables in a program or another
  // library.
  [[nodiscard]] const std::vector<Range>& own_image() const { return in_library ? image : tables; }
  // Returns the block around an address, or null.
  [[nodiscard]] const Block* block_at(std::uint64_t address) const;
  [[nodiscard]] const Arena* arena_at(std::uint64_t address) const;
  [[nodiscard]] const Area* area_at(std::uint64_t address) const;
  // The same for checked blocks, and for the blocks of slob.
  [[nodiscard]] const Span* span_at(std::uint64_t address) const;
  [[nodiscard]] const Guarded* guarded_at(std::uint64_t address) const;
  [[nodiscard]] const SlobBlock* slob_at(std::uint64_t address) const;
  [[nodiscard]] const SampledSlots* sampled_at(std::uint64_t address) const;
  // Returns how long a block has been free, or 0 if the process's clock is not known, as in a core file.
  [[nodiscard]] std::uint32_t free_for_ms(const Block& block) const;
  // Returns the sum of the swap areas that are on.
  [[nodiscard]] SwapArea swap_sum() const;
  // Returns the option with a name, or null.
  [[nodiscard]] const Option* option(std::string_view name) const;
};

// Reads the options only. Throws as read_model does.
std::vector<Option> read_options(Source& source);

// Reads the heaps that the program made. Throws as read_model does, and if the process's Ashlar is too old to list
// them.
ProgramHeaps read_program_heaps(Source& source);

// What lies in them, block by block. Nothing where the process's Ashlar does not tell.
AllHeapPlaces read_heap_places(Source& source);

// Reads the heap. Throws a tool::Failure: no Ashlar there, another format, the process is gone.
Model read_model(Source& source);

}  // namespace ashlar::reader

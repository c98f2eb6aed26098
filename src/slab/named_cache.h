// slab: named caches (the kernel's kmem_cache_create): caches of a size, an alignment and perhaps a constructor of
// the program's choice, beside those of the size classes, on the same slabs and depots.
//
//   Handle "inode" ─┐
//                   ├─► NamedCache 7 ──► its slabs and depot     similar caches share one (as SLUB merges)
//   Handle "dentry"─┘
//
// A slab of theirs has class 0 in the section tables, so that free() misses, and the cache's number in a map of its
// own (page::named_of). A constructed object keeps its bytes while it is free: its link lies after them.
//
//   object ──►┌──────────────────────┬────────┬──────┐
//             │ the program's bytes  │ unused │ link │   with a constructor; else the link is the first word
//             └──────────────────────┴────────┴──────┘
//
// All functions are thread-safe. Locking: one lock for all handles and numbers (kNamed), taken before a cache's.
//
// What is not in named_cache.cc is defined in live.cc and named_names.cc.
#pragma once

#include <string_view>

#include "slab/size_class.h"

namespace ashlar::slab {

struct Magazine;
struct Object;
struct CacheCounts;

inline constexpr unsigned kMaxHandles = 4096;
inline constexpr unsigned kNumbers = 1 + kMaxHandles;  // 0 is "none"
// What a handle has for a number while each call of it is seen: no cache has it, and its bins hold nothing.
inline constexpr CacheNumber kSeenNumber = kNumbers;
inline constexpr std::size_t kMaxNamedSize = 256_KiB;
inline constexpr std::size_t kMaxName = 31;
inline constexpr std::size_t kMaxCounter = 11;  // "#" and the digits of 32 bits
inline constexpr std::size_t kCacheLine = 64;

// How much a cache with a constructor keeps in empty slabs, since their objects would have to be constructed again.
inline constexpr std::size_t kSpareBytes = 1_MiB;

using Constructor = void (*)(void*);

// What handles of one number share. Never unmapped; a number is used again when its last slab is gone.
struct NamedCache {
  ClassInfo info;
  std::uint32_t usable = 0;      // bytes of an object that are the program's
  std::uint32_t generation = 0;  // rises with each cache that gets the number
  Constructor ctor = nullptr;
  std::uint32_t samples = 0;  // live ones of a layer above; under the lock
};

// What the program holds.
struct Handle {
  std::size_t link = 0;  // as in named->info: the fast path reads it here
  // Where the fast path looks: as in named->info, or kSeenNumber; 0 once it is destroyed. Written under the lock, read
  // without: who gets a block from another thread sees what that one saw.
  CacheNumber fast_number = 0;
  CacheNumber number = 0;  // as in named->info; 0 once it is destroyed
  NamedCache* named = nullptr;
  std::size_t size = 0;
  std::size_t alignment = 0;  // of its objects
  unsigned pools = 0;         // memory pools that take from it; under the lock
  void* checked = nullptr;    // what the layer that checks objects keeps of it; null if it does not
  std::uint8_t checks = 0;    // what it checks, for reports: bits of SlabDebug; under the lock
  Handle* next = nullptr;
  Handle* prev = nullptr;
  // As given, and where another handle had the name, "#" and a counter: reports and messages tell them apart by it.
  char name[kMaxName + kMaxCounter + 1] = {};
  std::uint8_t given = 0;     // characters of it that were given
  std::uint32_t counter = 1;  // 1 stands for none

  [[nodiscard]] std::string_view given_name() const { return {name, given}; }
};

struct Wanted {
  std::string_view name;      // 1 to kMaxName characters
  std::size_t size = 0;       // 1 to kMaxNamedSize
  std::size_t alignment = 0;  // a power of two up to kMaxNamedSize, or 0
  Constructor ctor = nullptr;
  bool line_aligned = false;  // SLAB_HWCACHE_ALIGN
  bool may_merge = true;
};

enum class Made : std::uint8_t { kDone, kTooMany, kNoMemory };

// Makes a cache, or a handle to a similar one, unless the option slab_nomerge is on. Returns null on failure, with the
// reason in `made`.
Handle* create(const Wanted& wanted, Made& made);

// What prevents the destruction of a cache.
struct InUse {
  unsigned pools = 0;
  std::uint64_t objects = 0;
  explicit operator bool() const { return pools != 0 || objects != 0; }
};

// Destroys the handle if nothing of its cache is in use; otherwise returns what is. `elsewhere` is the number of free
// objects in the magazines of threads. Objects that another thread moves meanwhile are taken to be in use: see Moves.
// Objects do not prevent the end of a handle that shares its cache with another.
InUse destroy(Handle* handle, std::uint64_t elsewhere);

// While it lives, this thread moves free objects of the cache from a magazine to its slabs, for nobody's call: they are
// counted neither as free nor as a thread's.
class Move {
 public:
  explicit Move(NamedCache& named);
  ~Move();
  Move(const Move&) = delete;
  Move& operator=(const Move&) = delete;

 private:
  NamedCache& named_;
};

// How many moves had begun, and ended before that. What is counted between two equal ones is complete if settled() is
// true for them.
struct Moves {
  std::uint32_t ended = 0, begun = 0;
  [[nodiscard]] bool settled() const { return ended == begun; }
  bool operator==(const Moves&) const = default;
};
Moves moves_of(const NamedCache& named);

// Has each call for objects miss from now on, or again only those of caches with samples. Called with no lock held,
// where signal handlers are served apart; as the two below are.
void see_objects(bool on);

// A sample came to be, or ended, among a cache's objects. While it has one, each call of its handles misses.
void add_sample(NamedCache& named);
void drop_sample(NamedCache& named);

// Returns the handle if `handle` was created and not destroyed, otherwise null.
Handle* known(const void* handle);

// Stores up to `max` handles, the newest first, and returns how many there are.
std::size_t list(Handle** handles, std::size_t max);

// A memory pool begins and ends to prevent the handle's destruction. hold returns false if there is no such handle.
bool hold(const void* handle);
void let_go(const void* handle);
unsigned pools_of(const Handle& handle);

// Returns the cache of a number, or null if the number was never in use. No lock: the number comes from a live object.
NamedCache* named_at(CacheNumber number);
// Numbers below this may be in use.
unsigned numbers_in_use();

// Like the functions of the same name in slab.h. Objects of `take` are not yet constructed if Magazine::fresh is set.
Magazine take(NamedCache& named, std::uint32_t want, NodeId node);
Magazine take_on_node(NamedCache& named, std::uint32_t want, NodeId node);
void return_to_depot(NamedCache& named, Magazine magazine, const char* caller);
void return_to_slabs(NamedCache& named, Magazine magazine, const char* caller);
void shrink(NamedCache& named);
CacheCounts counts(NamedCache& named);

// Runs the constructor over fresh objects; with no lock held, since it is the program's.
void construct(const NamedCache& named, const Magazine& magazine);

// Returns whether that would call the constructor.
bool needs_construction(const NamedCache& named, const Magazine& magazine);

// Up to `max` objects that are in no slab's free list and that `cached` does not know, lowest addresses of each slab
// first. A search over all pages: for messages.
unsigned find_live(NamedCache& named, bool (*cached)(const Object* object), const void** objects, unsigned max);

// What is checked of the cache that the handle leads to, and of a number's: bits of SlabDebug.
void note_checks(Handle& handle, std::uint8_t letters);
std::uint8_t checks_of(CacheNumber number);

// Writes the names of the handles that share a number into `name`, "a, b", cut to `bytes` with the ending 0.
void write_names(CacheNumber number, char* name, std::size_t bytes);
// The same without the lock, for the last line of a process that ends, whatever it holds.
[[gnu::cold]] void write_names_of_misuse(CacheNumber number, char* name, std::size_t bytes);

}  // namespace ashlar::slab

// heap: realms, what include/ashlar/heap.h calls heaps: blocks with a common lifetime, freed at once.
//
//   Realm ── first[c]         the owner's bins: one thread pops and pushes them without a lock
//         ├─ partial[c] ────► RealmSlab ─► RealmSlab     slabs with something free
//         ├─ open, full ────► RealmChunk ─► RealmChunk   64 KiB, cut into slabs and spans of pages
//         └─ large ─────────► RealmBlock ─► RealmBlock   runs, and mappings of their own
//
// A realm's pages are runs with a mark (page/owned_run.h), of class 0: free misses, and finds the realm by the
// descriptor. No object of a realm enters a thread's magazines, so that nothing refers to it once the realm has ended.
// Ending a realm visits its chunks and large blocks and none of its objects.
//
// Owner: the thread that first takes a small block from a realm. It alone uses the bins, without a lock; everything
// else is done under the realm's lock. What a signal handler may call (free) uses the lock alone, which is never wanted
// by a handler that interrupted its holder (Heap::busy).
//
// While a layer above samples what is allocated (Sampling), the owner's bins are loaded no further than to the next
// picked byte, and what is freed goes to the slabs: each object in a bin is allocated once. After that the owner frees
// under the lock while the realm has samples, so that each end of one is seen.
//
// Locking: `realms` has a lock (kRealms) for the list of realms, of mappings and of unused structures. Each realm has a
// lock (kRealm). Pages are taken and freed with none of them held.
//
// Defined in realm.cc, realm_blocks.cc, realm_slabs.cc, realm_counted.cc, realm_life.cc, realm_report.cc
// and validate_realm.cc.
#pragma once

#include <atomic>

#include "heap/heap.h"

struct ashlar_heap;  // what programs know a realm by

namespace ashlar::heap {

inline constexpr unsigned kChunkPages = 16;
inline constexpr std::size_t kChunkBytes = kChunkPages * kPageBytes;
inline constexpr std::size_t kMaxRealmObject = 4_KiB;     // the largest object of a slab
inline constexpr std::size_t kMaxSpan = kChunkBytes / 2;  // the largest block of whole pages in a chunk
inline constexpr std::size_t kMaxRealmName = 31;          // characters
inline constexpr unsigned kRealmClasses = slab::kClassOfGranules[kMaxRealmObject / kMinAlign] + 1;
inline constexpr std::uint8_t kSpanClass = 0xff;  // of a slab that is one block of whole pages

// The pages of a slab: room for 16 objects, at most 4 pages.
constexpr unsigned slab_pages(unsigned c) {
  const std::size_t bytes = std::size_t{slab::kClassTable[c].size} * 16;
  const unsigned min = 1u << slab::kClassTable[c].min_order.raw;
  const unsigned wanted = bytes <= kPageBytes ? 1 : bytes <= 2 * kPageBytes ? 2 : 4;
  return wanted > min ? wanted : min;
}
static_assert(
    [] {
      for (unsigned c = 1; c < kRealmClasses; ++c) {
        if (slab_pages(c) > 4 ||
            slab_pages(c) * kPageBytes % slab::kClassTable[c].size > slab_pages(c) * kPageBytes / 8)
          return false;
      }
      return true;
    }(),
    "a slab of a realm has at most 4 pages and wastes at most an eighth");

// One for each page of a chunk, in use at the first page of a slab or span. Under the realm's lock.
struct RealmSlab {
  RealmSlab* next;  // the partial list
  RealmSlab* prev;
  Object* free;
  std::uint8_t size_class;   // or kSpanClass; 0: no slab starts here
  std::uint8_t index;        // of its first page in the chunk
  std::uint16_t free_count;  // objects on its list
  std::uint16_t in_use;      // objects out: live, or in the owner's bins
  std::uint16_t made;        // objects carved so far; of a span, its pages
};

struct Realm;

enum class BlockKind : std::uint8_t { kChunk, kRun, kMapping };

// What a realm knows of pages: a chunk, a run or a mapping.
struct RealmBlock {
  RealmBlock* next = nullptr;  // the realm's list, or of unused ones
  RealmBlock* prev = nullptr;
  // Null while the blocks move to another one. Release where they arrive, acquire where a block is looked up.
  std::atomic<Realm*> realm{nullptr};
  RealmBlock* next_mapping = nullptr;  // the list of all mappings
  std::uintptr_t start = 0;
  std::size_t bytes = 0;
  BlockKind kind = BlockKind::kChunk;
};

struct RealmChunk : RealmBlock {
  std::uint16_t used = 0;          // a bit for each page: in a slab or span
  std::uint8_t head[kChunkPages];  // of a used page, the index of its slab's first page
  RealmSlab slabs[kChunkPages];
};

// How a layer above samples: one byte in `mean` is picked, by distances that `draw` makes of a row of random numbers.
struct Sampling {
  std::uint64_t mean = 0;
  std::int64_t (*draw)(std::uint64_t& random, std::uint64_t mean) = nullptr;
  SizeClass picked;  // of the object that was allocated, if it is a sample, which its realm then counts; else 0
};

// Called without a lock when a limit refuses bytes; not 0: try again.
using RealmLimit = int (*)(ashlar_heap* handle, std::size_t wanted, void* data);

struct Realm {
  // --- The fast path: the owner's
  std::uintptr_t taker = 0;  // the thread that may pop; 0: none. Written under the lock, read without
  Object* first[kRealmClasses] = {};
  std::uint32_t loaded[kRealmClasses] = {};  // objects in each bin

  std::uintptr_t returner = 0;  // as taker, of push

  // --- The rest
  std::uintptr_t owner = 0;  // as os::thread_identity tells it; 0: none. Written under the lock, read without
  Lock<LockRank::kRealm> lock;
  List<RealmSlab> partial[kRealmClasses] ASHLAR_GUARDED_BY(lock);
  List<RealmBlock> open ASHLAR_GUARDED_BY(lock);   // chunks with free pages
  List<RealmBlock> full ASHLAR_GUARDED_BY(lock);   // chunks without
  List<RealmBlock> large ASHLAR_GUARDED_BY(lock);  // runs and mappings
  std::size_t chunks ASHLAR_GUARDED_BY(lock) = 0;
  std::size_t empty_chunks ASHLAR_GUARDED_BY(lock) = 0;
  std::size_t larges ASHLAR_GUARDED_BY(lock) = 0;
  std::size_t bytes ASHLAR_GUARDED_BY(lock) = 0;      // of all blocks
  std::size_t coming ASHLAR_GUARDED_BY(lock) = 0;     // that are asked for with the lock released
  std::size_t max_bytes ASHLAR_GUARDED_BY(lock) = 0;  // that it had at once
  std::size_t limit ASHLAR_GUARDED_BY(lock) = 0;      // 0: none
  RealmLimit on_limit ASHLAR_GUARDED_BY(lock) = nullptr;
  void* limit_data ASHLAR_GUARDED_BY(lock) = nullptr;
  unsigned pushed ASHLAR_GUARDED_BY(lock) = 0;  // times on threads' stacks (scope.h): it does not end
  unsigned visits ASHLAR_GUARDED_BY(lock) = 0;  // under way: no chunk is given back

  // --- Samples
  std::atomic<std::uint32_t> samples{0};             // live ones, and some that are none any more; relaxed
  bool counts ASHLAR_GUARDED_BY(lock) = false;       // what the owner takes is counted
  std::uint64_t random ASHLAR_GUARDED_BY(lock) = 0;  // the row of its distances
  std::uint64_t mean ASHLAR_GUARDED_BY(lock) = 0;    // of these
  std::int64_t until[kRealmClasses] ASHLAR_GUARDED_BY(lock) = {};         // bytes to the next picked one; 0: not drawn
  std::uint32_t loaded_then[kRealmClasses] ASHLAR_GUARDED_BY(lock) = {};  // `loaded` when what was taken was counted

  Realm* next = nullptr;  // the list of realms, or of unused ones; under its lock
  Realm* prev = nullptr;
  std::uintptr_t magic = 0;  // tells a live realm; see is_live
  char name[kMaxRealmName + 1] = {};
};

struct Realms {
  Lock<LockRank::kRealms> lock;
  List<Realm> live ASHLAR_GUARDED_BY(lock);
  List<Realm> unused ASHLAR_GUARDED_BY(lock);  // the one unused for longest first
  RealmBlock* mappings ASHLAR_GUARDED_BY(lock) = nullptr;
  RealmBlock* unused_blocks ASHLAR_GUARDED_BY(lock) = nullptr;
  RealmBlock* unused_chunks ASHLAR_GUARDED_BY(lock) = nullptr;
  std::atomic<std::size_t> count{0};  // of live ones; written under the lock, relaxed: a hint without it
  std::size_t created ASHLAR_GUARDED_BY(lock) = 0;
  std::atomic<std::size_t> mapped{0};  // mappings; relaxed, a hint whether a search is worth it
  std::atomic<bool> counted{false};    // what realms allocate is; relaxed: each follows at its owner's next miss
};
extern Realms realms;

// Has the blocks of realms that were given up while some lived: they are the default heap's.
extern Realm left_realm;

inline constexpr std::uintptr_t kRealmMagic = 0x6173686c61724850;

// Whether there is a realm at an address, which must be readable: structures of ended realms stay.
inline bool is_live(const Realm* realm) {
  return realm != nullptr &&
         __atomic_load_n(&realm->magic, __ATOMIC_RELAXED) == (kRealmMagic ^ reinterpret_cast<std::uintptr_t>(realm));
}

// Whether blocks may enter a realm. It ends under its lock, so that this holds until the lock is released.
inline bool accepts(const Realm& realm) ASHLAR_REQUIRES(realm.lock) { return is_live(&realm) || &realm == &left_realm; }

inline std::uintptr_t own_thread() { return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer()); }

// A free object of the owner's bins, or null.
inline void* pop(Realm& realm, std::size_t size) {
  if (size > kMaxRealmObject || __atomic_load_n(&realm.taker, __ATOMIC_RELAXED) != own_thread()) [[unlikely]]
    return nullptr;
  const std::size_t c = slab::kClassOfGranules[(size + kMinAlign - 1) / kMinAlign];
  Object* object = realm.first[c];
  forget_origin(object);
  if (object == nullptr) [[unlikely]]
    return nullptr;
  realm.first[c] = object->next;
  --realm.loaded[c];
  return object;
}

// A new realm; null without memory. Its name is cut to kMaxRealmName bytes; an empty one becomes "heap-N".
Realm* create_realm(std::string_view name);

// A block of at least `size` bytes at a multiple of `alignment`, a power of two; null when there is no memory, or the
// limit is reached. `zeroed` is set to whether all bytes are known to be zero. Null for `sampling`: nothing is sampled.
void* allocate(Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed, Sampling* sampling = nullptr);

// The same under the lock alone, for threads that do not own the bins.
void* allocate_shared(Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed,
                      Sampling* sampling = nullptr);

// Has owners count what they take from their next call on, or no longer. Called with no lock held.
void count_in_realms(bool on);

// A sample came to be, or ended, in a realm, which may have ended itself.
void add_sample(Realm& realm);
void drop_sample(Realm& realm);

// The class of the object of a realm's slabs that starts at p; 0: a span, a run or a mapping.
[[nodiscard]] SizeClass class_in_realm(const RealmBlock& block, const void* p);

// The chunk, run or mapping of a realm in which p lies, or null. Takes a lock only where realms have mappings.
RealmBlock* realm_block_around(const void* p);

// The same where it takes no lock: null for mappings.
RealmBlock* peek_realm_block(const void* p);

// The realm of what lies in a block that is not given back meanwhile; left_realm: of the default heap.
Realm& realm_of(const RealmBlock& block);

// Frees p, by any thread; aborts, naming `caller`, if p starts no block in use. The owner's push goes to its bins.
enum class By : bool { kLock, kOwner };
void release(RealmBlock& block, void* p, const char* caller, By by = By::kLock);

// Takes an object back into the owner's bins; false if the caller is not the owner, the bin is full, or p is no object
// of the realm's slabs. Aborts as release does.
bool push(Realm& realm, void* p, const char* caller);

// The bytes usable at p, which starts a block; aborts otherwise.
std::size_t usable_bytes(RealmBlock& block, const void* p, const char* caller);
// The same, 0 where p starts no block, taking no lock.
[[gnu::cold]] std::size_t peek_usable_bytes(const RealmBlock& block, const void* p);

// Gives the block at p another size in its place, or by moving its pages; null if that cannot be done.
void* resize(RealmBlock& block, void* p, std::size_t size);

// A block with the contents of p, which ends; in p's realm. Null, and p stays, without memory.
void* reallocate(RealmBlock& block, void* p, std::size_t size, const char* caller, Sampling* sampling = nullptr);

// Ends a realm: frees all that is in it, or leaves what lives to the default heap.
// False, and nothing is done, while it is on a thread's stack.
enum class End : bool { kFree, kLeave };
bool end_realm(Realm& realm, End how);

// Frees all that is in it, and keeps up to `kept` bytes of chunks.
void reset_realm(Realm& realm, std::size_t kept);

// Gives back free pages. Bins too if the caller is the owner. Returns the bytes.
std::size_t trim_realm(Realm& realm);

// The calling thread owns the bins from now on; the former owner must not use the realm meanwhile.
void adopt_realm(Realm& realm);

// The calling thread, which ends, owns no bins any more: a new thread may get its identity.
void disown_realms();

void limit_realm(Realm& realm, std::size_t bytes, RealmLimit on_limit, void* data);

struct RealmCounts {
  std::size_t bytes = 0, max_bytes = 0, limit = 0;
  std::size_t chunks = 0, larges = 0;
  std::size_t live_blocks = 0, live_bytes = 0;
  std::size_t bins_bytes = 0;  // free, in the owner's bins
};
RealmCounts counts_of(Realm& realm);

// Calls visit for each live block. Precondition: no other thread uses the realm meanwhile. Not 0 from visit ends the
// walk, and is returned. visit may free the block that it is given.
int visit_realm(Realm& realm, int (*visit)(void* block, std::size_t bytes, void* data), void* data);

// Returns the first rule of realms that does not hold.
[[nodiscard, gnu::cold]] Broken validate_realms();

void lock_realms_for_fork();
void unlock_realms_in_parent();
void reset_realms_in_child();

}  // namespace ashlar::heap

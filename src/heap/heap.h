// heap: the thread's heap. A bin for each size class holds a magazine of free objects; malloc pops one, free pushes
// one, and everything else happens because that fails.
//
//   bin:  first(c) ──► object ──► object ──► …     the loaded magazine
//         room(c)      how many more it takes; 0 makes free miss
//         bins[c]      the previous magazine, and how large magazines may become
//
// A thread without a heap (before its first call, after its last destructor, or when every call is to be seen) has
// `nobody`'s or `dead`'s instead: read-only, always empty and always full. So the fast path has one way to miss.
//
// Locking: a heap is its thread's alone. The list of heaps has a lock (kHeaps). Other threads read the counts of a
// heap for reports without one; such a figure may be a few objects old.
//
// Defined in atfork.cc, bins.cc, emergency.cc, gate.cc, large.cc, maintain.cc, named_bins.cc, scope.cc, slow.cc,
// threads.cc, validate_heap.cc and verify.cc.
#pragma once

#include <atomic>
#include <type_traits>

#include "base/hints.h"
#include "heap/loaded.h"
#include "page/page.h"
#include "slab/slab.h"
#include "slab/slob.h"
#include "vmalloc/vmalloc.h"

namespace ashlar::heap {

struct Bin {
  Object* previous = nullptr;  // a second magazine: objects that go to and fro at a boundary never thrash
  std::uint16_t previous_count = 0;
  std::uint16_t capacity = 0;  // of the loaded magazine: objects in it + room
  std::uint16_t limit = 0;   // objects a magazine may hold by now: it grows with use, and shrinks for other bins' sake
  bool recent = false;       // missed since the last look for a bin that could shrink
  std::uint8_t watched = 0;  // calls that are still to be looked at (watched.h)
};

// Behind the bins of the classes come as many from which malloc alone takes, used while allocations are counted
// (counted.h).
inline constexpr unsigned kBins = 2 * slab::kClasses;

using ClassMap = std::remove_const_t<decltype(slab::kClassOfGranules)>;

enum class Kind : std::uint8_t { kNobody, kDead, kLive };

struct NamedBins;
struct Counted;

struct Heap {
  Loaded<kBins> loaded;
  // A copy of slab::kClassOfGranules, or, in a tiny process, of the coarse one: reached through the heap's address,
  // which malloc needs anyway, it saves an instruction against the shared table.
  // new_heap lets 0 bytes have class 0, whose bin is empty: the slow path has blocks without access for them (zero.h).
  // On a multiple of 8: counted.cc writes eight of its entries at a time.
  alignas(std::uint64_t) ClassMap class_of_granules = slab::kClassOfGranules;

  Kind kind = Kind::kLive;
  bool coarse = false;           // class_of_granules is the coarse one
  bool counts = false;           // class_of_granules leads to the bins from which malloc alone takes
  bool scoped = false;           // class_of_granules leads to an empty bin: its thread has a realm pushed (scope.h)
  bool left_behind = false;      // its thread ended without emptying it (lost.h)
  bool kswapd_due = false;       // its thread looks whether kswapd is to be started when it next allocates
  bool busy = false;             // its thread is in a slow path; a signal handler that sees this may not enter one
  std::uint8_t exit_rounds = 0;  // how often the thread's destructors ran
  std::uint8_t next_victim = 1;  // the bin that shrinks next
  NodeId node;                   // where its memory comes from first
  std::uintptr_t entered = 0;    // the Entry by which its thread is within the allocator: fork waits for it (gate.h)
  std::uint64_t signals = 0;     // its thread's mask of signals before that one blocked them
  std::uint32_t misses = 0;      // of malloc and free
  std::uint32_t epoch = 0;       // the page::signals.shrink_epoch that it has answered, see follow_epoch
  std::uint32_t promised = 0;    // bytes that all bins may hold by their limits
  std::uint32_t budget = 0;      // bytes that they may promise, as of the last look; 0 before the first
  Heap* next = nullptr;          // the list of live heaps, or of unused ones
  Heap* prev = nullptr;
  Bin bins[slab::kClasses];
  NamedBins* named = nullptr;  // its bins of named caches, kept when the heap is; null before the first use
  Counted* counted = nullptr;  // the same, of the layer above (counted.h)
};

// What layers above see of calls.
struct Seen {
  bool all = false;  // every call misses. Written before main by the thread that loads the library, like an option
  // Relaxed: threads follow at their next miss.
  std::atomic<bool> aside{false};    // heaps are set aside (aside.h)
  std::atomic<bool> counted{false};  // allocations are counted (counted.h)
};
extern constinit Seen seen;

extern const Heap nobody;
extern const Heap dead;

// Initial-exec: one load of an offset and one through the thread register.
extern constinit thread_local Heap* current;

// The same for functions that are defined by others, which a program may replace: operator new and delete, free_sized.
// Where one is replaced this is `nobody` (or `dead`), so that they miss and call what the program has.
extern constinit thread_local Heap* current_of_derived;

// What Heap::busy is, for a thread without a heap, and for the layer above that checks blocks: set while the thread has
// locks or is on the way to one. A signal handler that sees this may enter no slow path.
extern constinit thread_local bool busy_apart;

// Whether a function is replaced on which malloc's relatives, or operators, rest. Defined where they are (preload/).
// Not declared hidden: ld.gold gives hidden weak functions that are missing an address other than null.
extern "C" {
[[gnu::weak]] bool ashlar_malloc_is_replaced();
[[gnu::weak]] bool ashlar_operators_are_replaced();
}

// A free object of at least `size` bytes, or null: the size is not small, or the magazine is empty.
inline void* pop(std::size_t size, Heap* const& of = current) {
  if (size > slab::kMaxSmall) [[unlikely]]
    return nullptr;
  Heap* const heap = of;
  const std::size_t c = heap->class_of_granules[(size + kMinAlign - 1) / kMinAlign];
  return heap->loaded.take(c);
}

// The same at a multiple of `alignment`, a power of two.
void* pop_aligned(std::size_t size, std::size_t alignment);

// Takes back an object; false if the magazine is full, or p is in no slab.
[[gnu::always_inline]] inline bool push(void* p, Heap* const& of = current) {
  Heap* const heap = of;
  return heap->loaded.put(page::class_of(p).raw, p);
}

// The rest of malloc, for any size: a block of at least `size` bytes, or null when there is no memory.
void* allocate(std::size_t size);

// The same at a multiple of `alignment`, a power of two.
void* allocate_aligned(std::size_t size, std::size_t alignment);

// The same with `zeroed` telling whether all bytes are known to be zero; before, whether that is of use.
void* allocate_maybe_zeroed(std::size_t size, bool& zeroed);

// The same for a block that replaces one that grew and may grow on: large ones get a mapping of their own, with room.
void* allocate_growing(std::size_t size);
// The same for a run of at least kMinSparse bytes most of which was never written to, with its contents. Null if p is
// no such run, or a part may be in a swap area; it stays the caller's in all cases.
void* copy_sparse(const void* p, std::size_t size);
inline constexpr std::size_t kMinSparse = 8_MiB;

// The rest of free. False if p is none of ours; aborts, naming `caller`, if it lies in our memory but starts no
// block.
bool release(void* p, const char* caller);

// The bytes usable at p; 0 if p is none of ours; aborts as release does.
std::size_t usable_bytes(const void* p, const char* caller);

// The same for what is in a slab of a class; 0 if p is in none. Takes no lock.
inline std::size_t usable_in_slab(const void* p, const char* caller) {
  const SizeClass c = page::class_of(p);
  if (c.raw == 0 || !page::is_address(p)) return 0;
  if (!slab::starts_object(p, c)) [[unlikely]]
    slab::die_of_invalid(caller, p);
  return slab::size_of(c);
}

// Returns whether a block of `size` bytes would be an object of `object_bytes`.
inline bool stays_in_slab(std::size_t object_bytes, std::size_t size) {
  return size <= slab::kMaxSmall && slab::size_of(slab::class_for(size)) == object_bytes;
}

// True if p is a run with the pages for `size` bytes and no others: it is that block from then on. Takes no lock.
bool stays_in_run(void* p, std::size_t size);

// The same as usable_bytes for a program that may use them all from then on.
[[ASHLAR_SELDOM_RUN]] std::size_t tell_usable_bytes(const void* p, const char* caller);

// The same for a thread that may not wait for a lock: 0 also where that cannot be told.
[[gnu::cold]] std::size_t peek_usable_bytes(const void* p);

// True when p is, or was, a block of 0 bytes: usable_bytes is 0 for it, though it is ours.
bool has_no_bytes(const void* p);

// Gives the block at p another size where that costs no copying: in its place, or by moving its pages. Null if not.
void* resize(void* p, std::size_t size);

// True while the calling thread is within the allocator, with a heap of its own or without.
[[nodiscard, gnu::cold]] bool has_entered();

// True in a signal handler that interrupted this thread within the allocator: locks may be held that no thread releases
// before the handler returns. Nobody's bins are not read for it: a process that allocates nothing has no other use for
// their pages.
[[nodiscard, gnu::always_inline]] inline bool interrupted() {
  return busy_apart || (current != &nobody && current->busy);
}

// Empties the calling thread's magazines and all depots.
void shrink();

// Makes the calling thread, and every other one when it next misses, follow options.perturb.
void options_changed();

// The node from which the calling thread takes memory first.
page::Node& own_node();

// Looks for nodes now, if no thread has: else a process with a single thread knows of one only.
void find_nodes();

// Aborts with a message if the calling thread's lists of free objects show that a block was freed twice, or written to
// after it was freed, or that what was freed was no block.
void verify();

// The first rule that does not hold, of the list of heaps and the calling thread's bins.
[[nodiscard, gnu::cold]] Broken validate();

// Makes every call miss from now on, as perturb does: the layer above wants to see them all.
void see_every_call();

// The housekeeping that one in a number of misses does: purges pages that are too old, and starts kswapd where it is
// due. For a layer whose calls reach no heap; with no lock held.
enum class Caller : std::uint8_t { kAllocates, kFrees };
void tick(Caller who);

// A block for a thread that may not enter the allocator now (emergency.h); null when there is no memory.
void* allocate_emergency(std::size_t size, std::size_t alignment = kMinAlign);

// Keeps p, which such a thread frees, until another call can free it.
// `how` is passed to the function that frees it.
void defer(void* p, std::uint8_t how = 0);

// What waits for that.
struct Deferred;
struct Deferral {
  std::atomic<Deferred*> first{nullptr};  // release, acquire: publishes the entries
  // Threads that free what was deferred, counted before they take the list: one that finds it empty, and this zero,
  // knows that all of it is freed.
  std::atomic<std::uint32_t> freeing{0};
};
extern constinit Deferral deferral;

// True when blocks wait; and has `free` called for each.
[[gnu::always_inline]] inline bool has_deferred() { return deferral.first.load(std::memory_order_relaxed) != nullptr; }
void for_deferred(void (*free)(void* p, std::uint8_t how));

// True while other threads free such blocks, which no list leads to any more.
[[nodiscard]] bool frees_deferred();

// Used by sampling, which counts allocations by misses. Cuts the loaded magazine of `size`'s class to at most `max`
// objects and moves the others to the bin's previous magazine, if that is empty. Returns how many allocations hit
// before the next miss; 0 if each call is seen.
[[gnu::cold]] std::uint32_t shorten_loaded(std::size_t size, std::uint32_t max);

// Registers the handlers that make fork see all structures whole, once. Called before the first heap is made, and when
// the library starts, unless a heap is certain to come before a second thread; with no lock held.
void register_fork_handlers();

// What a layer above does before and after a fork, around all that is done here.
struct ForkHooks {
  void (*before)() = nullptr;
  void (*in_parent)() = nullptr;
  void (*in_child)() = nullptr;
};
enum class ForkLevel : std::uint8_t { kCheck, kProfile };  // in the order of their locks
void set_fork_hooks(const ForkHooks& hooks, ForkLevel level = ForkLevel::kCheck);

// --- Reports -------------------------------------------------------------------------------------------------------

struct Counts {
  std::size_t heaps = 0;
  std::uint64_t cached[slab::kClasses] = {};  // objects in threads' magazines, per class
};
[[gnu::cold]] Counts counts();

}  // namespace ashlar::heap

// heap, private: how bins are filled, emptied and sized, and how a thread gets and loses its heap.
//
// What is not in bins.cc is defined in atfork.cc, counted.cc, large.cc, maintain.cc, named_bins.cc, slow.cc, threads.cc
// and verify.cc.
#pragma once

#include <pthread.h>

#include <atomic>
#include <utility>

#include "heap/heap.h"

namespace ashlar::heap {

struct Heaps {
  Lock<LockRank::kHeaps> lock;
  List<Heap> live ASHLAR_GUARDED_BY(lock);
  Heap* unused ASHLAR_GUARDED_BY(lock) = nullptr;
  std::atomic<bool> have_key{false};  // written under the lock; `key` holds something from then on
  bool first_taken ASHLAR_GUARDED_BY(lock) = false;
  // From here on all heaps of `live` are those of threads that are gone (lost.h); null if none is.
  Heap* lost ASHLAR_GUARDED_BY(lock) = nullptr;
  // Relaxed, hints: whether there are such, and how many heaps of ended threads lie among the others.
  std::atomic<bool> have_lost{false};
  std::atomic<std::uint32_t> left_behind{0};
  pthread_key_t key{};
  Heap first;  // a single-threaded process needs no other
  // Heaps of threads. Relaxed: a hint for budgets, and for whether the process has threads.
  std::atomic<std::size_t> count{0};
};
extern constinit Heaps heaps;

// Gets objects into an empty bin. False when there is no memory.
bool refill(Heap& heap, SizeClass c);

// The loaded magazine of a bin: how many objects it has, and what puts and takes all of it.
inline std::uint32_t loaded_count(const Heap& heap, SizeClass c) {
  ASHLAR_ASSERT(c.raw > 0 && c.raw < slab::kClasses, "class 0 has no bin");
  return heap.bins[c.raw].capacity - std::uint32_t{heap.loaded.room(c.raw)};
}

inline void load(Heap& heap, SizeClass c, Object* first, std::uint32_t count) {
  Bin& bin = heap.bins[c.raw];
  ASHLAR_ASSERT((first != nullptr) == (count != 0) && count <= UINT16_MAX, "a magazine is as long as it counts");
  bin.capacity = static_cast<std::uint16_t>(count > bin.limit ? count : bin.limit);
  heap.loaded.first(c.raw) = first;
  heap.loaded.set_room(c.raw, bin.capacity - count);
}

inline slab::Magazine unload(Heap& heap, SizeClass c) {
  const slab::Magazine magazine{std::exchange(heap.loaded.first(c.raw), nullptr), loaded_count(heap, c)};
  load(heap, c, nullptr, 0);
  return magazine;
}

// Makes the loaded magazine the previous one, which there is none of, and leaves no room.
void stow(Heap& heap, SizeClass c);

// The bin of a class from which malloc alone takes, and how many objects it holds (counted.h). Always inlined, as
// Loaded's functions are.
inline constexpr unsigned drained(SizeClass c) { return slab::kClasses + c.raw; }
[[gnu::always_inline]] inline std::uint32_t drained_count(const Heap& heap, SizeClass c) {
  const auto left = static_cast<std::uint16_t>(-heap.loaded.room(drained(c)));
  return heap.loaded.first(drained(c)) == nullptr ? 0u : left;
}

// Fills it from its first object's count on, because a signal handler may take an object as soon as there is one.
inline void set_drained(Heap& heap, SizeClass c, slab::Magazine magazine) {
  heap.loaded.set_room(drained(c), -magazine.count);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  heap.loaded.first(drained(c)) = magazine.first;
}

// Whether so many objects are worth a miss, which costs as much as ten hits. A program that takes and frees the same
// few objects would miss each few calls, were they all that a drained bin is filled with. More objects use more
// cache.
inline bool is_worth_draining(SizeClass c, std::uint32_t count) {
  constexpr std::uint32_t kMany = 32;
  return count >= kMany || (count != 0 && 2 * count >= slab::info_of(c).magazine);
}

// Fills it. False when there is no memory.
[[gnu::cold]] bool refill_drained(Heap& heap, SizeClass c);

// Makes a heap follow `seen.counted`.
[[gnu::cold]] void follow_counting(Heap& heap);

// Takes what a bin has loaded for its drained one, and where that is little, its previous magazine or what slabs have.
// Puts objects into a bin.
slab::Magazine take_for_drained(Heap& heap, SizeClass c);
[[gnu::cold]] void put_into_bin(Heap& heap, SizeClass c, slab::Magazine magazine);

// Returns the class whose objects hold `size` bytes and lie at multiples of `alignment`, a power of two; 0 if there is
// none. Slabs start at multiples of their own size, so an object size that is a multiple is enough.
inline SizeClass aligned_class(std::size_t size, std::size_t alignment) {
  if (size > slab::kMaxSmall || alignment > slab::kMaxSmall) return {};
  for (unsigned c = slab::class_for(size > alignment ? size : alignment).raw; c < slab::kClasses; ++c) {
    if ((slab::size_of(SizeClass(c)) & (alignment - 1)) == 0) return SizeClass(c);
  }
  return {};
}

// Makes room in a full bin.
void make_room(Heap& heap, SizeClass c, const char* caller);

// Returns all free objects of a heap to the depot or to the slabs.
enum class Flush { kToDepot, kToSlabs };
void flush(Heap& heap, Flush where);
[[gnu::cold]] void flush_drained(Heap& heap, Flush where);

// Forgets what a heap holds: it was left in the middle of being moved.
[[gnu::cold]] void write_off(Heap& heap);

// Aborts: p, which is being freed, is one of its bin's free objects.
[[noreturn, gnu::cold]] void die_of_double_free(const void* p, const char* caller);

// Aborts if a bin gave out more objects than it had: its list has a loop.
void check_rooms(const Heap& heap);

// The calling thread's heap if it has one, also where it is set aside (aside.h); else null.
Heap* own_heap();

// The calling thread's heap, made if it has none; null if it may not have one (it is past its end, or every call is
// to be seen), or there is no memory for one.
Heap* attach();

// Looks how much a heap's bins may hold by now. Two divisions: it is done now and then, not at each miss.
void note_budget(Heap& heap);

// True when `bytes` more are within what a heap's bins may hold.
bool may_promise(const Heap& heap, std::size_t bytes);

// Housekeeping after a miss, called with no objects in flight: follows shrink_epoch, and ticks reclaim.
void maintain(Heap& heap, Caller who);

// The same for a call that has no heap to count its misses.
[[gnu::cold]] void tick_without_heap(Caller who);

// False for a thread without a heap that only frees now and then.
bool worth_a_heap();

// Named caches' part of flush, and of what a forked child does with the heap of a thread that is gone.
void flush_named(Heap& heap, Flush where);
void return_named_of_lost_thread(Heap& heap);

// The first of all heaps, with their lock held until unlock_heaps.
const Heap* lock_heaps() ASHLAR_ACQUIRE(heaps.lock);
void unlock_heaps() ASHLAR_RELEASE(heaps.lock);

// Ends the calling thread's heap; it has `replacement` from then on.
void detach(const Heap& replacement);

// Has the calling thread's fast paths lead to a heap, those of replaced functions' derived forms to none. None is set
// aside then. Returns it.
Heap* use(Heap* heap);

// Looks for more nodes when so many threads have a heap and the time has come for it, see page/nodes.h; no lock may
// be held.
void look_for_nodes(std::size_t threads);

// True when no thread may have a heap, so that every call misses.
bool every_call_is_seen();

// The number of threads with a heap, and what changes it.
std::size_t live_heaps();
void note_heaps(int more);
void set_heaps(std::size_t count);

// The calling thread has no bins of named caches any more.
void forget_named_bins();

// The calling thread is the one that a fork left in this process.
extern constinit thread_local bool in_forked_child;

// In a process with one thread, which left the allocator by a jump: all locks are free again.
[[gnu::cold]] void reset_locks();

void lock_heaps_for_fork();
void unlock_heaps_in_parent();
void reset_heaps_in_child();

// Large blocks and others that are in no slab.
void* allocate_large(std::size_t size, std::size_t alignment, bool& zeroed);
bool release_large(void* p, const char* caller);
// Who asks for the usable bytes: a program that was told may use them all.
enum class Asked : std::uint8_t { kByProgram, kByUs };
std::size_t usable_large(const void* p, const char* caller, Asked who);
[[gnu::cold]] void perturb_large(void* p, const char* caller);  // fills what is about to be freed

// Marks a heap as busy for a scope: a signal handler of this thread that finds it so may enter no slow path.
class [[nodiscard]] Busy {
 public:
  explicit Busy(Heap& heap) : heap_(heap) {
    heap_.busy = true;
    // only against a handler in this thread, which sees its own thread's stores in order
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~Busy() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    heap_.busy = false;
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  Heap& heap_;
};

// The same for a thread without a heap.
class [[nodiscard]] BusyApart {
 public:
  BusyApart() {
    busy_apart = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);  // as in Busy
  }
  ~BusyApart() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    busy_apart = false;
  }
  BusyApart(const BusyApart&) = delete;
  BusyApart& operator=(const BusyApart&) = delete;
};

}  // namespace ashlar::heap

// profile: which code asked for the memory. Of all allocated bytes, one in a number of them (the rate) is picked at
// random. The block that contains it is a sample. Its stack, thread and sizes are kept until it is freed.
//
//   malloc's miss ──► allocate ──► is this the allocation with the picked byte?
//                                  ├─ no ──► check, heap; what the fast path may then take is counted (heap/counted.h)
//                                  └─ yes ─► a slot in pages of class 0, so that freeing it misses, too  (slots.h)
//                                            a record, its stack, and sums by stack, thread and class    (tables.h)
//
// While no profile was ever started, `active` is false. Then nothing of this layer runs, and none of its memory is
// touched.
//
// All functions are thread-safe and may be called in signal handlers. Locks: kProfile, under which pages and metadata
// are taken; the caller holds no lock.
//
// Functions that are not in profile.cc are defined in followed.cc, realms.cc, objects.cc, dump.cc and due.cc.
#pragma once

#include <atomic>

#include "check/check.h"
#include "heap/counted.h"

namespace ashlar::heap {
struct Realm;
}

namespace ashlar::profile {

using check::Form;

// What threads that allocate and free look at.
struct Control {
  // Whether a profile was started in this process, so that blocks that are freed may be samples. It is never reset.
  // acquire: pairs with the release in `start`, which made the tables. First, where each slow path looks.
  std::atomic<bool> started{false};
  // The bytes per sample; 0: off. Relaxed: a few more calls before a change is seen are harmless.
  std::atomic<std::uint64_t> rate{0};
  // Whether a sample ever lay in a page of a class, which is so only where every call is seen. Relaxed: who frees a
  // sample got it from the thread that noted it.
  std::atomic<bool> any_in_classes{false};
};
extern Control control;
[[gnu::always_inline]] inline bool active() { return control.started.load(std::memory_order_acquire); }

// Starts sampling one in `rate` bytes; 1 records each block. If sampling is on, changes the rate. Returns false when
// there is no memory. Earlier samples are kept.
bool start(std::uint64_t rate);

// Ends sampling. Live samples are still followed.
void stop();

// Returns whether allocations are being sampled.
[[nodiscard]] bool is_on();

// Serves an allocation that is no sample from the thread's bins. Returns null, with nothing taken, where it may be one,
// or more is to be done. The caller has entered.
[[gnu::always_inline]] inline void* allocate_unsampled(std::size_t size);

// Like check::allocate, or the heap's allocation where nothing is checked.
void* allocate(std::size_t size, std::size_t alignment, Form form, bool& zeroed);

// Returns false if p is no sample, as its page tells.
[[gnu::always_inline]] inline bool may_be_sample(const void* p) {
  return page::class_of(p).raw == 0 || control.any_in_classes.load(std::memory_order_relaxed);
}

// Notes that p, a sample, is freed. Returns true if nothing more is to be done, because it was in a slot.
bool release(void* p, const char* caller);

// Reads the usable bytes of the sample at p. Returns false if p is in no slot.
bool find(const void* p, std::size_t& bytes);
// The same for the caller's own block without a lock, for a thread that must not wait because the holder of the lock
// may wait for it (fork).
bool find_apart(const void* p, std::size_t& bytes);

// Notes that the block at p, which may be a sample in a slot, now serves another size at the same address.
void note_size(const void* p, std::size_t size);

// Counts a block that was not made by `allocate`: of class 0, and not in a slot. Returns whether it is a sample now.
bool note(void* p, std::size_t size);

// For blocks whose address changes. begin_move takes the record of p from its address, since another thread may get the
// address at once. end_move settles it when the result is known: if `now` is null, the record stays; otherwise the
// sample is freed, and `now` is counted as a new block.
struct Moving {
  std::uint32_t sample = 0;
};
Moving begin_move(const void* p);
void end_move(Moving moving, void* now, std::size_t size);

// --- Blocks of heaps that the program made (realms.cc). As heap's functions of these names, where a profile was
// started; and before such a heap ends or is reset, what is known of its blocks is settled as freed.
void* allocate_in(heap::Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed);
bool reallocate_in(void* p, std::size_t size, void*& moved);
void forget_all_in(heap::Realm& realm);

// --- Blocks of pages and areas, which the kernel's interfaces give: `note` counts one that came to be. One that is
// about to be freed: the caller marked the heap as busy, and holds no lock. Ends a move of one that was freed.
void release_pages(void* p);
void end_freed(Moving moving);

// --- Objects of named caches (objects.cc). One came to be, or is about to be freed; its cache counts its samples, and
// has each call seen while there are any. release_object does nothing in a signal handler that interrupted the
// allocator, where the heap defers the free. The caller holds no lock.
void note_object(const slab::Handle& cache, void* p);
void release_object(void* p);
// What the fast paths do, for a handle whose calls are seen. take_object counts the object; null where its bytes or the
// thread call for more. put_object returns false where p may be a sample, or the bin has no room.
[[nodiscard]] void* take_object(const slab::Handle& cache);
[[nodiscard]] bool put_object(const slab::Handle& cache, void* p);

// The counts of a class's slots, for reports. Takes the profile's lock; all are 0 where the thread may not wait for it.
struct SlotCounts {
  std::uint64_t live = 0;
  std::uint64_t capacity = 0;
  std::uint64_t runs = 0;   // runs that contain the slots
  std::uint64_t pages = 0;  // pages of these runs
};
SlotCounts slot_counts(SizeClass c);

// Finds the run of slots that contains an address. Returns false if there is none, and where the thread may not wait
// for the lock.
struct SlotsAround {
  std::uintptr_t start = 0;
  std::size_t bytes = 0;
  std::uint32_t slots = 0;
  std::uint32_t live = 0;  // how many of these are live
  SizeClass size_class;
};
bool find_slots(const void* p, SlotsAround& around);

// Writes the profile to a file, as text. Returns 0, or an errno.
int dump(const char* path);

// The same to a file named by a pattern: %p stands for the process's number, %n for the count of files written
// including this one, %% for a %. No reader sees a part of the file. Reports errors on stderr. Not for two threads at
// once.
void dump_by_pattern(std::string_view pattern);

// What is known of writing the file of the option profile_file.
struct Writing {
  // Whether it is to be written: the number of the process that wants it, since a child that is forked meanwhile does
  // not; 0: no. Relaxed: any thread may write it.
  std::atomic<std::uint32_t> wanted{0};
  // Set when the last file is written. No other file is begun then, since the end of the process would cut it off.
  std::atomic<bool> ending{false};
  // The thread that writes; 0: none. In a forked child it may be a thread that does not exist there.
  std::atomic<std::uintptr_t> writer{0};
  std::atomic<std::uint32_t> files{0};  // that were written; one thread at a time writes
  std::atomic<int> heard{0};            // the signal of profile_signal; 0: none
};
extern Writing writing;
// Writes the file if it is still wanted, unless another thread is writing it or the thread may not wait for locks.
// Takes the profile's lock.
void write_wanted_file();
// Writes the file when the program exits, after a thread that is writing it.
void write_last_file();

// Makes the signal of a value of the option profile_signal write the file, and no other signal. Returns false, with
// nothing changed, if the program catches that signal itself. Not for two threads at once.
[[nodiscard]] bool listen_for(std::uint64_t choice);
// The same at start, for the options that are set. Reports options that write nothing.
void prepare_files();

inline void* allocate_unsampled(std::size_t size) {
  const std::uint64_t mean = control.rate.load(std::memory_order_relaxed);
  if (mean <= 1 || check::active() || writing.wanted.load(std::memory_order_relaxed) != 0) return nullptr;
  return heap::take_counted(size, mean);
}

}  // namespace ashlar::profile

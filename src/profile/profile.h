// profile: who asked for the memory. Of all bytes that are allocated one in so many is picked at random; the block that
// it lies in is a sample, and its stack, thread and sizes are kept until it is freed.
//
//   malloc's miss ──► allocate ──► is this the allocation with the picked byte?
//                                  ├─ no ──► check, heap; what the fast path may then take is counted (heap/counted.h)
//                                  └─ yes ─► a slot in pages of class 0, so that freeing it misses, too  (slots.h)
//                                            a record, its stack, and sums by stack, thread and class    (tables.h)
//
// While no profile was ever started, `active` is false, nothing of this layer runs, and none of its memory is touched.
//
// All functions are thread-safe and may be called in signal handlers. Locking: kProfile, under which pages and metadata
// are taken; called with no lock held.
//
// What is not in profile.cc is defined in dump.cc and due.cc.
#pragma once

#include <atomic>

#include "check/check.h"

namespace ashlar::profile {

using check::Form;

// The bytes to a sample as allocating threads see them; 0: off. Relaxed: a call more or less before a change is seen
// does no harm.
extern std::atomic<std::uint64_t> rate_now;

// A profile was started in this process: blocks that are freed may be samples. Never false again.
// Acquire: pairs with the release in `start`, which made the tables.
extern std::atomic<bool> was_started;
[[gnu::always_inline]] inline bool active() { return was_started.load(std::memory_order_acquire); }

// Starts sampling, one in `rate` bytes; 1 records each block. While it is on: changes the rate. False when there is no
// memory. What was sampled before stays known.
bool start(std::uint64_t rate);

// Ends sampling. Samples that are live are still followed.
void stop();

// Whether allocations are sampled just now.
[[nodiscard]] bool is_on();

// As check::allocate, or heap's where nothing is checked.
void* allocate(std::size_t size, std::size_t alignment, Form form, bool& zeroed);

// Notes that p, a sample, is freed. True if that is all there is to do: it lay in a slot.
bool release(void* p, const char* caller);

// The usable bytes of the sample at p; false if p is in no slot.
bool find(const void* p, std::size_t& bytes);
// The same of the caller's own block without a lock, for a thread that must not wait: what holds the lock may wait for
// it (fork).
bool find_apart(const void* p, std::size_t& bytes);

// The block at p, which may be a sample in a slot, is used for another size where it is.
void note_size(const void* p, std::size_t size);

// Counts a block that came to be without `allocate`: of class 0, and not in a slot.
void note(void* p, std::size_t size);

// For blocks whose address changes: what is known of p is taken from it, as another thread may get the address at once,
// and settled when it is known what became of it: it stays if `now` is null, else it is freed and `now` counted as new.
struct Moving {
  std::uint32_t sample = 0;
};
Moving begin_move(const void* p);
void end_move(Moving moving, void* now, std::size_t size);

// What lies in slots of a class, for reports. Takes the profile's lock; nothing where the thread may not wait for it.
struct SlotCounts {
  std::uint64_t live = 0;
  std::uint64_t capacity = 0;
  std::uint64_t runs = 0;   // in which they lie,
  std::uint64_t pages = 0;  // and their pages
};
SlotCounts slot_counts(SizeClass c);

// The run of slots that an address lies in. False if there is none, and where the thread may not wait for the lock.
struct SlotsAround {
  std::uintptr_t start = 0;
  std::size_t bytes = 0;
  std::uint32_t slots = 0;
  std::uint32_t live = 0;  // of these
  SizeClass size_class;
};
bool find_slots(const void* p, SlotsAround& around);

// Writes what is known to a file, as text. 0, or an errno.
int dump(const char* path);

// The same to a file named by a pattern: %p stands for the process's number, %n for how many were written with this
// one, %% for a %. Nobody sees a part of the file. Says what went wrong. Not for two threads at once.
void dump_by_pattern(std::string_view pattern);

// The file of the option profile_file is to be written: the number of the process that wants it, since a child that is
// forked meanwhile does not; else 0. Relaxed: by which thread does not matter.
extern std::atomic<std::uint32_t> file_wanted;
// Writes it if it is wanted still, unless another thread writes it just now or the thread may not wait for locks. Takes
// the profile's lock.
void write_wanted_file();
// Writes it when the program exits, after a thread that writes it just now.
void write_last_file();

// Has the signal of a value of the option profile_signal write it, and no other one; false, and nothing changes,
// if the program catches that signal itself. Not for two threads at once.
[[nodiscard]] bool listen_for(std::uint64_t choice);
// The same at start, of the options that are set. Says if they write nothing.
void prepare_files();

}  // namespace ashlar::profile

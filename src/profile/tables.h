// profile, private: the data of a profile: records of live samples, buckets that sum up samples of one stack, thread
// and class, and the stacks.
//
//   address ──hash──► Record ──► Bucket ──► Stack         (all in chunks of metadata, by index; index 0 is none)
//                                  └──────► Thread
//
// Nothing is ever moved, so a reader from outside may follow indices. Protected by the lock of the tables.
//
// Functions that are not in tables.cc are defined in profile.cc and due.cc.
#pragma once

#include "profile/profile.h"
#include "unwind/unwind.h"

namespace ashlar::profile {

using unwind::capture;
using unwind::kFrames;
using unwind::Stack;

// A live sample.
struct Record {
  std::uintptr_t address = 0;
  std::uint64_t requested = 0;
  std::uint64_t usable = 0;
  std::uint32_t bucket = 0;
  std::uint32_t next = 0;   // in the list of its hash, or of unused records
  std::uint32_t slots = 0;  // the Slots that contain it; 0: none
  float weight = 0;         // the number of blocks that it stands for
};

// Sums of estimates, and the number of samples.
struct Sums {
  double blocks = 0, requested = 0, usable = 0;
  std::uint64_t samples = 0;
};

struct Bucket {
  std::uint32_t stack = 0;
  std::uint32_t thread = 0;  // an index into the threads
  std::uint32_t next = 0;    // in the list of its hash
  std::uint32_t size_class = 0;
  Sums allocated, freed;
};

struct Thread {
  std::uint32_t number = 0;
  std::uint32_t next = 0;  // in the list of its hash
  char name[os::kThreadName] = {};
};

// The lock of all tables. A signal handler that interrupted the holder finds its own thread in `owner`.
struct TablesLock {
  Lock<LockRank::kProfile> lock;
  std::atomic<std::uintptr_t> owner{0};  // relaxed: it only has to be right for that thread itself
};
extern TablesLock tables;

// Returns metadata for tables and slots, or null when there is no more. At the usual rate its amount is limited.
void* take_metadata(std::size_t bytes, std::size_t alignment) ASHLAR_REQUIRES(tables.lock);

// Elements in chunks that are never moved. Elements are zero at first.
template <class T, std::uint32_t kPerChunk, std::uint32_t kChunks>
struct Chunked {
  std::uint32_t used = 1;  // including the one of index 0
  T* chunks[kChunks] = {};

  static constexpr std::uint32_t kElements = kPerChunk * kChunks;
  T& operator[](std::uint32_t i) const { return chunks[i / kPerChunk][i % kPerChunk]; }

  // Adds `count` elements that are in one chunk. Returns the index of the first, or 0 when there is no room.
  std::uint32_t add(std::uint32_t count = 1) ASHLAR_REQUIRES(tables.lock) {
    std::uint32_t i = used;
    if (i % kPerChunk + count > kPerChunk) i = (i / kPerChunk + 1) * kPerChunk;
    if (i / kPerChunk >= kChunks) return 0;
    if (chunks[i / kPerChunk] == nullptr) {
      auto* const chunk = static_cast<T*>(take_metadata(sizeof(T) * kPerChunk, alignof(T)));
      if (chunk == nullptr) return 0;
      __atomic_store_n(&chunks[i / kPerChunk], chunk, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&used, i + count, __ATOMIC_RELEASE);
    return i;
  }
};

// Heads of lists by hash. They double when there are twice as many elements.
struct Heads {
  std::uint32_t* lists = nullptr;
  std::uint32_t mask = 0;
};

inline constexpr std::uint32_t kLinkedCounts = 4096;
inline constexpr std::uint32_t kRecordsPerChunk = 128, kBucketsPerChunk = 32, kWordsPerChunk = 2048,
                               kThreadsPerChunk = 64;

struct SlotTable;

// All data of the profile. It is made when a profile is first started, and published by `state`.
struct State {
  std::uint64_t rate = 0;                                     // 0: off
  std::uint64_t metadata ASHLAR_GUARDED_BY(tables.lock) = 0;  // bytes that the tables took since it was last off
  std::uint64_t dropped = 0;                                  // samples for which there was no room
  std::uint64_t started_ms = 0;
  std::uint64_t slot_bytes ASHLAR_GUARDED_BY(tables.lock) = 0;  // bytes of pages with slots
  std::int64_t until ASHLAR_GUARDED_BY(tables.lock) = 0;  // bytes to the next sample among what is not counted by class
  std::uint64_t random ASHLAR_GUARDED_BY(tables.lock) = 0;
  double bytes_since_file ASHLAR_GUARDED_BY(tables.lock) = 0;
  double bytes_live ASHLAR_GUARDED_BY(tables.lock) = 0;       // bytes in use that samples stand for
  double bytes_at_peak ASHLAR_GUARDED_BY(tables.lock) = 0;    // the same when the last file of a peak was wanted
  SlotTable* slots ASHLAR_GUARDED_BY(tables.lock) = nullptr;  // null before the first slot is made (slots.h)
  std::uint32_t live ASHLAR_GUARDED_BY(tables.lock) = 0;
  std::uint32_t unused_record ASHLAR_GUARDED_BY(tables.lock) = 0;
  Heads records_by_address ASHLAR_GUARDED_BY(tables.lock);
  Heads buckets_by_key ASHLAR_GUARDED_BY(tables.lock);
  Heads stacks_by_hash ASHLAR_GUARDED_BY(tables.lock);
  Heads threads_by_number ASHLAR_GUARDED_BY(tables.lock);
  // Written under the lock. Threads without the lock may read the chunks below `used`. The small tables come first, so
  // that their offsets fit the rows of the root block.
  Chunked<Thread, kThreadsPerChunk, 256> threads;
  Chunked<std::uint64_t, kWordsPerChunk, 4096> stacks;  // next << 32 | depth, then the frames; an index is of a word
  Chunked<Bucket, kBucketsPerChunk, 8192> buckets;
  Chunked<Record, kRecordsPerChunk, 32768> records;
  // Linked records by a hash of their addresses. Written under the lock, read without.
  std::atomic<std::uint32_t> linked[kLinkedCounts] = {};
};

extern State* state;  // null: no profile was ever started; release and acquire

// Adds the record of a sample, in the bucket of its stack. Returns 0 when there is no room, and counts that.
struct Sample {
  std::uintptr_t address = 0;
  std::uint64_t requested = 0, usable = 0, counted = 0;  // counted: what sampling counts for it
  std::uint32_t size_class = 0, slots = 0;
};
std::uint32_t add_record(const Sample& sample, const Stack& stack) ASHLAR_REQUIRES(tables.lock);

// Counts an object of a named cache. Returns whether one of its bytes is picked. Takes the lock in a thread without a
// heap.
bool is_object_due(std::uint64_t bytes);

// Records an object of a class that was picked, and lies in no slot. Takes the lock. Returns false without room.
bool record_picked(void* p, std::size_t size, SizeClass c);

// find_record returns the record of an address, or 0. end_record ends a record, and the sample with it. unlink_record
// takes a record from its address, and link_record restores it.
std::uint32_t find_record(std::uintptr_t address) ASHLAR_REQUIRES(tables.lock);
void end_record(std::uint32_t record) ASHLAR_REQUIRES(tables.lock);
// Without the lock: false if the block at p, which the caller holds, has no record. Precondition: there is a state.
[[nodiscard]] bool may_have_record(const void* p);
// Like find_record without the lock, for the address of a block that the caller holds: no other thread ends its record.
// Searches all records.
std::uint32_t find_record_apart(std::uintptr_t address);
// Notes that the block now serves another size: its site appears to have requested that size.
void change_requested(std::uint32_t record, std::size_t size) ASHLAR_REQUIRES(tables.lock);
void unlink_record(std::uint32_t record) ASHLAR_REQUIRES(tables.lock);
void link_record(std::uint32_t record) ASHLAR_REQUIRES(tables.lock);

void copy_stack(std::uint32_t stack, Stack& into) ASHLAR_REQUIRES(tables.lock);
// Copy a bucket at one moment with its stack, and a thread. Return false if the element is empty. Take the lock.
bool copy_bucket(std::uint32_t bucket, Bucket& into, Stack& stack);
bool copy_thread(std::uint32_t thread, Thread& into);

// Returns false in a signal handler that interrupted the allocator, where the two may not wait for the lock.
bool may_dump();

// count_allocated counts the bytes of allocated samples toward the option profile_every. count_live counts the change
// of bytes in use, below 0 for less, toward profile_peak.
void count_allocated(double bytes) ASHLAR_REQUIRES(tables.lock);
void count_live(double bytes) ASHLAR_REQUIRES(tables.lock);
// Resets the writer in a forked child: no thread is writing the file, and none wants it.
void forget_writer();

// Makes the state. Returns false when there is no memory.
bool make_state() ASHLAR_REQUIRES(tables.lock);

}  // namespace ashlar::profile

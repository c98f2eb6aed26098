// record, private: what each thread writes to, and the file.
//
// Defined in recorder.cc, records.cc and trace_file.cc.
#pragma once

#include "os/os.h"
#include "record/record.h"

namespace ashlar::record {

struct Thread : heap::Aside {
  // The chunk: records go to [at, end); null: none yet.
  unsigned char* at = nullptr;
  unsigned char* end = nullptr;
  void* chunk = nullptr;
  std::size_t chunk_bytes = 0;
  // What the next record differs from.
  std::uint64_t address = 0;
  std::uint64_t sequence = 0;
  std::uint64_t ns = 0;
  std::uint64_t resize = 0;            // the number that a realloc began with
  std::uint32_t calls_until_time = 1;  // the next of so many writes the time first
  std::uint32_t number = 0;
  std::uint32_t generation = 0;        // whose file the chunk is of
  std::uint8_t rounds = 0;             // how often the thread's destructors ran
  bool leased = false;                 // it is a thread's that is past its end, for a call
  std::atomic<Thread*> next{nullptr};  // of those that nobody has
};

// Of a process; all zero in a forked child until that begins a file.
struct State {
  // The process's place in the line of those that began a file: its number could be its parent's, in another namespace.
  // 0: none yet; kBeginning: a thread of the child begins the file.
  std::atomic<std::uint32_t> generation;
  std::atomic<std::uint64_t> sequence;
  std::atomic<std::uint64_t> offset;  // where the next chunk lies
  std::atomic<std::uint32_t> threads;
  std::atomic<std::uint64_t> idle;  // the first that nobody has, above it how often one was put or taken
  std::atomic<bool> ended;
  os::FileId file;
  FileHeader* header;
  char path[512];
};
inline constexpr std::uint32_t kBeginning = UINT32_MAX;
extern constinit State* state;

// Takes a number. Relaxed: threads that hand a block on are in order by what they hand it on with.
inline std::uint64_t next_number() {
  if (!os::single_threaded()) return state->sequence.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::uint64_t number = state->sequence.load(std::memory_order_relaxed) + 1;
  state->sequence.store(number, std::memory_order_relaxed);
  return number;
}

// Makes the process's file. False, and the trace has ended with a line, if it cannot be made.
bool begin_file(const char* base, bool in_child);

// Gives a thread a new chunk whose first record has this number. False if the trace has ended.
bool begin_chunk(Thread& thread, std::uint64_t number);

// Writes that what follows in the chunk is the thread's; nothing where it has none yet.
void write_thread(Thread& thread);

// Nothing more is written, for this reason. Says so, once.
void end_trace(int error);

}  // namespace ashlar::record

// record, private: the process's state and the file.
//
// Defined in recorder.cc, records.cc, begin_live.cc and trace_file.cc.
#pragma once

#include "os/os.h"
#include "record/record.h"

namespace ashlar::record {

inline constexpr std::size_t kLargeBlocks = 4096, kProbes = 32;

// Of a process; all zero in a forked child until that begins a file.
struct State {
  // Another one for each file, and after its end. 0: none yet; kBeginning: a thread of the child begins the file.
  std::atomic<std::uint32_t> generation;
  // The process's place in the line of those that began a file: its number could be its parent's, in another namespace.
  std::uint32_t line;
  std::atomic<Thread*> all;  // of this process
  std::atomic<std::uint64_t> sequence;
  std::atomic<std::uint64_t> offset;  // where the next chunk lies
  std::atomic<std::uint32_t> threads;
  std::atomic<std::uint64_t> idle;  // the first that nobody has, above it how often one was put or taken
  std::atomic<bool> ended;
  os::FileId file;
  std::atomic<FileHeader*> header;  // whoever takes it out unmaps it
  char path[512];
  // Addresses of large blocks that live, each within kProbes places of its own; 0: none. What finds no place is not
  // told of at the end. Relaxed: whoever frees a block has it from who allocated it.
  std::atomic<std::uint64_t> large[kLargeBlocks];
};
inline constexpr std::uint32_t kBeginning = UINT32_MAX;
extern constinit State* state;

// How many files processes began, or ended, in the line from the first to this one. Not wiped: a child's is another.
extern constinit std::uint32_t generations;
// The same of processes.
extern constinit std::uint32_t lines;

// begin_live started it: a child does not go on.
extern constinit bool is_live;

// Takes a number. Relaxed: threads that hand a block on are in order by what they hand it on with.
inline std::uint64_t next_number() {
  if (!os::single_threaded()) return state->sequence.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::uint64_t number = state->sequence.load(std::memory_order_relaxed) + 1;
  state->sequence.store(number, std::memory_order_relaxed);
  return number;
}

// What it needs whatever starts it. A reason where it is not to be had.
[[nodiscard]] const char* prepare();

// Makes the process's file, with its first state. An errno if it cannot be made.
enum class Begins : std::uint8_t { kAtStart, kInChild, kLive };
[[nodiscard]] int begin_file(const char* base, Begins how);

// What an errno means to the user; empty where that is not known.
[[nodiscard]] std::string_view reason_of(int error);

// Puts a thread on the list of all of this process.
void enlist(Thread& thread);

// Unmaps a thread's chunk, if it has one that is this process's.
void drop_chunk(Thread& thread);

// Gives a thread a new chunk whose first record has this number. False if the trace has ended.
bool begin_chunk(Thread& thread, std::uint64_t number);

// Writes that what follows in the chunk is the thread's; nothing where it has none yet.
void write_thread(Thread& thread);

// Nothing more is written, for this reason. Says so, once.
void end_trace(int error);

}  // namespace ashlar::record

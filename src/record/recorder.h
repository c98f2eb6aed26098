// record, private: the process's state and the file.
//
// Defined in recorder.cc, records.cc, begin_live.cc and trace_file.cc.
#pragma once

#include <pthread.h>

#include "os/os.h"
#include "record/record.h"

namespace ashlar::record {

inline constexpr std::size_t kLargeBlocks = 4096, kProbes = 32;

// The state of a process. In a forked child it is all zero until the child begins a file.
struct State {
  // Changes with each file and at its end. 0: none yet. kBeginning: a thread of the child is beginning the file.
  std::atomic<std::uint32_t> generation;
  // Which process this is in the line of those that began a file. Process numbers may repeat, as in another namespace.
  std::uint32_t line;
  std::atomic<Thread*> all;  // all Threads of this process
  std::atomic<std::uint64_t> sequence;
  std::atomic<std::uint64_t> offset;  // where the next chunk begins
  std::atomic<std::uint32_t> threads;
  std::atomic<std::uint64_t> idle;  // the first unused Thread; the bits above the address count changes
  std::atomic<bool> ended;
  os::FileId file;
  std::atomic<FileHeader*> header;  // the thread that takes it out unmaps it
  char path[512];
  // Addresses of live large blocks, each at one of its kProbes places; 0: none. A block that finds no place is not
  // listed at the end. Relaxed: a thread that frees a block got it from the thread that allocated it.
  std::atomic<std::uint64_t> large[kLargeBlocks];
};
inline constexpr std::uint32_t kBeginning = UINT32_MAX;

// What a forked child has from its parent: nothing of it is wiped.
struct Recorder {
  State* state = nullptr;  // null: no recording was ever prepared
  // The number of files begun or ended in the line of processes from the first to this one, so that a child's
  // generation differs.
  std::uint32_t generations = 0;
  std::uint32_t lines = 0;  // the number of processes in that line
  bool is_live = false;     // begin_live started the recording; then a child does not continue it
  bool have_key = false;
  pthread_key_t key{};                  // whose destructor gives a thread's Thread back
  char base[kMaxPattern * 2 + 2] = {};  // of the files' names, as an absolute path
};
extern constinit Recorder recorder;

// Returns the next sequence number. Relaxed: the program's own synchronisation orders threads that pass a block on.
inline std::uint64_t next_number() {
  if (!os::single_threaded()) return recorder.state->sequence.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::uint64_t number = recorder.state->sequence.load(std::memory_order_relaxed) + 1;
  recorder.state->sequence.store(number, std::memory_order_relaxed);
  return number;
}

// Prepares what every start needs. Returns the reason if that fails, or null.
[[nodiscard]] const char* prepare();

// Makes the process's file, with its first state. Returns 0, or an errno.
enum class Begins : std::uint8_t { kAtStart, kInChild, kLive };
[[nodiscard]] int begin_file(const char* base, Begins how);

// Returns what an errno means to the user, or nothing if it is unknown: of the file of a trace that was begun, and of
// one that cannot be made.
[[nodiscard]] std::string_view reason_of(int error);
[[nodiscard]] std::string_view reason_of_none(int error);

// Adds a thread to the list of all threads of this process.
void enlist(Thread& thread);

// Unmaps a thread's chunk, if it has one that belongs to this process.
void drop_chunk(Thread& thread);

// Gives a thread a new chunk whose first record has this number. Returns false if the trace has ended.
bool begin_chunk(Thread& thread, std::uint64_t number);

// Writes that the records that follow in the chunk are the thread's. Does nothing where it has no chunk yet.
void write_thread(Thread& thread);

// Ends the trace for this reason, and reports it once.
void end_trace(int error);

}  // namespace ashlar::record

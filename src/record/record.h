// record: writes each call of malloc and its relatives to a file (trace_format.h), for programs that are run again with
// other allocators.
//
//   malloc ──► misses, as heaps are set aside (heap/aside.h) ──► Call: the heap is back and serves the call
//                                                                  │
//          a chunk of the file, mapped (os::map_file) ◄── a record ◄┘
//
// Records are written to mapped pages of the file: nothing is lost when the process is killed, and no call waits for a
// disk. Each thread has a chunk of its own. What a thread leaves when it ends, the next new one continues.
//
// The child of a fork finds its state wiped (os::map_wiped), whatever call made it, and begins a file of its own.
// A process may be recorded several times while it runs: a Thread belongs to the file whose generation it has.
//
// While nothing is recorded, `on` is false, nothing of this layer runs, and none of its memory is touched.
//
// All functions are thread-safe and may be called in signal handlers. No locks: called with none held.
//
// Defined in recorder.cc, records.cc and begin_live.cc.
#pragma once

#include <atomic>
#include <cstddef>
#include <string_view>

#include "record/thread.h"
#include "record/trace_format.h"

namespace ashlar::record {

// Set before main or by begin_live, and cleared when nothing more is written. Release, where `begin_call` acquires.
extern constinit std::atomic<bool> on;

// Starts it. Says what is wrong if the file cannot be made. Called when the library starts.
void start(const char* path);

// Starts it in a process that runs, whose threads follow at their next miss: each is made to miss when it allocates a
// small block. Tells why if it cannot; no fork may be under way. Children are not recorded. The file must not be there.
[[nodiscard]] bool begin_live(std::string_view path, void (*tell)(std::string_view why));

// Ends what begin_live started, and unmaps what no thread writes to any more. False if nothing was started.
bool end_live();

// The calling thread, if its call is to be recorded: then a Call follows. Null within such a call.
Thread* begin_call();
[[gnu::always_inline]] inline Thread* begin() { return on.load(std::memory_order_relaxed) ? begin_call() : nullptr; }

// For a scope, a call that is recorded: the thread has its heap, and what it calls meanwhile is not seen.
class [[nodiscard]] Call {
 public:
  explicit Call(Thread& thread) : lease_{thread}, served_(thread) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // After the block was made; p is null if there was no memory. `alignment` is 0 where none was asked for.
  void note_allocation(Op op, std::size_t size, std::size_t alignment, const void* p);
  // Before it is freed.
  void note_free(Op op, const void* p);
  // When the process exits, of the large blocks that live.
  void note_left();
  // Before realloc, and after it.
  void note_resize();
  void note_resized(const void* old, std::size_t size, const void* p);

 private:
  // Of a thread past its end, for the call alone.
  struct Lease {
    Thread& thread;
    ~Lease() {
      if (thread.leased) [[unlikely]]
        end_lease(thread);
    }
  };
  static void end_lease(Thread& thread);

  Lease lease_;
  heap::Served served_;
};

}  // namespace ashlar::record

// record: writes each call of malloc and its relatives to a file (trace_format.h), so that a program can be replayed
// with other allocators.
//
//   malloc ──► misses, as heaps are set aside (heap/aside.h) ──► Call: the heap is back and serves the call
//                                                                  │
//          a chunk of the file, mapped (os::map_file) ◄── a record ◄┘
//
// Records are written to mapped pages of the file, so nothing is lost when the process is killed, and no call waits for
// a disk. Each thread has a chunk of its own. A new thread continues the chunk of a thread that has ended.
//
// The child of a fork finds its state wiped (os::map_wiped), whatever call made it, and begins a file of its own. A
// running process may be recorded several times: a Thread belongs to the file whose generation it has.
//
// While nothing is recorded, `on` is false. Then nothing of this layer runs, and none of its memory is touched.
//
// All functions are thread-safe and may be called in signal handlers. Locks: none are taken, and the caller holds none.
//
// Defined in recorder.cc, records.cc and begin_live.cc.
#pragma once

#include <atomic>
#include <cstddef>
#include <string_view>

#include "record/thread.h"
#include "record/trace_format.h"

namespace ashlar::record {

// Set before main or by begin_live, and cleared when nothing more is written. release: pairs with the acquire in
// begin_call.
extern constinit std::atomic<bool> on;

// Starts a recording when the library starts. Reports it if the file cannot be made.
void start(const char* path);

// Starts a recording in a running process. The threads follow at their next miss, and each of them misses when it next
// allocates a small block. Children are not recorded. Preconditions: no fork is under way, and there is no file of this
// name. Returns false, and calls `tell` with the reason, if it cannot start.
[[nodiscard]] bool begin_live(std::string_view path, void (*tell)(std::string_view why));

// Ends what begin_live started, and unmaps the chunks that no thread writes to any more. Returns false if nothing was
// started.
bool end_live();

// Returns the calling thread if its call is to be recorded; a Call must follow. Returns null within such a call.
Thread* begin_call();
[[gnu::always_inline]] inline Thread* begin() { return on.load(std::memory_order_relaxed) ? begin_call() : nullptr; }

// A call that is recorded, for a scope: the thread has its heap back, and the calls that it makes meanwhile are not
// recorded.
class [[nodiscard]] Call {
 public:
  explicit Call(Thread& thread) : lease_{thread}, served_(thread) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Called after the block was made; p is null if there was no memory. `alignment` is 0 where the program gave none.
  void note_allocation(Op op, std::size_t size, std::size_t alignment, const void* p);
  // Called before the block is freed.
  void note_free(Op op, const void* p);
  // Called when the process exits, for the large blocks that live.
  void note_left();
  // Called before realloc, and after it.
  void note_resize();
  void note_resized(const void* old, std::size_t size, const void* p);

 private:
  // Ends the loan of a Thread to a thread past its end, which lasts for one call.
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

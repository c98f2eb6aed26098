// heap: what a thread holds around locks that it takes for a report, or to give memory back.
#pragma once

#include "heap/counted.h"
#include "heap/gate.h"

namespace ashlar::heap {

// An Entry, for a scope in which signal handlers of this thread are served apart: they may allocate, and would wait for
// a lock that the thread holds itself. The Entry is for handlers that leave by siglongjmp(3). Nothing for a thread
// without a heap. A function that holds one is out of line, see Entry.
class [[nodiscard]] Quiet {
 public:
  Quiet() {}  // NOLINT(modernize-use-equals-default): not trivial, so that none is "unused"
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  Entry entry_;
  Uninterrupted uninterrupted_;
};

}  // namespace ashlar::heap

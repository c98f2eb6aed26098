// profile, private: how the tables' lock is taken. drop_object is defined in objects.cc.
#pragma once

#include "heap/counted.h"
#include "profile/tables.h"

namespace ashlar::profile {

// True in a signal handler that interrupted the allocator: the thread may hold a lock for which the holder of this
// layer's waits, so the handler may not wait for that.
[[nodiscard]] inline bool interrupted() {
  return heap::interrupted() || check::interrupted() ||
         tables.owner.load(std::memory_order_relaxed) == os::thread_identity();
}

// Holds the lock for a scope, in which handlers of the thread are served apart; empty where the thread holds it
// already, and where it would wait in a signal handler that interrupted the allocator. The thread-safety analysis takes
// the answer of operator bool as yes.
class [[nodiscard]] Entered {
 public:
  // kWaits: the caller marked the heap as busy itself, and holds no lock.
  enum class Where : bool { kAnywhere, kWaits };
  explicit Entered(Where where = Where::kAnywhere) ASHLAR_NO_THREAD_SAFETY_ANALYSIS
      : apart_(where == Where::kAnywhere && (heap::interrupted() || check::interrupted())) {
    const std::uintptr_t self = os::thread_identity();
    if (tables.owner.load(std::memory_order_relaxed) == self) return;
    if (!apart_) tables.lock.lock();
    else if (!tables.lock.try_lock()) return;
    tables.owner.store(self, std::memory_order_relaxed);
    in_ = true;
  }
  ~Entered() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
    if (!in_) return;
    tables.owner.store(0, std::memory_order_relaxed);
    tables.lock.unlock();
  }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;
  explicit operator bool() const ASHLAR_ASSERT_CAPABILITY(tables.lock) { return in_; }

 private:
  const bool apart_;  // as it was before this scope makes it so
  heap::Uninterrupted uninterrupted_;
  bool in_ = false;
};

// The cache of the object at p has a sample less.
void drop_object(const void* p);

}  // namespace ashlar::profile

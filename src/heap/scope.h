// heap: threads' stacks of realms. While a thread has pushed one, its malloc takes from the last that it pushed.
//
// The thread's class_of_granules leads to a bin that is always empty, so that malloc misses, and the slow path looks
// here. free is unchanged. A key of pthread_key_create(3) leads to a stack, and its destructor ends it with its thread.
//
// Locking: `realms.lock` for the lists of stacks; a stack's realms are its thread's. Realm::pushed is under its lock.
#pragma once

#include <pthread.h>

#include "heap/realm.h"

namespace ashlar::heap {

inline constexpr unsigned kMaxPushed = 64;

struct Scope {
  Scope* next = nullptr;
  Scope* prev = nullptr;
  std::uintptr_t thread = 0;
  unsigned depth = 0;
  unsigned suspended = 0;  // DefaultHeap objects that stand
  Realm* pushed[kMaxPushed] = {};
};

struct Scopes {
  std::atomic<std::size_t> count{0};  // of live stacks; relaxed, a hint whether a look is worth it
  List<Scope> live ASHLAR_GUARDED_BY(realms.lock);
  Scope* unused ASHLAR_GUARDED_BY(realms.lock) = nullptr;
  bool have_key ASHLAR_GUARDED_BY(realms.lock) = false;
  pthread_key_t key{};
};
extern Scopes scopes;

enum class Pushed : std::uint8_t { kDone, kEnded, kTooMany, kNoRoom };
Pushed push_realm(Realm& realm);
// False if the thread has pushed none.
bool pop_realm();

// The calling thread's stack, or null.
[[gnu::cold]] Scope* find_scope();
[[nodiscard, gnu::always_inline]] inline bool any_pushed() { return scopes.count.load(std::memory_order_relaxed) != 0; }

// The realm from which the calling thread's malloc takes, or null.
[[gnu::cold]] Realm* find_pushed();
[[nodiscard, gnu::always_inline]] inline Realm* pushed_realm() { return any_pushed() ? find_pushed() : nullptr; }

// For a scope, the calling thread's malloc takes from its own heap: realloc leaves a block in its heap.
class [[nodiscard]] DefaultHeap {
 public:
  DefaultHeap() : scope_(any_pushed() ? find_scope() : nullptr) {
    if (scope_ != nullptr) ++scope_->suspended;
  }
  ~DefaultHeap() {
    if (scope_ != nullptr) --scope_->suspended;
  }
  DefaultHeap(const DefaultHeap&) = delete;
  DefaultHeap& operator=(const DefaultHeap&) = delete;

 private:
  Scope* scope_;
};

// Stacks of threads that are gone.
void drop_scopes_in_child();

}  // namespace ashlar::heap

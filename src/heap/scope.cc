// heap: threads' stacks of realms, see the header.
#include "heap/scope.h"

#include <new>

#include "base/hints.h"
#include "heap/bins.h"
#include "heap/counted.h"
#include "heap/quiet.h"

namespace ashlar::heap {

constinit Scopes scopes;

namespace {

// Leads the calling thread's malloc to the empty bin, or back.
[[ASHLAR_ALWAYS_RUN]] void lead(bool away) {
  Heap* const heap = own_heap();
  if (heap != nullptr && heap->scoped != away) lead_to_realm(*heap, away);
}

void leave(Realm& realm) {
  const Guard guard(realm.lock);
  --realm.pushed;
}

// A stack that has no thread any more, or none from now on.
[[ASHLAR_ALWAYS_RUN]] void retire(Scope& scope) ASHLAR_REQUIRES(realms.lock) {
  scopes.live.remove(&scope);
  scope.next = scopes.unused;
  scopes.unused = &scope;
  scopes.count.fetch_sub(1, std::memory_order_relaxed);
}

[[ASHLAR_ALWAYS_RUN, gnu::noinline]] void end_scope(Scope& scope) {
  const Quiet quiet;
  while (scope.depth != 0) leave(*scope.pushed[--scope.depth]);
  lead(false);
  const Guard guard(realms.lock);
  retire(scope);
}

[[ASHLAR_ALWAYS_RUN]] void on_thread_end(void* scope) { end_scope(*static_cast<Scope*>(scope)); }

[[ASHLAR_ALWAYS_RUN, gnu::noinline]] Scope* new_scope() {
  const Quiet quiet;
  const Guard guard(realms.lock);
  if (!scopes.have_key && pthread_key_create(&scopes.key, on_thread_end) != 0) return nullptr;
  scopes.have_key = true;
  Scope* scope = scopes.unused;
  if (scope != nullptr) scopes.unused = scope->next;
  else scope = static_cast<Scope*>(page::metadata_alloc(sizeof(Scope), alignof(Scope)));
  if (scope == nullptr) return nullptr;
  new (scope) Scope;
  scope->thread = own_thread();
  scopes.live.push_front(scope);
  scopes.count.fetch_add(1, std::memory_order_relaxed);
  return scope;
}

Scope* own_scope() {
  if (Scope* const scope = any_pushed() ? find_scope() : nullptr) return scope;
  Scope* const scope = new_scope();
  // it may allocate, so it comes while nothing is pushed and no lock is held
  if (scope == nullptr || pthread_setspecific(scopes.key, scope) == 0) return scope;
  end_scope(*scope);
  return nullptr;
}

[[ASHLAR_ALWAYS_RUN, gnu::noinline]] bool enter(Realm& realm) {
  const Quiet quiet;
  const Guard guard(realm.lock);
  if (!is_live(&realm)) return false;
  ++realm.pushed;
  return true;
}

[[gnu::noinline]] void leave_quietly(Realm& realm) {
  const Quiet quiet;
  leave(realm);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] Pushed push_realm(Realm& realm) {
  attach();
  Scope* const scope = own_scope();
  if (scope == nullptr) return Pushed::kNoRoom;
  if (scope->depth == kMaxPushed) return Pushed::kTooMany;
  if (!enter(realm)) return Pushed::kEnded;
  scope->pushed[scope->depth] = &realm;
  std::atomic_signal_fence(std::memory_order_seq_cst);  // a signal handler that sees the depth sees the realm
  ++scope->depth;
  lead(true);
  return Pushed::kDone;
}

[[ASHLAR_ALWAYS_RUN]] bool pop_realm() {
  Scope* const scope = any_pushed() ? find_scope() : nullptr;
  if (scope == nullptr || scope->depth == 0) return false;
  Realm& realm = *scope->pushed[--scope->depth];
  if (scope->depth == 0) lead(false);
  leave_quietly(realm);
  return true;
}

// The key exists where a stack does, and is written before the count.
Scope* find_scope() { return static_cast<Scope*>(pthread_getspecific(scopes.key)); }

Realm* find_pushed() {
  const Scope* const scope = find_scope();
  return scope != nullptr && scope->depth != 0 && scope->suspended == 0 ? scope->pushed[scope->depth - 1] : nullptr;
}

[[ASHLAR_ALWAYS_RUN]] void drop_scopes_in_child() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  for (Scope *scope = scopes.live.front(), *next = nullptr; scope != nullptr; scope = next) {
    next = scope->next;
    if (scope->thread == own_thread()) continue;
    while (scope->depth != 0) --scope->pushed[--scope->depth]->pushed;
    retire(*scope);
  }
}

}  // namespace ashlar::heap

// heap: how a thread gets its heap and loses it, what all heaps hold, and fork.
#include <pthread.h>

#include <climits>
#include <new>
#include <utility>

#include "base/hints.h"
#include "heap/aside.h"
#include "heap/bins.h"
#include "heap/counted.h"
#include "heap/emergency.h"
#include "heap/gate.h"
#include "heap/lost.h"
#include "heap/named_bins.h"
#include "heap/realm.h"
#include "heap/scope.h"
#include "heap/watched.h"

namespace ashlar::heap {

namespace {

constexpr Heap heap_of_kind(Kind kind) {
  Heap heap;
  heap.kind = kind;
  return heap;
}

}  // namespace

[[ASHLAR_READ_FIRST_ONLY]] constinit const Heap nobody = heap_of_kind(Kind::kNobody);
[[ASHLAR_SELDOM_READ]] constinit const Heap dead = heap_of_kind(Kind::kDead);

// Never written through while it points there: such a heap has nothing to pop and no room to push.
constinit thread_local Heap* current = const_cast<Heap*>(&nobody);
constinit thread_local Heap* current_of_derived = const_cast<Heap*>(&nobody);

[[ASHLAR_THREAD_FLAG]] constinit thread_local bool in_forked_child = false;
[[ASHLAR_THREAD_FLAG]] constinit thread_local bool busy_apart = false;

constinit Heaps heaps;

constinit thread_local Aside* aside = nullptr;
constinit Seen seen;

[[ASHLAR_ALWAYS_RUN]] Heap* own_heap() {
  if (current->kind == Kind::kLive) return current;
  return current->kind == Kind::kNobody && aside != nullptr ? aside->heap : nullptr;
}

[[gnu::cold]] void take_back_heap() {
  if (aside == nullptr || aside->heap == nullptr) return;
  current = std::exchange(aside->heap, nullptr);
}

namespace {

// The last round but one: the very last is left to tools that must outlive every allocation (ThreadSanitizer).
constexpr int kExitRounds = PTHREAD_DESTRUCTOR_ITERATIONS - 1;

// pthread_key_create(3): runs when a thread ends, after its C++ thread-local destructors, in an unknown order among
// keys. Other keys' destructors may use malloc after this one, so it asks to be called again.
[[ASHLAR_SELDOM_RUN]] void on_thread_exit(void* own) {
  auto* const heap = static_cast<Heap*>(own);
  if (heap == nullptr || heap != own_heap()) return;
  if (++heap->exit_rounds < kExitRounds && pthread_setspecific(heaps.key, heap) == 0) return;
  if (heap != current) take_back_heap();
  {
    const Entry entry;
    if (!entry) return leave_behind();
    detach(dead);
  }
  page::await_kswapd_end();
}

// The thread has entered, though its caller may not have: a signal handler that forks does not wait for the lock.
[[ASHLAR_ALWAYS_RUN, gnu::noinline]] Heap* new_heap() {
  const Entry entry;
  if (!entry) return nullptr;  // a fork takes long
  const BusyApart busy;        // within the Entry, which would take it for what a jump left
  const Guard guard(heaps.lock);
  if (!heaps.have_key.load(std::memory_order_relaxed)) {  // written under the lock alone
    if (pthread_key_create(&heaps.key, on_thread_exit) != 0) return nullptr;
    heaps.have_key.store(true, std::memory_order_release);  // pairs with the acquire in attach
  }
  Heap* heap = heaps.unused;
  if (heap != nullptr) {
    heaps.unused = heap->next;
  } else if (!heaps.first_taken) {
    heaps.first_taken = true;
    heap = &heaps.first;
  } else {
    heap = static_cast<Heap*>(page::metadata_alloc(sizeof(Heap), 64));
    if (heap == nullptr) return nullptr;
  }
  NamedBins* const named = heap->named;
  Counted* const counted = heap->counted;
  new (heap) Heap{};  // in place: an assignment has a whole one on the stack first
  heap->named = named;
  heap->counted = counted;
  if (heap == &heaps.first) {
    heap->coarse = true;
    for (std::size_t g = 1; g < slab::kCoarseClassOfGranules.size(); ++g) {
      heap->class_of_granules[g] = slab::kCoarseClassOfGranules[g];
    }
    for (Bin& bin : heap->bins) bin.watched = kWatchedAtFirst;
  }
  heap->node = page::node_for_new_thread();
  heap->kswapd_due = true;  // the process may have had one thread until now
  heap->epoch = page::signals.shrink_epoch.load(std::memory_order_relaxed);  // a hint, publishes nothing
  heaps.live.push_front(heap);
  note_heaps(1);
  return heap;
}

void retire(Heap* heap) {
  const Guard guard(heaps.lock);
  ASHLAR_ASSERT(heap->kind == Kind::kLive && live_heaps() > 0, "a live heap is retired");
  heaps.live.remove(heap);
  heap->next = heaps.unused;
  heaps.unused = heap;
  note_heaps(-1);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] std::size_t live_heaps() { return heaps.count.load(std::memory_order_relaxed); }

[[ASHLAR_ALWAYS_RUN]] void set_heaps(std::size_t count) {
  heaps.count.store(count, std::memory_order_relaxed);
  page::note_threads(count);
}

[[ASHLAR_ALWAYS_RUN]] void note_heaps(int more) {
  const auto difference = static_cast<std::size_t>(more);
  page::note_threads(heaps.count.fetch_add(difference, std::memory_order_relaxed) + difference);
}

[[ASHLAR_ALWAYS_RUN]] void forget_named_bins() { named_bins = &no_bins; }

[[ASHLAR_ALWAYS_RUN]] page::Node& own_node() {
  return current->kind == Kind::kLive ? page::node_at(current->node) : page::local_node();
}

[[ASHLAR_ALWAYS_RUN]] void look_for_nodes(std::size_t threads) {
  if (!page::nodes_are_due(threads)) return;
  const unsigned n = page::prepare_nodes();
  if (n == 1) return;
  // fork holds this lock from before it takes those of all nodes until it has let go of them
  const Guard guard(heaps.lock);
  page::publish_nodes(n);
}

[[ASHLAR_ALWAYS_RUN]] void find_nodes() {
  Heap* const heap = attach();
  look_for_nodes(1);
  if (heap != nullptr && page::node_count() > 1) heap->node = page::node_for_thread(heap->node);
}

[[ASHLAR_ALWAYS_RUN]] bool every_call_is_seen() { return seen.all || options.perturb != 0 || options.slob != 0; }

[[ASHLAR_ALWAYS_RUN]] void see_every_call() {
  seen.all = true;
  options_changed();
}

[[ASHLAR_ALWAYS_RUN]] void set_heaps_aside(bool on) {
  seen.aside.store(on, std::memory_order_relaxed);
  if (!on) return;
  register_fork_handlers();  // the first heap may not come to do it
  // Its key leads back to it.
  if (current->kind == Kind::kLive) use(const_cast<Heap*>(&nobody));
}

[[ASHLAR_ALWAYS_RUN]] void set_heaps_aside_live() { seen.aside.store(true, std::memory_order_relaxed); }

namespace {

bool is_true(bool (*const predicate)()) { return predicate != nullptr && predicate(); }

}  // namespace

[[ASHLAR_ALWAYS_RUN]] Heap* use(Heap* heap) {
  // What was set aside is the current one now, or the thread's no more. Within a Served that notes it at its end.
  if (aside != nullptr && aside->heap != nullptr) aside->heap = nullptr;
  const bool replaced = is_true(ashlar_malloc_is_replaced) || is_true(ashlar_operators_are_replaced);
  current_of_derived = replaced && heap->kind == Kind::kLive ? const_cast<Heap*>(&nobody) : heap;
  return current = heap;
}

[[ASHLAR_ALWAYS_RUN]] void Served::use_again(Heap* heap) { use(heap); }

[[ASHLAR_ALWAYS_RUN]] Heap* attach() {
  if (current->kind == Kind::kLive) return current;
  if (current->kind == Kind::kDead) return nullptr;
  if (every_call_is_seen() || is_outside()) return nullptr;  // calls that the layer above does not see do without
  if (busy_apart) return nullptr;                            // a signal handler's call
  if (heaps.have_key.load(std::memory_order_acquire)) {      // pairs with the release in new_heap
    // The thread-local values were reset under our feet: the dynamic linker does so once, early (preload/early.cc).
    if (void* const own = pthread_getspecific(heaps.key)) return use(static_cast<Heap*>(own));
  }
  register_fork_handlers();
  {
    const BusyApart busy;
    look_for_nodes(live_heaps());
  }
  Heap* const heap = new_heap();
  if (heap == nullptr) return nullptr;
  use(heap);
  // Allocates the first time a thread uses a high key, so it comes when the heap is already in use.
  if (pthread_setspecific(heaps.key, heap) != 0) {
    detach(dead);  // its end would not be seen: without a heap nothing is lost with the thread
    return nullptr;
  }
  if (pushed_realm() != nullptr) [[unlikely]]
    lead_to_realm(*heap, true);
  return heap;
}

[[ASHLAR_SELDOM_RUN]] void detach(const Heap& replacement) {
  Heap* const heap = current;
  if (heap->kind == Kind::kLive) {
    const Busy busy(*heap);
    disown_realms();
  }
  use(const_cast<Heap*>(&replacement));
  named_bins = &no_bins;
  if (heap->kind != Kind::kLive) return;
  count_apart(*heap);
  // the key must not lead back to a heap that another thread may get
  pthread_setspecific(heaps.key, nullptr);
  flush(*heap, Flush::kToDepot);
  retire(heap);
}

// Reads neighbours' counts while they change them: each is one aligned word, and a report may be a few objects old.
// ThreadSanitizer ignores the function, as no order is needed.
__attribute__((no_sanitize("thread"))) Counts counts() {
  Counts n;
  const Guard guard(heaps.lock);
  bool lost = false;
  for (const Heap* heap = heaps.live.front(); heap != nullptr; heap = heap->next) {
    lost |= heap == heaps.lost;
    n.heaps += !lost;
    for (unsigned c = 1; c < slab::kClasses; ++c) {
      const unsigned capacity = heap->bins[c].capacity, room = heap->loaded.room(c);
      n.cached[c] += heap->bins[c].previous_count + (capacity > room ? capacity - room : 0u);
      n.cached[c] += drained_count(*heap, SizeClass(c));
    }
  }
  return n;
}

[[ASHLAR_ALWAYS_RUN]] const Heap* lock_heaps() {
  heaps.lock.lock();
  return heaps.live.front();
}
[[ASHLAR_ALWAYS_RUN]] void unlock_heaps() { heaps.lock.unlock(); }

[[ASHLAR_ALWAYS_RUN]] void lock_heaps_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  heaps.lock.lock_beside_same_rank();
}
[[ASHLAR_ALWAYS_RUN]] void unlock_heaps_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { heaps.lock.unlock(); }

[[ASHLAR_ALWAYS_RUN]] void reset_heaps_in_child() {
  heaps.lock.reset();
  forget_deferring();
  lose_other_heaps();
}

}  // namespace ashlar::heap

// heap: what threads do beside their calls: housekeeping now and then after a miss, and what empties or changes a heap.
#include "base/hints.h"
#include "heap/bins.h"
#include "heap/counted.h"
#include "heap/gate.h"
#include "heap/lost.h"
#include "heap/realm.h"
#include "page/request.h"

namespace ashlar::heap {

namespace {

constexpr unsigned kMissesPerTick = 16;      // a look at the clock costs as much as a short miss
constexpr unsigned kMissesPerCheck = 128;    // of all bins: it looks at each
constexpr unsigned kMissesPerNodeLook = 64;  // the scheduler seldom moves a thread to another node
constexpr unsigned kTinyMisses = 96;         // each miss may have touched a page: from here on a process is not tiny

// Registers with reclaim once; called on the slow paths.
[[ASHLAR_ALWAYS_RUN]] void register_with_reclaim() {
  static constinit std::atomic<bool> done{false};
  // relaxed: registering twice is harmless
  if (done.load(std::memory_order_relaxed)) return;
  page::set_helper_gate(run_entered);
  page::register_reaper(slab::reap);
  page::register_reaper(vmalloc::reap);
  done.store(true, std::memory_order_relaxed);
}

// A miss empties the heap's bins, and each of the next ones does a step of what the depots hold. Until the last step
// the heap's epoch is the complement of the one that it answers.
[[ASHLAR_RUN_LATER]] void follow_epoch(Heap& heap, std::uint32_t epoch) {
  if (heap.epoch == ~epoch) {
    if (!slab::shrink_step()) heap.epoch = epoch;
    return;
  }
  heap.epoch = ~epoch;
  flush(heap, Flush::kToSlabs);
  slab::begin_shrink();
}

}  // namespace

// Relaxed: about one in kMissesPerTick calls is enough.
void tick_without_heap(Caller who) {
  static constinit std::atomic<std::uint32_t> calls{0};
  if (calls.fetch_add(1, std::memory_order_relaxed) % kMissesPerTick == 0) tick(who);
  if (page::reclaim_is_due()) {
    const BusyApart busy;
    page::reclaim_step();
  }
  if (page::request_waits() && who == Caller::kAllocates) [[unlikely]]
    page::take_request();
}

[[ASHLAR_RUN_LATER, gnu::noinline]] void tick(Caller who) {  // malloc and free, which have entered, call it
  register_with_reclaim();
  const Entry entry;
  if (!entry) return;
  {
    const Uninterrupted uninterrupted;
    const BusyApart apart;
    if (page::reclaim_tick() && vmalloc::any_kept.load(std::memory_order_relaxed)) vmalloc::reap_step();
  }
  if (who == Caller::kAllocates) page::wake_kswapd_if_due();
}

[[ASHLAR_ALWAYS_RUN]] void maintain(Heap& heap, Caller who) {
  const std::uint32_t epoch = page::signals.shrink_epoch.load(std::memory_order_relaxed);  // a hint, publishes nothing
  if (heap.epoch != epoch) {
    const Busy busy(heap);
    follow_epoch(heap, epoch);
  }
  if (any_lost()) [[unlikely]] {
    const Busy busy(heap);
    take_lost_apart();
  }
  ++heap.misses;
  if (heap.misses % kMissesPerNodeLook == 0 && page::node_count() > 1) heap.node = page::node_for_thread(heap.node);
  if (heap.coarse && heap.misses > kTinyMisses) {
    heap.coarse = false;
    for (std::size_t g = 1; g < slab::kCoarseClassOfGranules.size(); ++g) {
      heap.class_of_granules[g] = slab::kClassOfGranules[g];
    }
  }
  if (heap.misses % kMissesPerTick == 0) {
    register_with_reclaim();
    note_budget(heap);
    if (heap.misses % kMissesPerCheck == 0) check_rooms(heap);
    heap.kswapd_due = true;
    const Busy busy(heap);
    if (page::reclaim_tick() && vmalloc::any_kept.load(std::memory_order_relaxed)) vmalloc::reap_step();
  }
  if (page::reclaim_is_due()) {
    const Busy busy(heap);
    page::reclaim_step();
  }
  if (heap.kswapd_due && who == Caller::kAllocates) {
    heap.kswapd_due = false;
    page::wake_kswapd_if_due();
  }
  if (heap.counts != seen.counted.load(std::memory_order_relaxed)) [[unlikely]]
    follow_counting(heap);
  if (page::request_waits() && who == Caller::kAllocates) [[unlikely]]
    page::take_request();
  if (every_call_is_seen()) detach(nobody);
}

[[ASHLAR_RUN_LATER]] void shrink() {
  // None is made: kswapd, which answers a request to trim, is to have none.
  Heap* const heap = current->kind == Kind::kLive ? current : nullptr;
  if (heap != nullptr && !heap->busy) {
    const Busy busy(*heap);
    flush(*heap, Flush::kToSlabs);
  }
  const Uninterrupted uninterrupted;
  while (take_lost_apart()) {
  }
  slab::shrink();
  vmalloc::drop_kept();
}

[[ASHLAR_ALWAYS_RUN]] void options_changed() {
  if (!every_call_is_seen()) return;
  register_fork_handlers();  // the first heap will not come to do it
  if (current->kind == Kind::kLive) detach(nobody);
}

}  // namespace ashlar::heap

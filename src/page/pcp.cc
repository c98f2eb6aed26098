// page: the per-cpu lists of pages, see the header.
#include "page/pcp.h"

#include <utility>

#include "base/hints.h"
#include "os/sanitizers.h"
#include "page/kswapd.h"
#include "page/run_list.h"
#include "page/zone.h"

namespace ashlar::page {

struct alignas(64) PerCpuPages {
  TryLock<LockRank::kPcp> lock;
  bool held_by_fork ASHLAR_GUARDED_BY(lock) = false;
  std::atomic<std::size_t> pages{0};            // in runs; written under the lock, read without it for reports
  std::size_t max ASHLAR_GUARDED_BY(lock) = 0;  // pages that it may hold, as of the last look
  RunList runs ASHLAR_GUARDED_BY(lock);
};

constinit Pcp pcp;
[[ASHLAR_SPARSE]] constinit std::atomic<PerCpuPages*> pcp_lists[kPcpLists];

namespace {

constexpr unsigned kMissesToBegin = 32;  // of a process, before it gets lists: a small one is spared their pages

// What a list holds at most: a sixteenth of the live heap shared by the lists, within these bounds, and as much as the
// longest run that it missed lately.
constexpr std::size_t kMinPages = 512_KiB >> kPageShift;
constexpr std::size_t kMaxPages = 4_MiB >> kPageShift;
// A list that holds too much keeps three quarters of that, so that it is not full again at once.
constexpr unsigned kKeptRuns = RunList::kMax / 4 * 3;
constexpr std::size_t kept_of(std::size_t max) { return max / 4 * 3; }

// Up to so many lists, no run is cut: few processors seldom wait for the zone's lock, and cuts fragment the heap. Those
// to about the length that fits took a tenth more memory for blocks of 36 to 64 KiB, any cuts a quarter more for blocks
// of 32 KiB to 1 MiB.
constexpr unsigned kFewLists = 8;

bool hold(PerCpuPages& list) ASHLAR_TRY_ACQUIRE(true, list.lock) {
  if (!list.lock.try_lock()) return false;
  os::take_over(&list);
  return true;
}

void let_go(PerCpuPages& list) ASHLAR_RELEASE(list.lock) {
  list.pages.store(list.runs.pages(), std::memory_order_relaxed);
  os::hand_over(&list);
  list.lock.unlock();
}

std::atomic<PerCpuPages*>& own_list() { return pcp_lists[threaded() ? os::processor() % kPcpLists : 0]; }

// The list for what was missed, made when the process has asked for enough runs.
PerCpuPages* make_own_list() {
  const unsigned before = pcp.misses.load(std::memory_order_relaxed);
  if (before < kMissesToBegin) {
    pcp.misses.store(before + 1, std::memory_order_relaxed);
    return nullptr;
  }
  std::atomic<PerCpuPages*>& place = own_list();
  void* const memory = metadata_alloc(sizeof(PerCpuPages), alignof(PerCpuPages));
  if (memory == nullptr) return nullptr;
  // zero is an empty list; a loser's memory is lost, once a processor at most
  auto* const list = static_cast<PerCpuPages*>(memory);
  PerCpuPages* expected = nullptr;
  // release: pairs with the acquire of the thread that loads the list
  if (!place.compare_exchange_strong(expected, list, std::memory_order_acq_rel, std::memory_order_acquire)) {
    return expected;
  }
  pcp.made.fetch_add(1, std::memory_order_relaxed);
  if (pcp.time_ms.load(std::memory_order_relaxed) == 0) {
    pcp.time_ms.store(static_cast<std::uint32_t>(os::now_ms()), std::memory_order_relaxed);
  }
  return list;
}

template <class Visit>
[[gnu::always_inline]] inline void for_lists(Visit visit) {
  if (pcp.made.load(std::memory_order_relaxed) == 0) return;  // spares the table's page
  for (auto& place : pcp_lists) {
    // acquire: pairs with the release in make_own_list
    if (PerCpuPages* const list = place.load(std::memory_order_acquire)) visit(*list);
  }
}

std::size_t max_pages() {
  const std::size_t n = pcp.made.load(std::memory_order_relaxed);
  const std::size_t share = live_hint().raw / 16 / (n != 0 ? n : 1);
  return share < kMinPages ? kMinPages : share > kMaxPages ? kMaxPages : share;
}

RunList::Cut rule_of_cuts() {
  return pcp.made.load(std::memory_order_relaxed) <= kFewLists ? RunList::Cut::kNone : RunList::Cut::kAny;
}

std::size_t bound_of(const PerCpuPages& list) ASHLAR_REQUIRES(list.lock) {
  const std::size_t longest = list.runs.longest_missed();
  return list.max > longest ? list.max : longest;
}

// Returns whether runs are to leave the list. A list of a single run keeps it.
bool is_full(const PerCpuPages& list) ASHLAR_REQUIRES(list.lock) {
  return list.runs.count() == RunList::kMax || (list.runs.count() > 1 && list.runs.pages() > bound_of(list));
}

Zone& zone_of(const RunList::Entry& entry) { return *arena_of(descriptor_of(entry.first)).zone; }

void return_to(Zone& zone, const RunList::Entry& entry) ASHLAR_REQUIRES(zone.lock) {
  Page* const page = descriptor_of(entry.first);
  Arena& arena = arena_of(page);
  ASHLAR_ASSERT(state_of(page) == PageState::kPcp, "a run of a list is at hand");
  page->state = PageState::kNone;
  if (entry.watched.raw != 0) zone.watch.add(entry.watched);
  zone.free_run(arena, arena.index_of(page), entry.pages, entry.since);
}

// The runs leave the list for their zones, as old as they are and watched like those that are freed to a zone at once.
[[ASHLAR_OFTEN_RUN]] void return_to_zones(const RunList::Entry* runs, unsigned n) {
  for (unsigned i = 0; i < n;) {
    Zone& zone = zone_of(runs[i]);
    {
      const Guard guard(zone.lock);
      for (; i < n && &zone_of(runs[i]) == &zone; ++i) return_to(zone, runs[i]);
    }
    zone.balance();
  }
}

// Takes out the runs that `goes` says of, from the oldest on, and returns them to their zones. A list that is in use
// just now is left as it is.
template <class Goes>
void drain(PerCpuPages& list, Goes goes) {
  constexpr unsigned kAtOnce = 8;  // they lie on the stack, and malloc may be called on a small one
  static_assert(RunList::kMax % kAtOnce == 0);
  unsigned n = kAtOnce;
  for (unsigned left = RunList::kMax; left > 0 && n == kAtOnce; left -= kAtOnce) {  // what is put in meanwhile may stay
    RunList::Entry out[kAtOnce];
    n = 0;
    if (!hold(list)) return;
    for (unsigned i = 0; i < list.runs.count() && n < kAtOnce;) {
      if (goes(list.runs[i])) out[n++] = list.runs.remove(i);
      else ++i;
    }
    let_go(list);
    return_to_zones(out, n);
  }
}

// Returns the oldest runs of a list that is full even after a look at how much it may hold by now.
[[ASHLAR_OFTEN_RUN, gnu::noinline]] void evict_oldest(PerCpuPages& list) {
  const std::size_t max = max_pages();
  if (!hold(list)) return;
  list.max = max;
  const bool full = is_full(list);
  let_go(list);
  if (!full) return;
  drain(list, [&](const RunList::Entry&) {
    list.lock.assert_held();
    const unsigned n = list.runs.count();
    return n > kKeptRuns || (n > 1 && list.runs.pages() > kept_of(bound_of(list)));
  });
}

}  // namespace

[[ASHLAR_OFTEN_RUN]] Run pcp_take(PageCount count, NodeId node, PageId& damaged) {
  // acquire: pairs with the release in make_own_list
  PerCpuPages* list = own_list().load(std::memory_order_acquire);
  if (list == nullptr && (list = make_own_list()) == nullptr) return {};
  if (!hold(*list)) return {};
  PageId watched;
  const PageId first = list->runs.take(static_cast<std::uint32_t>(count.raw), node, rule_of_cuts(), watched);
  let_go(*list);
  if (first.raw == 0) return {};
  tally::count(tally::Event::kRunFromList);
  if (watched.raw != 0 && is_damaged(watched)) damaged = watched;
  return {first, count, false};
}

[[ASHLAR_OFTEN_RUN]] RunEnd pcp_put(Page* page, PageId first) {
  PerCpuPages* const list = own_list().load(std::memory_order_acquire);  // pairs with the release in make_own_list
  const std::uint32_t pages = run_pages(page);
  if (list == nullptr || pages > kPcpLongest.raw || !hold(*list)) return RunEnd::kRefused;
  RunEnd end = RunEnd::kRefused;
  // another thread filled it and has not come to evict any yet
  bool full = list->runs.count() == RunList::kMax;
  if (!full && list->runs.wants(pages, rule_of_cuts())) {
    end = claim_run(page, PageState::kPcp) ? RunEnd::kDone : RunEnd::kNone;
    if (end == RunEnd::kDone) {
      list->runs.put(page, first, Moment(pcp.time_ms.load(std::memory_order_relaxed)));
      full = is_full(*list);
    }
  }
  let_go(*list);
  if (full) [[unlikely]]
    evict_oldest(*list);
  if (end != RunEnd::kDone) return end;
  tally::count(tally::Event::kRunToList);
  rouse_kswapd();
  return end;
}

void pcp_drain_older(std::uint32_t before_ms) {
  for_lists([&](PerCpuPages& list) {
    drain(list, [&](const RunList::Entry& entry) { return entry.since.before(Moment(before_ms)); });
  });
}

[[ASHLAR_OFTEN_RUN]] void pcp_drain() {
  for_lists([](PerCpuPages& list) { drain(list, [](const RunList::Entry&) { return true; }); });
}

[[ASHLAR_ALWAYS_RUN]] PageId pcp_find_damaged() {
  PageId damaged;
  for_lists([&](PerCpuPages& list) {
    if (damaged.raw != 0 || !hold(list)) return;
    for (unsigned i = 0; i < list.runs.count(); ++i) {
      const PageId watched = list.runs[i].watched;
      if (watched.raw != 0 && is_damaged(watched)) damaged = watched;
    }
    let_go(list);
  });
  return damaged;
}

[[ASHLAR_ALWAYS_RUN]] PageCount pcp_pages() {
  std::size_t pages = 0;
  for_lists([&](const PerCpuPages& list) { pages += list.pages.load(std::memory_order_relaxed); });
  return PageCount(pages);
}

PageCount pcp_pages(NodeId node) {
  std::size_t pages = 0;
  for_lists([&](PerCpuPages& list) {
    if (!hold(list)) return;
    for (unsigned i = 0; i < list.runs.count(); ++i) {
      if (arena_of(descriptor_of(list.runs[i].first)).node == node) pages += list.runs[i].pages;
    }
    let_go(list);
  });
  return PageCount(pages);
}

[[ASHLAR_ALWAYS_RUN]] bool pcp_age() {
  const auto now = static_cast<std::uint32_t>(os::now_ms());
  pcp.time_ms.store(now, std::memory_order_relaxed);
  if (pcp.made.load(std::memory_order_relaxed) == 0) return false;
  pcp_drain_older(now - static_cast<std::uint32_t>(options.decay_ms));
  return pcp_pages().raw != 0;
}

Broken validate_pcp() {
  Broken found;
  for_lists([&](PerCpuPages& list) {
    if (found || !hold(list)) return;
    found = list.runs.validate();
    let_go(list);
  });
  return found;
}

// A list that is made while fork goes through them is neither locked nor unlocked.
[[ASHLAR_OFTEN_RUN]] void lock_pcp_for_fork() {
  for_lists([](PerCpuPages& list) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
    list.lock.lock_for_fork();
    list.held_by_fork = true;
  });
}

[[ASHLAR_OFTEN_RUN]] void unlock_pcp_in_parent() {
  for_lists([](PerCpuPages& list) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
    if (std::exchange(list.held_by_fork, false)) list.lock.unlock();
  });
}

[[ASHLAR_OFTEN_RUN]] void reset_pcp_in_child() {
  for_lists([](PerCpuPages& list) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
    // one that another thread was in may be half changed: what it holds is lost
    if (!std::exchange(list.held_by_fork, false) && list.lock.is_held()) {
      list.runs.forget();
      list.pages.store(0, std::memory_order_relaxed);
    }
    list.lock.reset();
  });
}

}  // namespace ashlar::page

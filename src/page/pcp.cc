// page: the per-cpu lists of pages, see the header.
#include "page/pcp.h"

#include <utility>

#include "base/hints.h"
#include "os/sanitizers.h"
#include "page/kswapd.h"
#include "page/zone.h"

namespace ashlar::page {

namespace {

constexpr unsigned kLists = 256;   // processors beyond share lists
constexpr unsigned kEntries = 32;  // of a list: a search reads 512 bytes
constexpr unsigned kMissed = 8;
constexpr unsigned kWanted = 2;          // misses of a length among the last kMissed that admit runs of it
constexpr unsigned kMissesToBegin = 32;  // of a process, before it gets lists: a small one is spared their pages

// What a list holds at most: a sixteenth of the live heap shared by the lists, within these bounds.
constexpr std::size_t kMinPages = 512_KiB >> kPageShift;
constexpr std::size_t kMaxPages = 4_MiB >> kPageShift;

struct Entry {
  PageId first;
  std::uint32_t pages;
  std::uint32_t since_ms;  // about when it was put in
};

struct alignas(64) PerCpuPages {
  TryLock<LockRank::kPcp> lock;
  bool held_by_fork ASHLAR_GUARDED_BY(lock) = false;
  std::uint32_t count ASHLAR_GUARDED_BY(lock) = 0;
  std::uint32_t next_missed ASHLAR_GUARDED_BY(lock) = 0;
  std::uint32_t missed[kMissed] ASHLAR_GUARDED_BY(lock) = {};  // lengths; 0: none
  std::atomic<std::size_t> pages{0};  // in entries; written under the lock, read without it for reports
  std::uint32_t last_taken ASHLAR_GUARDED_BY(lock) = 0;  // its length
  std::size_t most ASHLAR_GUARDED_BY(lock) = 0;          // pages that entries may hold, as of the last look
  Entry entries[kEntries] ASHLAR_GUARDED_BY(lock);
};

// Release, acquire: who sees a list sees it made.
[[ASHLAR_SPARSE]] constinit std::atomic<PerCpuPages*> lists[kLists];
constinit std::atomic<unsigned> lists_made{0};     // relaxed: a hint for their size
constinit std::atomic<unsigned> misses_before{0};  // relaxed: about so many is enough
constinit std::atomic<std::uint32_t> time_ms{0};   // relaxed: as of the last tick

std::atomic<PerCpuPages*>& own_list() { return lists[threaded() ? os::processor() % kLists : 0]; }

// The list for what was missed, made when the process has asked for enough runs.
PerCpuPages* make_own_list() {
  const unsigned before = misses_before.load(std::memory_order_relaxed);
  if (before < kMissesToBegin) {
    misses_before.store(before + 1, std::memory_order_relaxed);
    return nullptr;
  }
  std::atomic<PerCpuPages*>& place = own_list();
  void* const memory = metadata_alloc(sizeof(PerCpuPages), alignof(PerCpuPages));
  if (memory == nullptr) return nullptr;
  // zero is an empty list; a loser's memory is lost, once a processor at most
  auto* const list = static_cast<PerCpuPages*>(memory);
  PerCpuPages* expected = nullptr;
  // release: pairs with the acquire of whoever loads the list
  if (!place.compare_exchange_strong(expected, list, std::memory_order_acq_rel, std::memory_order_acquire)) {
    return expected;
  }
  lists_made.fetch_add(1, std::memory_order_relaxed);
  if (time_ms.load(std::memory_order_relaxed) == 0) {
    time_ms.store(static_cast<std::uint32_t>(os::now_ms()), std::memory_order_relaxed);
  }
  return list;
}

template <class Visit>
void for_lists(Visit visit) {
  if (lists_made.load(std::memory_order_relaxed) == 0) return;  // spares the table's page
  for (auto& place : lists) {
    // acquire: pairs with the release in make_own_list
    if (PerCpuPages* const list = place.load(std::memory_order_acquire)) visit(*list);
  }
}

// Sums without the lock, for reports.
void add_pages(PerCpuPages& list, std::size_t change) ASHLAR_REQUIRES(list.lock) {
  list.pages.store(list.pages.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
}

std::size_t most_pages() {
  const std::size_t n = lists_made.load(std::memory_order_relaxed);
  const std::size_t share = live_hint().raw / 16 / (n != 0 ? n : 1);
  return share < kMinPages ? kMinPages : share > kMaxPages ? kMaxPages : share;
}

Entry remove_at(PerCpuPages& list, unsigned index) ASHLAR_REQUIRES(list.lock) {
  ASHLAR_ASSERT(index < list.count && list.count <= kEntries, "the entry is one of the list");
  const Entry entry = list.entries[index];
  ASHLAR_ASSERT(list.pages.load(std::memory_order_relaxed) >= entry.pages, "a list counts the pages of its runs");
  --list.count;
  for (unsigned i = index; i < list.count; ++i) list.entries[i] = list.entries[i + 1];
  add_pages(list, std::size_t{0} - entry.pages);
  return entry;
}

bool wants(const PerCpuPages& list, std::uint32_t pages) ASHLAR_REQUIRES(list.lock) {
  if (pages == list.last_taken) return true;
  for (unsigned i = list.count; i-- > 0;) {
    if (list.entries[i].pages == pages) return true;
  }
  unsigned missed = 0;
  for (const std::uint32_t length : list.missed) missed += length == pages ? 1 : 0;
  return missed >= kWanted;
}

// The run leaves the list for its zone, as old as it is and watched like those that are freed to the zone at once.
void return_to_zone(const Entry& entry) {
  Page* const page = descriptor_of(entry.first);
  Arena& arena = arena_of(page);
  Zone& zone = *arena.zone;
  {
    const Guard guard(zone.lock);
    ASHLAR_ASSERT(state_of(page) == PageState::kPcp, "a run of a list is at hand");
    page->state = PageState::kNone;
    zone.watch.add(entry.first);
    zone.free_run(arena, arena.index_of(page), entry.pages, Moment(entry.since_ms));
  }
  zone.balance();
}

// Takes runs out from the oldest on while `goes` says so, and returns them to their zones. A list that is in use just
// now is left as it is.
template <class Goes>
void drain(PerCpuPages& list, Goes goes) {
  constexpr unsigned kAtOnce = 8;  // they lie on the stack, and malloc may be called on a small one
  unsigned n = kAtOnce;
  for (unsigned left = kEntries; left > 0 && n == kAtOnce; left -= kAtOnce) {
    Entry out[kAtOnce];
    n = 0;
    if (!list.lock.try_lock()) return;
    os::take_over(&list);
    while (n < kAtOnce && list.count != 0 && goes(list.entries[0])) out[n++] = remove_at(list, 0);
    os::hand_over(&list);
    list.lock.unlock();
    for (unsigned i = 0; i < n; ++i) return_to_zone(out[i]);
  }
}

// Returns the oldest runs of a full list, after a look at how much it may hold by now.
[[gnu::noinline]] void evict_oldest(PerCpuPages& list) {
  const std::size_t most = most_pages();
  drain(list, [&](const Entry&) {
    list.lock.assert_held();
    list.most = most;
    return list.count == kEntries || list.pages.load(std::memory_order_relaxed) > most;
  });
}

}  // namespace

Run pcp_take(PageCount count, NodeId node, PageId& damaged) {
  // acquire: pairs with the release in make_own_list
  PerCpuPages* list = own_list().load(std::memory_order_acquire);
  if (list == nullptr && (list = make_own_list()) == nullptr) return {};
  if (!list->lock.try_lock()) return {};
  os::take_over(list);
  const auto pages = static_cast<std::uint32_t>(count.raw);
  for (unsigned i = list->count; i-- > 0;) {
    if (list->entries[i].pages != pages) continue;
    Page* const page = descriptor_of(list->entries[i].first);
    if (arena_of(page).node != node) continue;
    const PageId first = remove_at(*list, i).first;
    list->last_taken = pages;
    tally::count(tally::Event::kRunFromList);
    os::hand_over(list);
    list->lock.unlock();
    if (is_damaged(first)) damaged = first;
    ASHLAR_ASSERT(state_of(page) == PageState::kPcp && page->run.pages == pages,
                  "a run of a list is at hand, and as long as it says");
    page->owner = nullptr;
    std::atomic_ref(page->state).store(PageState::kRun, std::memory_order_relaxed);
    return {first, count, false};
  }
  list->missed[list->next_missed++ % kMissed] = pages;
  if (pages == list->last_taken) list->last_taken = 0;
  os::hand_over(list);
  list->lock.unlock();
  return {};
}

RunEnd pcp_put(Page* page, PageId first) {
  PerCpuPages* const list = own_list().load(std::memory_order_acquire);  // pairs with the release in make_own_list
  const std::uint32_t pages = page->run.pages;
  if (list == nullptr || pages > kPcpLongest.raw || !list->lock.try_lock()) return RunEnd::kRefused;
  os::take_over(list);
  RunEnd end = RunEnd::kRefused;
  // another thread filled it and has not come to evict any yet
  bool full = list->count == kEntries;
  if (!full && wants(*list, pages)) {
    end = claim_run(page, PageState::kPcp) ? RunEnd::kDone : RunEnd::kNone;
    if (end == RunEnd::kDone) {
      list->entries[list->count++] = {first, pages, time_ms.load(std::memory_order_relaxed)};
      add_pages(*list, pages);
      tally::count(tally::Event::kRunToList);
      full = list->count == kEntries || list->pages.load(std::memory_order_relaxed) > list->most;
    }
  }
  os::hand_over(list);
  list->lock.unlock();
  if (full) [[unlikely]]
    evict_oldest(*list);
  if (end == RunEnd::kDone) rouse_kswapd();
  return end;
}

void pcp_drain_older(std::uint32_t before_ms) {
  // 32 bits of milliseconds wrap after 49 days; the sign of the difference is right across the wrap
  for_lists([&](PerCpuPages& list) {
    drain(list, [&](const Entry& entry) { return static_cast<std::int32_t>(entry.since_ms - before_ms) < 0; });
  });
}

void pcp_drain() {
  for_lists([](PerCpuPages& list) { drain(list, [](const Entry&) { return true; }); });
}

PageId pcp_find_damaged() {
  PageId damaged;
  for_lists([&](PerCpuPages& list) {
    if (damaged.raw != 0 || !list.lock.try_lock()) return;
    for (unsigned i = 0; i < list.count; ++i) {
      if (is_damaged(list.entries[i].first)) damaged = list.entries[i].first;
    }
    list.lock.unlock();
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
    if (!list.lock.try_lock()) return;
    for (unsigned i = 0; i < list.count; ++i) {
      if (arena_of(descriptor_of(list.entries[i].first)).node == node) pages += list.entries[i].pages;
    }
    list.lock.unlock();
  });
  return PageCount(pages);
}

[[ASHLAR_ALWAYS_RUN]] bool pcp_age() {
  const auto now = static_cast<std::uint32_t>(os::now_ms());
  time_ms.store(now, std::memory_order_relaxed);
  if (lists_made.load(std::memory_order_relaxed) == 0) return false;
  pcp_drain_older(now - static_cast<std::uint32_t>(options.decay_ms));
  return pcp_pages().raw != 0;
}

namespace {

Broken validate_list(const PerCpuPages& list) ASHLAR_REQUIRES(list.lock) {
  if (list.count > kEntries) return broken("a per-cpu list has no more runs than room", &list);
  std::size_t pages = 0;
  for (unsigned i = 0; i < list.count; ++i) {
    Page* const page = descriptor_of(list.entries[i].first);
    if (page == nullptr || state_of(page) != PageState::kPcp)
      return broken("a run of a per-cpu list is at hand", &list.entries[i]);
    if (page->run.pages != list.entries[i].pages) return broken("a run of a per-cpu list is as long as it says", page);
    pages += list.entries[i].pages;
  }
  if (pages != list.pages.load(std::memory_order_relaxed)) return broken("a per-cpu list counts its pages", &list);
  return {};
}

}  // namespace

Broken validate_pcp() {
  Broken found;
  for_lists([&](PerCpuPages& list) {
    if (found || !list.lock.try_lock()) return;
    found = validate_list(list);
    list.lock.unlock();
  });
  return found;
}

void forget_pcp() {
  for (auto& place : lists) place.store(nullptr, std::memory_order_relaxed);
  lists_made.store(0, std::memory_order_relaxed);
  misses_before.store(0, std::memory_order_relaxed);
  time_ms.store(0, std::memory_order_relaxed);
}

// A list that is made while fork goes through them is neither locked nor unlocked.
void lock_pcp_for_fork() {
  for_lists([](PerCpuPages& list) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
    list.lock.lock_for_fork();
    list.held_by_fork = true;
  });
}

void unlock_pcp_in_parent() {
  for_lists([](PerCpuPages& list) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
    if (std::exchange(list.held_by_fork, false)) list.lock.unlock();
  });
}

void reset_pcp_in_child() {
  for_lists([](PerCpuPages& list) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
    // one that was made meanwhile may be half changed: what it holds is lost to the child
    if (!std::exchange(list.held_by_fork, false)) {
      list.count = 0;
      list.pages.store(0, std::memory_order_relaxed);
    }
    list.lock.reset();
  });
}

}  // namespace ashlar::page

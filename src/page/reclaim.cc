// page: reclaim. Who gives pages back to the OS, and when:
//   - the thread that frees, when dirty free pages pass the zone's high watermark: down to low, in batches;
//   - any thread on its slow path, for blocks that were free for longer than decay_ms;
//   - kswapd, the same, in a process that has threads of its own and while there is something to give;
//   - malloc_trim, and everybody when memory is short: all of it.
//
// A block that is being purged is off the free areas ("isolated"), so the system call needs no lock.
#include <atomic>

#include "page/zone.h"

namespace ashlar::page {

constinit std::atomic<std::uint32_t> shrink_epoch{0};
constinit std::atomic<std::size_t> pages_outside{0};

namespace {

constexpr unsigned kBatch = 16;            // blocks isolated at a time
constexpr std::uint32_t kBridge = 16;      // clean pages purged along, rather than making two calls
constexpr std::uint64_t kTickMs = 50;      // the least time between two looks for old blocks
constexpr std::size_t kKswapdStart = 256;  // dirty free pages that are worth a thread: 1 MiB
constexpr std::size_t kKswapdLive = 4096;  // or pages in use, which may become free when nobody allocates: 16 MiB
constexpr std::size_t kKswapdIdle = 64;    // below this it has nothing to do
constexpr int kKswapdIdleRounds = 4;       // and after so many such rounds it ends
constexpr std::size_t kShrinkLeast = 512;  // no heap below 2 MiB is told to shrink
constexpr unsigned kMaxShrinkers = 4;
constexpr std::size_t kDescriptorsWorthACall = 2 * kPageBytes;  // those of 1 MiB

constinit std::atomic<void (*)()> shrinkers[kMaxShrinkers];
constinit std::atomic<bool> kswapd_runs{false};
constinit std::atomic<std::uint64_t> last_tick_ms{0};
constinit std::atomic<std::uint64_t> last_wake_ms{0};
constinit std::atomic<std::size_t> threads{0};  // relaxed everywhere: a hint

std::size_t to_pages(std::uint64_t bytes) { return static_cast<std::size_t>(bytes >> kPageShift); }

// Of free pages' descriptors only that of a block's first page is in use; the others hold nothing but what zero means
// as well. They come to a 128th of the pages: those of a high peak would stay for good.
void purge_descriptors(const Page* first, const Page* end) {
  const std::uintptr_t last = round_down(reinterpret_cast<std::uintptr_t>(end), os::page_bytes());
  std::uintptr_t start = round_up(reinterpret_cast<std::uintptr_t>(first), os::page_bytes());
  if (last < start + kDescriptorsWorthACall) return;
  std::size_t bytes = last - start;
  os::purge(start, bytes, PurgeMode::kDontNeed, os::kMetadataName);
}

void purge_descriptors(const Page* block) {
  if (block->free_block.dirty_pages == 0) purge_descriptors(block + 1, block + block->order.pages().raw);
}

// Sleeps in slices, to see soon that the process has no other thread left.
bool sleep_while_threaded(std::uint64_t ms) {
  while (ms > 0 && threads.load(std::memory_order_relaxed) > 1) {
    const std::uint64_t slice = ms < kTickMs ? ms : kTickMs;
    os::sleep_ms(slice);
    ms -= slice;
  }
  return threads.load(std::memory_order_relaxed) > 1;
}

[[gnu::cold]] void run_kswapd() {
  const std::uint64_t pause = options.decay_ms / 4 < kTickMs ? kTickMs : options.decay_ms / 4;
  for (int idle = 0; idle < kKswapdIdleRounds && sleep_while_threaded(pause);) {
    for (auto& shrinker : shrinkers) {
      // acquire: pairs with the release in register_shrinker
      if (auto* const shrink = shrinker.load(std::memory_order_acquire)) shrink();
    }
    std::size_t dirty = 0;
    for_zones([&](Zone& zone) {
      zone.purge(0, options.decay_ms);
      const Guard guard(zone.lock);
      dirty += zone.dirty_free();
    });
    idle = dirty <= kKswapdIdle ? idle + 1 : 0;
  }
  // release: pairs with the acquire in wake_kswapd, which may start the next one
  kswapd_runs.store(false, std::memory_order_release);
}

void wake_kswapd() {
  bool expected = false;
  // acquire: pairs with the release at the end of run_kswapd
  if (!kswapd_runs.compare_exchange_strong(expected, true, std::memory_order_acquire, std::memory_order_relaxed))
    return;
  if (!os::start_thread(run_kswapd)) kswapd_runs.store(false, std::memory_order_relaxed);
}

// True for one caller in each kTickMs. Relaxed: which one of several does not matter.
bool tick(std::atomic<std::uint64_t>& last_ms) {
  const std::uint64_t now = os::now_ms();
  std::uint64_t last = last_ms.load(std::memory_order_relaxed);
  return now - last >= kTickMs && last_ms.compare_exchange_strong(last, now, std::memory_order_relaxed);
}

struct Stretch {
  std::uint32_t first, end;
};

// The next stretch of dirty pages in [from, end), short clean gaps included, and rounded out to whole OS pages within
// [low, end): the clean neighbours make whole ones where OS pages are larger than the allocator's.
Stretch next_stretch(const Arena& arena, std::uint32_t low, std::uint32_t from, std::uint32_t end) {
  const std::uint32_t first = arena.find(from, end, true);
  std::uint32_t stop = arena.find(first, end, false);
  for (std::uint32_t next = arena.find(stop, end, true); next < end && next - stop <= kBridge;) {
    stop = arena.find(next, end, false);
    next = arena.find(stop, end, true);
  }
  const auto per_os_page = static_cast<std::uint32_t>(PageCount::ceil(os::page_bytes()).raw);
  const auto rounded_first = static_cast<std::uint32_t>(round_down(first, per_os_page));
  const auto rounded_stop = static_cast<std::uint32_t>(round_up(stop, per_os_page));
  return {rounded_first > low ? rounded_first : low, rounded_stop < end ? rounded_stop : end};
}

}  // namespace

// Together with what is in use, dirty free pages may reach the recent height of use and a bit more: a heap that
// goes up and down within its height costs no page faults, and its peak stays what it was. See note_shrinking for a
// heap that leaves that height for good.
std::size_t Zone::high_watermark() const {
  const std::size_t slack = recent_max_live_ / 100 * static_cast<std::size_t>(options.dirty_ratio);
  const std::size_t in_use = live().raw;
  return to_pages(options.dirty_min) + slack + (recent_max_live_ > in_use ? recent_max_live_ - in_use : 0);
}

// When the heap is down to half of its last height, the program has come to another phase: whoever holds free objects
// for the old one should let go. Half, so that the cost is spread over as many frees.
void Zone::note_shrinking() {
  const std::size_t in_use = live().raw;
  live_hint_.store(in_use, std::memory_order_relaxed);
  dirty_hint_.store(dirty_free_, std::memory_order_relaxed);
  if (recent_max_live_ < kShrinkLeast || in_use > recent_max_live_ / 2) return;
  recent_max_live_ = in_use;
  request_shrink();
}

void Zone::isolate_one(Page* head, PageState state, std::size_t pages) {
  head->state = state;
  isolated_.push_front(head);
  isolated_pages_ += pages;
}

void Zone::end_isolation(Page* head, std::size_t pages) {
  isolated_.remove(head);
  head->state = PageState::kNone;
  isolated_pages_ -= pages;
}

void Zone::take_back_isolated() {
  while (Page* const head = isolated_.front()) {
    Arena& arena = arena_of(head);
    if (head->state == PageState::kIsolatedExtent) {
      const std::uint32_t pages = head->extent.pages, age_ms = head->extent.age_ms;
      end_isolation(head, pages);
      add_extent(arena, arena.index_of(head), pages, age_ms);
    } else {
      const Order order = head->order;
      end_isolation(head, order.pages().raw);
      insert(arena, arena.index_of(head), order, head->free_block.age_ms);
    }
  }
}

// Takes blocks off the free areas, the largest first and within an order the oldest.
unsigned Zone::isolate(Page** victims, unsigned most, std::size_t target, std::uint64_t min_age_ms) {
  const auto now = static_cast<std::uint32_t>(os::now_ms());
  const Order least = Order::holding(PageCount::ceil(os::page_bytes()));
  unsigned n = 0;
  for (unsigned o = kMaxOrder.raw + 1u; o-- > least.raw;) {
    while (n < most && dirty_free_ > target) {
      Page* const block = areas_[o].dirty.back();
      // 32 bits of milliseconds wrap after 49 days; the difference is right across the wrap
      if (block == nullptr || now - block->free_block.age_ms < min_age_ms) break;
      unlink(block);
      isolate_one(block, PageState::kIsolated, block->order.pages().raw);
      victims[n++] = block;
    }
  }
  return n;
}

// Purges an isolated block and frees it as what it has become. Takes the lock for the bits, whose words the block may
// share with neighbours, and drops it around the system calls.
std::size_t Zone::give_back(Page* victim) {
  Arena& arena = arena_of(victim);
  const std::uint32_t first = arena.index_of(victim);
  const std::uint32_t end = first + static_cast<std::uint32_t>(victim->order.pages().raw);
  std::size_t pages = 0;
  lock.lock();
  for (std::uint32_t at = first; arena.find(at, end, true) < end;) {
    const Stretch stretch = next_stretch(arena, first, at, end);
    lock.unlock();
    std::uintptr_t start = arena.address_of(stretch.first);
    std::size_t bytes = std::size_t{stretch.end - stretch.first} << kPageShift;
    const bool done = os::purge(start, bytes, static_cast<PurgeMode>(options.purge));
    lock.lock();
    if (done) {
      const auto gone = static_cast<std::uint32_t>((start - arena.base) >> kPageShift);
      const auto count = static_cast<std::uint32_t>(bytes >> kPageShift);
      pages += arena.count_dirty(gone, count);
      arena.set_dirty(gone, count, false);
    }
    at = stretch.end;
  }
  purged_ += pages;
  const Order order = victim->order;
  const std::uint32_t age_ms = victim->free_block.age_ms;
  end_isolation(victim, order.pages().raw);
  purge_descriptors(insert(arena, first, order, age_ms));
  lock.unlock();
  return pages;
}

// Purges extents, of the last one only as much as the target asks for. What went is clean, and the buddy's; so is
// what the system would not take, which the purge of blocks looks after.
std::size_t Zone::purge_extents(std::size_t target, std::uint64_t min_age_ms) {
  std::size_t pages = 0;
  const auto now_ms = static_cast<std::uint32_t>(os::now_ms());
  const auto least = static_cast<std::uint32_t>(PageCount::ceil(os::page_bytes()).raw);
  const Guard guard(lock);
  while (dirty_free_ > target) {
    Page* const extent = extents_.find_from_largest([&](const Page* candidate) {
      return candidate->extent.pages >= least && now_ms - candidate->extent.age_ms >= min_age_ms;
    });
    if (extent == nullptr) break;
    Arena& arena = arena_of(extent);
    const std::size_t excess = dirty_free_ - target;
    const std::uint32_t age_ms = extent->extent.age_ms, start = arena.index_of(extent);
    const std::uint32_t all = remove_extent(extent);
    std::uint32_t count = all;
    if (excess + kBridge < all) count = static_cast<std::uint32_t>(round_up(excess, least));
    // the front of one that borders on the untouched rest, which it can join again; the end of others
    const bool front = &arena == last_ && start == rest_end_;
    const std::uint32_t first = front ? start : start + all - count;
    if (count < all) add_extent(arena, front ? start + count : start, all - count, age_ms);
    pages += purge_pages(arena, first, count, age_ms);
  }
  purged_ += pages;
  return pages;
}

// Purges free pages that are in no list, under the lock, which it drops around the system call.
std::size_t Zone::purge_pages(Arena& arena, std::uint32_t first, std::uint32_t count, std::uint32_t age_ms) {
  Page* const head = arena.descriptors + first;
  head->arena = static_cast<std::uint16_t>(&arena - arenas);
  head->extent = {age_ms, count};
  isolate_one(head, PageState::kIsolatedExtent, count);
  lock.unlock();
  std::uintptr_t start = arena.address_of(first);
  std::size_t bytes = std::size_t{count} << kPageShift;
  const bool done = os::purge(start, bytes, static_cast<PurgeMode>(options.purge));
  lock.lock();
  end_isolation(head, count);
  const std::size_t gone = done ? bytes >> kPageShift : 0;
  if (done) {
    const auto at = static_cast<std::uint32_t>((start - arena.base) >> kPageShift);
    arena.set_dirty(at, static_cast<std::uint32_t>(gone), false);
  }
  if (gone == count && &arena == last_ && first == rest_end_) {
    rest_end_ += count;
    free_ += count;
    note_shrinking();
    purge_descriptors(head, head + count);
  } else {
    give(arena, first, count);
    for (std::uint32_t at = first; at < first + count;) {
      const Page* const block = free_block_around(arena, at);
      purge_descriptors(block);
      at = arena.index_of(block) + static_cast<std::uint32_t>(block->order.pages().raw);
    }
  }
  return gone;
}

std::size_t Zone::purge(std::size_t target, std::uint64_t min_age_ms) {
  const std::size_t pages = purge_extents(target, min_age_ms) + purge_blocks(target, min_age_ms);
  const Guard guard(lock);
  dirty_hint_.store(dirty_free_, std::memory_order_relaxed);
  return pages;
}

std::size_t Zone::purge_blocks(std::size_t target, std::uint64_t min_age_ms) {
  std::size_t pages = 0;
  for (;;) {
    Page* victims[kBatch];
    lock.lock();
    const unsigned n = isolate(victims, kBatch, target, min_age_ms);
    lock.unlock();
    std::size_t now = 0;
    for (unsigned i = 0; i < n; ++i) now += give_back(victims[i]);
    pages += now;
    if (n < kBatch || now == 0) return pages;  // nothing more, or the system refuses
  }
}

void Zone::balance() {
  lock.lock();
  const std::size_t high = high_watermark();
  const bool over = dirty_free_ > high;
  lock.unlock();
  if (over) purge(high - high / 4, 0);
}

std::size_t purge_all(std::size_t target) {
  const auto dirty_of = [](Zone& zone) {
    const Guard guard(zone.lock);
    return zone.dirty_free();
  };
  std::size_t dirty = 0, pages = 0;
  for_zones([&](Zone& zone) { dirty += dirty_of(zone); });
  std::size_t excess = dirty > target ? dirty - target : 0;
  for_zones([&](Zone& zone) {
    const std::size_t own = dirty_of(zone), gone = zone.purge(own > excess ? own - excess : 0, 0);
    excess -= gone < excess ? gone : excess;
    pages += gone;
  });
  return pages;
}

PageCount live_hint() {
  std::size_t live = 0;
  for_zones([&](const Zone& zone) { live += zone.live_hint(); });
  return PageCount(live);
}

bool far_below_peak() {
  std::size_t most = 0;
  for_zones([&](const Zone& zone) { most += zone.max_live_hint(); });
  return live_hint().raw < most / 2;
}

void request_shrink() { shrink_epoch.fetch_add(1, std::memory_order_relaxed); }  // a hint: publishes nothing

void register_shrinker(void (*shrink)()) {
  for (auto& slot : shrinkers) {
    void (*expected)() = nullptr;
    // release: pairs with the acquire in run_kswapd
    if (slot.compare_exchange_strong(expected, shrink, std::memory_order_release, std::memory_order_relaxed) ||
        expected == shrink) {
      return;
    }
  }
}

bool reclaim_all() {
  request_shrink();
  std::size_t pages = 0;
  for_zones([&](Zone& zone) { pages += zone.purge(0, 0); });
  return pages > 0;
}

void reclaim_tick() {
  if (tick(last_tick_ms)) for_zones([](Zone& zone) { zone.purge(0, options.decay_ms); });
}

void note_threads(std::size_t n) { threads.store(n, std::memory_order_relaxed); }
bool threaded() { return threads.load(std::memory_order_relaxed) > 1; }

void wake_kswapd_if_due() {
  if (options.kswapd == 0 || threads.load(std::memory_order_relaxed) < 2 || !tick(last_wake_ms)) return;
  std::size_t dirty = 0, live = 0;
  for_zones([&](Zone& zone) {
    const Guard guard(zone.lock);
    dirty += zone.dirty_free();
    live += zone.live().raw;
  });
  if (dirty >= kKswapdStart || live >= kKswapdLive) wake_kswapd();
}

bool release_reservation() {
  bool any = false;
  for_zones([&](Zone& zone) {
    const Guard guard(zone.lock);
    any |= zone.has_reservation();
    zone.release_reservation();
  });
  return any;
}

void lock_for_fork() {
  for_zones([](Zone& zone) { zone.lock.lock_beside_same_rank(); });
  lock_arenas_for_fork();
  lock_metadata_for_fork();
}

void unlock_in_parent() {
  unlock_metadata_in_parent();
  unlock_arenas_in_parent();
  for_zones([](Zone& zone) { zone.lock.unlock(); });
}

void reset_in_child() {
  reset_metadata_in_child();
  reset_arenas_in_child();
  reset_nodes_in_child();
  for_zones([](Zone& zone) {
    zone.lock.reset();
    zone.take_back_isolated();
  });
  kswapd_runs.store(false, std::memory_order_relaxed);  // no other thread exists yet
}

}  // namespace ashlar::page

// page: huge pages for dense zones. A fault costs the more the fewer pages it brings: where the kernel has a huge page
// at hand, it is made resident sooner than its 512 pages one by one (bench/JOURNAL.md), and costs one TLB entry. In a
// heap that is large already, slabs fill a fresh stretch of 2 MiB soon and from its start, so it is made resident as a
// whole and then used first, as all dirty blocks are. MADV_COLLAPSE does that for one stretch; MADV_HUGEPAGE would
// have khugepaged bring back what was purged.
#include "page/zone.h"

namespace ashlar::page {

namespace {

constexpr Order kHugeOrder = Order::holding(PageCount::floor(os::kHugeBytes));
constexpr PageCount kHugeFrom = PageCount::floor(32_MiB);  // in use, from which on a heap is large
constexpr std::uint32_t kMaxSkips = 65536;

}  // namespace

// Makes the first 2 MiB of a clean block resident, dropping the lock around the system call. False, and nothing
// changed, where that is not wanted.
bool Zone::populate(Page* clean) {
  if (swap != nullptr || clean->order < kHugeOrder || live() < kHugeFrom) return false;
  if (huge_skips_ > 0) return --huge_skips_, false;
  Page* const head = cut_out(clean, kHugeOrder);
  head->free_block = {Moment(os::now_ms()), 0};
  isolate_one(head, PageState::kIsolated, kHugeOrder.pages());
  Arena& arena = arena_of(head);
  const PageIndex first = arena.index_of(head);
  // the kernel fills it by a write, so its pages are not watched from here on
  const PageId damaged = watch.end(arena.id_of(first), kHugeOrder.pages());
  lock.unlock();
  tell_damaged(damaged);
  const bool done = os::populate_huge(reinterpret_cast<void*>(arena.address_of(first)));
  lock.lock();
  // where the kernel has no huge page, the next blocks are skipped, twice as many after each refusal
  if (!done) huge_skips_ = huge_refused_ = huge_refused_ < kMaxSkips ? 2 * huge_refused_ + 8 : kMaxSkips;
  arena.set_dirty(first, done ? static_cast<std::uint32_t>(kHugeOrder.pages().raw) : 1, true);
  const Moment since = head->free_block.since;
  end_isolation(head, kHugeOrder.pages());
  insert(arena, first, kHugeOrder, since);
  return true;
}

}  // namespace ashlar::page

// page: runs at hand of a processor, see the header.
#include "page/run_list.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/hints.h"

namespace ashlar::page {

namespace {

// Release: pairs with the acquire of validate, which may walk over the arena meanwhile and reads the length next.
void set_state(Page* page, PageState state) { std::atomic_ref(page->state).store(state, std::memory_order_release); }

// Joins a run with another, an older one, if that is its neighbour.
bool join(RunList::Entry& run, const RunList::Entry& other) {
  const bool before = other.first.raw + other.pages == run.first.raw;
  const bool behind = run.first.raw + run.pages == other.first.raw;
  if (!before && !behind) return false;
  Page* const head = descriptor_of(before ? other.first : run.first);
  Page* const inner = descriptor_of(before ? run.first : other.first);
  if (head->arena != inner->arena) return false;
  run.since = mean_of(run.since, run.pages, other.since, other.pages);
  run.pages += other.pages;
  if (before) run.first = other.first;
  if (run.watched.raw == 0) run.watched = other.watched;
  set_run_pages(head, run.pages);
  set_state(inner, PageState::kNone);
  return true;
}

// The longest run that serves.
constexpr std::uint32_t longest_for(std::uint32_t count, RunList::Cut cut) {
  return cut == RunList::Cut::kNone ? count : UINT32_MAX;
}

bool is_of_node(const RunList::Entry& entry, NodeId node) { return arena_of(descriptor_of(entry.first)).node == node; }

}  // namespace

[[ASHLAR_OFTEN_RUN]] unsigned RunList::find(std::uint32_t count, NodeId node, Cut cut) const {
  std::uint32_t longest = longest_for(count, cut);
  unsigned best = kMax;
  for (unsigned i = count_; i-- > 0 && longest >= count;) {
    const std::uint32_t pages = entries_[i].pages;
    if (pages < count || pages > longest || !is_of_node(entries_[i], node)) continue;
    best = i;
    longest = pages - 1;
  }
  return best;
}

// The rest stays in its place, as old as it is.
[[ASHLAR_OFTEN_RUN]] PageId RunList::cut_off(Entry& entry, std::uint32_t count) {
  const PageId first = entry.first;
  Page* const head = descriptor_of(first);
  Page* const rest = head + count;
  entry.first = PageId(first.raw + count);
  entry.pages -= count;
  pages_ -= count;
  rest->arena = head->arena;
  rest->run.from_alloc_pages = rest->run.owned = false;
  set_run_pages(rest, entry.pages);
  set_state(rest, PageState::kPcp);
  set_run_pages(head, count);
  return first;
}

[[ASHLAR_OFTEN_RUN]] PageId RunList::take(std::uint32_t count, NodeId node, Cut cut, PageId& watched) {
  unsigned index = find(count, node, cut);
  if (index == kMax && cut == Cut::kAny && may_join_ && pages_ >= count) {
    join_all();
    index = find(count, node, cut);
  }
  if (index == kMax) {
    missed_[next_missed_++ % kMissed] = count;
    if (count == last_taken_) last_taken_ = 0;
    return {};
  }
  Entry& entry = entries_[index];
  Page* const head = descriptor_of(entry.first);
  ASHLAR_ASSERT(state_of(head) == PageState::kPcp && run_pages(head) == entry.pages,
                "a run of a list is at hand, and as long as it says");
  if (entry.watched.raw - entry.first.raw < count) watched = std::exchange(entry.watched, PageId());
  const PageId first = entry.pages == count ? remove(index).first : cut_off(entry, count);
  taken_ += count;
  last_taken_ = count;
  head->owner = nullptr;
  set_state(head, PageState::kRun);
  return first;
}

[[ASHLAR_OFTEN_RUN]] bool RunList::wants(std::uint32_t pages, Cut cut) const {
  if (pages == last_taken_ || (cut == Cut::kAny && taken_ >= pages)) return true;
  for (unsigned i = count_; i-- > 0;) {
    if (entries_[i].pages == pages) return true;
  }
  unsigned missed = 0;
  for (const std::uint32_t count : missed_) {
    if (count != 0 && pages >= count && pages <= longest_for(count, cut)) ++missed;
  }
  return missed >= kWanted;
}

[[ASHLAR_OFTEN_RUN]] std::uint32_t RunList::longest_missed() const {
  return *std::max_element(std::begin(missed_), std::end(missed_));
}

[[ASHLAR_OFTEN_RUN]] void RunList::put(Page* page, PageId first, Moment now) {
  ASHLAR_ASSERT(count_ < kMax && state_of(page) == PageState::kPcp, "a run that was claimed finds room");
  const std::uint32_t pages = run_pages(page);
  entries_[count_++] = {first, first, pages, now};
  pages_ += pages;
  taken_ -= pages < taken_ ? pages : taken_;
  may_join_ = true;
}

// What an entry has joined of the older ones has no neighbour among the newer ones: these have joined theirs.
[[ASHLAR_OFTEN_RUN]] void RunList::join_all() {
  for (unsigned i = count_; i-- > 0;) {
    for (unsigned other = i; other-- > 0;) {
      if (!join(entries_[i], entries_[other])) continue;
      const std::size_t pages = pages_;
      remove(other);
      pages_ = pages;
      other = --i;
    }
  }
  may_join_ = false;
}

[[ASHLAR_OFTEN_RUN]] RunList::Entry RunList::remove(unsigned index) {
  ASHLAR_ASSERT(index < count_ && count_ <= kMax, "the entry is one of the list");
  const Entry entry = entries_[index];
  ASHLAR_ASSERT(pages_ >= entry.pages, "a list counts the pages of its runs");
  --count_;
  for (unsigned i = index; i < count_; ++i) entries_[i] = entries_[i + 1];
  pages_ -= entry.pages;
  return entry;
}

Broken RunList::validate() const {
  if (count_ > kMax) return broken("a per-cpu list has no more runs than room", this);
  std::size_t pages = 0;
  for (unsigned i = 0; i < count_; ++i) {
    const Entry& entry = entries_[i];
    Page* const page = descriptor_of(entry.first);
    if (page == nullptr || state_of(page) != PageState::kPcp)
      return broken("a run of a per-cpu list is at hand", &entry);
    if (run_pages(page) != entry.pages) return broken("a run of a per-cpu list is as long as it says", page);
    if (entry.watched.raw != 0 && entry.watched.raw - entry.first.raw >= entry.pages)
      return broken("a watched page of a per-cpu list lies in its run", &entry);
    pages += entry.pages;
  }
  if (pages != pages_) return broken("a per-cpu list counts its pages", this);
  return {};
}

}  // namespace ashlar::page

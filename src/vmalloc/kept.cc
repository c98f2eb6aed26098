// vmalloc: freed areas that are kept resident for later blocks. A program that allocates and frees a large block again
// and again would otherwise fault it in each time. How much is kept, and for how long, follows the zones' rule
// (page/feedback.h) without its margins.
#include <utility>

#include "base/bytes.h"
#include "page/hugetlb.h"
#include "vmalloc/areas.h"

namespace ashlar::vmalloc {

// Relaxed: written under the lock of the table, and a hint elsewhere.
constinit std::atomic<bool> any_kept{false};

namespace {

constexpr std::size_t kMaxKept = 16;  // areas: they are searched
constexpr std::size_t kGrowthFactor = 4;
constexpr std::size_t kStepBytes = 1_MiB;

constinit page::Feedback feedback ASHLAR_GUARDED_BY(table.lock){page::Feedback::Margins::kNone};

constexpr PageCount pages_of(std::size_t bytes) { return PageCount::floor(bytes); }

page::Use use() ASHLAR_REQUIRES(table.lock) {
  return {pages_of(table.counts.bytes), pages_of(table.counts.kept_bytes)};
}

void note_taken(std::size_t fresh_bytes) {
  const Guard guard(table.lock);
  feedback.note_time(os::now_ms());
  feedback.note_taken(use(), pages_of(fresh_bytes));
}

void unkeep(Area** link) ASHLAR_REQUIRES(table.lock) {
  Area* const area = *link;
  ASHLAR_ASSERT(table.lock.held(), "the table's lock is held");
  ASHLAR_ASSERT(area->kept && table.counts.kept_areas > 0 && table.counts.kept_bytes >= area->bytes,
                "the table counts the areas that it keeps");
  *link = area->next;
  area->kept = false;
  table.counts.kept_bytes -= area->bytes;
  --table.counts.kept_areas;
  any_kept.store(table.counts.kept_areas != 0, std::memory_order_relaxed);
}

// Takes out the shortest kept area of `min` to `max` bytes. Returns null if there is none.
Area* take_kept(std::size_t min, std::size_t max) {
  const Guard guard(table.lock);
  Area** best = nullptr;
  for (Area** link = &kept_areas(); *link != nullptr; link = &(*link)->next) {
    const std::size_t bytes = (*link)->bytes;
    if (bytes >= min && bytes <= max && (best == nullptr || bytes < (*best)->bytes)) best = link;
  }
  if (best == nullptr) return nullptr;
  Area* const area = *best;
  unkeep(best);
  return area;
}

// Resizes an area that is in no list. Returns false and changes nothing if refused.
bool resize_area(Area* area, std::size_t size) {
  if (size > area->bytes && page::over_memory_limit(PageCount::ceil(size - area->bytes))) return false;
  void* const moved = os::remap_guarded(reinterpret_cast<void*>(area->start), area->bytes, size);
  if (moved == nullptr) return false;
  page::account_outside(PageCount::ceil(size), PageCount::ceil(area->bytes));
  area->start = reinterpret_cast<std::uintptr_t>(moved);
  area->bytes = area->asked = size;
  return true;
}

// Makes an area of `size` bytes from a kept one. Returns null if none fits.
Area* reuse(std::size_t size, bool growing, std::size_t& fresh) {
  fresh = 0;
  if (Area* const area = take_kept(size, growing ? size * kGrowthFactor : size + size / 8)) return area;
  Area* const other = take_kept(size / 2, growing ? size : size * 2);
  if (other == nullptr) return nullptr;
  if (size > other->bytes) fresh = size - other->bytes;
  if (resize_area(other, size)) return other;
  unmap(other);
  return nullptr;
}

// Returns the link to the kept area that was freed first, if it is that old.
Area** oldest(AgeMs min_age) ASHLAR_REQUIRES(table.lock) {
  Area** last = nullptr;
  for (Area** link = &kept_areas(); *link != nullptr; link = &(*link)->next) last = link;
  return last != nullptr && Moment(os::now_ms()) - (*last)->freed >= min_age ? last : nullptr;
}

// Takes out the oldest kept area, if it is old enough.
Area* take_old() {
  const Guard guard(table.lock);
  Area** const link = oldest(page::under_pressure(feedback.old_after()));
  if (link == nullptr) return nullptr;
  Area* const area = *link;
  unkeep(link);
  return area;
}

// Inserts an area into the list of kept ones at a link.
void keep(Area* area, Area*& link) ASHLAR_REQUIRES(table.lock) {
  ASHLAR_ASSERT(table.lock.held(), "the table's lock is held");
  ASHLAR_ASSERT(!area->kept && area->guarded, "an area is kept once, with its guard");
  area->kept = true;
  area->next = link;
  link = area;
  table.counts.kept_bytes += area->bytes;
  ++table.counts.kept_areas;
  any_kept.store(true, std::memory_order_relaxed);
}

// Keeps one that was the oldest, and is.
void keep_as_oldest(Area* area) ASHLAR_REQUIRES(table.lock) {
  Area** link = &kept_areas();
  while (*link != nullptr) link = &(*link)->next;
  keep(area, *link);
}

// Keeps an area that was just freed, if the rule allows it. What is too much then is older, and goes
// in its place: `surplus` gets these, or the area.
bool keep_freed(Area* area, Area*& surplus) ASHLAR_REQUIRES(table.lock) {
  const bool helped = page::has_helper();
  feedback.note_time(os::now_ms());
  page::Use after = use();
  after.dirty += pages_of(area->bytes);
  feedback.note_freed(after, helped);
  const PageCount max = page::under_pressure(feedback.may_stay(after.live, helped));
  const bool fits = pages_of(area->bytes) <= max;
  area->freed = Moment(os::now_ms());
  keep(area, kept_areas());
  while (pages_of(table.counts.kept_bytes) > max || table.counts.kept_areas > kMaxKept) {
    Area** const link = fits ? oldest(AgeMs()) : &kept_areas();
    Area* const other = *link;
    unkeep(link);
    feedback.note_purged(pages_of(other->bytes), false);
    other->next = surplus;
    surplus = other;
    if (!fits) break;
  }
  return fits;
}

}  // namespace

void* take(std::size_t bytes, bool growing, bool& zeroed) {
  const std::size_t size = round_up(bytes, os::page_bytes());
  if (!growing && page::wants_pool()) [[unlikely]] {
    if (void* const p = map_from_pool(size)) return zeroed = true, p;
  }
  std::size_t fresh = 0;
  if (Area* const area = zeroed ? nullptr : reuse(size, growing, fresh)) {
    tally::count(tally::Event::kRunFromKept);
    zeroed = false;
    void* const p = reinterpret_cast<void*>(area->start);
    area->asked = size;
    put_back(area);
    note_taken(fresh);
    return p;
  }
  zeroed = true;
  void* const p = alloc(size, kMinAlign);
  if (p != nullptr) note_taken(size);
  return p;
}

bool free_or_keep(void* p) {
  Area* const area = remove(p);
  if (area == nullptr) return false;
  if (!area->guarded) return unmap(area), true;
  Area* surplus = nullptr;
  table.lock.lock();
  const bool kept = keep_freed(area, surplus);
  table.lock.unlock();
  if (kept) page::note_cached();
  while (surplus != nullptr) unmap(std::exchange(surplus, surplus->next));
  return true;
}

namespace {

// Whether a copy of a block is worth its price: of a large one of which most was never written to, it reads and writes
// all, where moving the pages costs next to nothing. With 8 MiB the faults of both cost as much.
bool may_copy(const void* p, std::size_t bytes) { return bytes < 8_MiB || os::mostly_used(p, bytes); }

}  // namespace

void* grow(void* p, std::size_t bytes) {
  const std::size_t size = round_up(bytes, os::page_bytes()), before = bytes_of(p);
  Area* const area =
      any_kept.load(std::memory_order_relaxed) && may_copy(p, before) ? take_kept(size, size * kGrowthFactor) : nullptr;
  if (area != nullptr) {
    void* const target = reinterpret_cast<void*>(area->start);
    copy_block(target, p, before);
    area->asked = size;
    put_back(area);
    note_taken(0);
    (void)free_or_keep(p);
    return target;
  }
  void* const moved = resize(p, size);
  if (moved != nullptr) note_taken(size - before);
  return moved;
}

bool reap() {
  while (Area* const area = take_old()) {
    {
      const Guard guard(table.lock);
      feedback.note_purged(pages_of(area->bytes), true);
    }
    unmap(area);
  }
  const Guard guard(table.lock);
  feedback.note_time(os::now_ms());
  return table.counts.kept_areas != 0;
}

// The tail of the oldest one goes first: what is left of it may serve a shorter block.
void reap_step() {
  Area* const area = take_old();
  if (area == nullptr) return;
  const std::size_t bytes = area->bytes;
  const bool cut = bytes > kStepBytes && resize_area(area, bytes - kStepBytes);
  if (!cut) unmap(area);
  const Guard guard(table.lock);
  feedback.note_purged(pages_of(cut ? kStepBytes : bytes), true);
  if (cut) keep_as_oldest(area);
}

bool drop_kept() {
  bool any = false;
  for (;;) {
    Area* const area = take_kept(0, SIZE_MAX);
    if (area == nullptr) return any;
    unmap(area);
    any = true;
  }
}

}  // namespace ashlar::vmalloc

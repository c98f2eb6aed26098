// page: swap areas, see the header.
#include "page/swap.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>

#include "base/hints.h"
#include "page/swap_area.h"

namespace ashlar::page {

// in .data, on a page that the dynamic linker writes anyway: fork looks here
[[gnu::section(".data")]] constinit SwapTable swap_table;
[[ASHLAR_SPARSE]] constinit SwapArea* swap_areas[kMaxSwapAreas];

namespace {

constexpr std::size_t kTableBytesPerPage = sizeof(Page) * 8 + 1;  // in eighths of a byte: a descriptor and a bit
constexpr unsigned kTries = 100;                                  // of swap_off, for a purge that is under way

constexpr std::size_t tables_before(std::size_t pages) { return pages * kTableBytesPerPage / 8; }

std::size_t pages_in(std::size_t bytes) { return bytes >> kPageShift; }

bool fits(const char* path, std::size_t bytes, int priority) {
  return *path != 0 && bytes != 0 && bytes <= kMaxSwapBytes && priority >= kNoSwapPriority &&
         priority <= kMaxSwapPriority;
}

// The path from the root, as programs change their folder. False where it is too long.
bool make_absolute(const char* path, char (&into)[kMaxSwapPath + 1]) {
  std::size_t used = 0;
  into[0] = 0;
  if (*path != '/') {
    if (!os::current_folder(into, kMaxSwapPath)) return false;
    used = std::strlen(into);
    into[used++] = '/';
  }
  const std::size_t length = std::strlen(path);
  if (used + length > kMaxSwapPath) return false;
  std::memcpy(into + used, path, length + 1);
  return true;
}

// An area that is off and as large, or null.
SwapArea* find_spare(std::size_t bytes) ASHLAR_REQUIRES(swap_table.lock) {
  SwapArea* spare = nullptr;
  for_swap_areas([&](SwapArea& area) {
    if (!area.is_on() && !area.lost && area.bytes == bytes && area.file.number < 0) spare = &area;
  });
  return spare;
}

bool prepare_sections(std::uintptr_t base, std::size_t bytes) {
  const Guard guard(arena_table.lock);
  return add_sections(base, bytes);
}

// Address space, tables and sections: all that the zone needs to grow where no memory is left.
SwapArea* make_area(std::size_t bytes) ASHLAR_REQUIRES(swap_table.lock) {
  void* const place = metadata_alloc(sizeof(SwapArea), alignof(SwapArea));
  void* const base = place != nullptr ? os::reserve_aligned(bytes, kArenaAlign) : nullptr;
  if (base == nullptr) return nullptr;
  auto* const tables = static_cast<char*>(metadata_alloc(tables_before(pages_in(bytes)), sizeof(Page)));
  const auto start = reinterpret_cast<std::uintptr_t>(base);
  if (tables == nullptr || !prepare_sections(start, bytes)) {
    os::unmap(base, bytes);
    return nullptr;
  }
  auto* const area = new (place) SwapArea;
  area->zone.swap = area;
  area->base = start;
  area->bytes = bytes;
  area->tables = tables;
  return area;
}

void publish(SwapArea& area, unsigned index, int priority) {
  area.priority = priority;
  const Guard guard(area.zone.lock);
  area.key.store((priority + 1) * static_cast<int>(kMaxSwapAreas) + static_cast<int>(kMaxSwapAreas - 1 - index),
                 std::memory_order_relaxed);
}

unsigned index_of(const SwapArea& area) {
  unsigned i = 0;
  while (i < swap_table.count.load(std::memory_order_relaxed) && swap_areas[i] != &area) ++i;
  return i;
}

// Nothing of it is in use or may be resident.
bool is_empty(Zone& zone) {
  ZoneCounts counts;
  const Guard guard(zone.lock);
  zone.fill(counts);
  return counts.free == counts.present && counts.dirty_free.raw == 0;
}

// Has nobody take of it from then on; false if somebody has.
bool close_if_unused(SwapArea& area) {
  const Guard guard(area.zone.lock);
  if (area.zone.live().raw != 0) return false;
  area.key.store(-1, std::memory_order_relaxed);
  return true;
}

bool purge_whole(SwapArea& area) {
  for (unsigned i = 0; i < kTries; ++i) {
    area.zone.purge(PageCount(), AgeMs());
    if (is_empty(area.zone)) return true;
    os::sleep_ms(1);  // another thread purges
  }
  return false;
}

}  // namespace

[[gnu::cold]] int swap_on(const char* path, std::size_t bytes, int priority, os::SwapFileKind kind) {
  if (!fits(path, bytes, priority)) return EINVAL;
  bytes = round_up(bytes, kArenaAlign);
  char absolute[kMaxSwapPath + 1];
  if (!make_absolute(path, absolute)) return EINVAL;
  const Guard guard(swap_table.lock);
  if (find_swap_area(absolute) != nullptr) return EBUSY;
  SwapArea* area = find_spare(bytes);
  const unsigned count = swap_table.count.load(std::memory_order_relaxed);
  const unsigned index = area != nullptr ? index_of(*area) : count;
  if (index == kMaxSwapAreas) return EPERM;
  if (area == nullptr) area = make_area(bytes);
  if (area == nullptr) return ENOMEM;
  if (index == count) {
    swap_areas[index] = area;
    swap_table.count.store(count + 1, std::memory_order_release);  // pairs with the acquire in for_swap_areas
  }
  std::memcpy(area->path, absolute, sizeof absolute);
  os::SwapFile file;
  if (const int error = os::make_swap_file(area->path, bytes, kind, file)) return error;
  if (const int error = os::map_swap_file(file, reinterpret_cast<void*>(area->base), bytes)) {
    os::seal(reinterpret_cast<void*>(area->base), bytes);
    os::close_swap_file(file);
    if (kind == os::SwapFileKind::kKept) os::remove_file(area->path);
    return error;
  }
  area->file = file;
  area->kind = kind;
  area->zone.advised.store(0, std::memory_order_relaxed);
  area->zone.advice_refused.store(0, std::memory_order_relaxed);
  publish(*area, index, priority);
  swap_table.on.fetch_add(1, std::memory_order_relaxed);
  return 0;
}

[[gnu::cold]] int swap_off(const char* path) {
  char absolute[kMaxSwapPath + 1];
  if (!make_absolute(path, absolute)) return EINVAL;
  const Guard guard(swap_table.lock);
  SwapArea* const area = find_swap_area(absolute);
  if (area == nullptr) return EINVAL;
  if (!close_if_unused(*area)) return EBUSY;
  if (!purge_whole(*area) || !os::seal(reinterpret_cast<void*>(area->base), area->bytes)) {
    publish(*area, index_of(*area), area->priority);
    return EBUSY;
  }
  os::close_swap_file(area->file);
  area->file = {};
  swap_table.on.fetch_sub(1, std::memory_order_relaxed);
  return 0;
}

[[gnu::cold]] bool swap_info(unsigned n, SwapInfo& info) {
  bool found = false;
  for_swap_areas([&](SwapArea& area) {
    if (!area.is_on() || found || n-- != 0) return;
    found = true;
    ZoneCounts counts;
    const Guard guard(area.zone.lock);
    area.zone.fill(counts);
    info = {area.path, area.bytes, counts.live().bytes(), (counts.live() + counts.dirty_free).bytes(), area.priority};
  });
  return found;
}

SwapArea* find_swap_area(const char* path) {
  SwapArea* found = nullptr;
  for_swap_areas([&](SwapArea& area) {
    if (area.is_on() && std::string_view(area.path) == path) found = &area;
  });
  return found;
}

SwapArea* swap_area_below(int before) {
  SwapArea* best = nullptr;
  int best_key = -1;
  for_swap_areas([&](SwapArea& area) {
    const int key = area.key.load(std::memory_order_relaxed);
    if (key >= before || key <= best_key) return;
    best = &area;
    best_key = key;
  });
  return best;
}

namespace {
constexpr std::uint64_t kRefusalMs = 20;       // after a refusal, the time in which the system is not asked again
constexpr std::uint32_t kLargeRun = 256;       // pages: goes to swap areas first
constexpr std::size_t kPartForSmallRuns = 16;  // of a zone, that large runs leave to others
}  // namespace

[[ASHLAR_SELDOM_RUN]] bool Zone::refused_lately(std::uint32_t count) const {
  const std::uint64_t refused = refused_ms_.load(std::memory_order_relaxed);
  return refused != 0 && os::now_ms() - refused < kRefusalMs && count >= refused_pages_.load(std::memory_order_relaxed);
}

[[ASHLAR_SELDOM_RUN]] void Zone::note_refused(std::uint32_t count) {
  if (refused_lately(count)) return;
  refused_pages_.store(count, std::memory_order_relaxed);
  refused_ms_.store(os::now_ms(), std::memory_order_relaxed);
}

[[ASHLAR_SELDOM_RUN]] bool Zone::is_short_for(std::uint32_t count) {
  if (count < kLargeRun || !refused_lately()) return false;
  const Guard guard(lock);
  return free_.raw < count + present_.raw / kPartForSmallRuns;
}

// Makes the next piece of the file an arena. All that it needs was made by swap_on.
bool Zone::grow_from_file(std::uint32_t wanted) {
  swap->zone.growth.assert_held();
  const std::size_t min = round_up(PageCount(wanted).bytes(), kArenaAlign), left = swap->bytes - swap->next;
  std::size_t size = left < kMaxSwapRun.bytes() ? left : kMaxSwapRun.bytes();
  if (min > size || !swap->is_on()) return false;
  const std::size_t pages = pages_in(size), before = pages_in(swap->next), bits = pages / 8;
  char* const tables = swap->tables + tables_before(before);
  const Mapped mapped{swap->base + swap->next, static_cast<std::uint32_t>(pages),
                      reinterpret_cast<Page*>(tables + bits), reinterpret_cast<std::uint64_t*>(tables)};
  if (!add_arena(mapped)) return false;
  last_->stays_small = true;
  swap->next += size;
  return true;
}

Page* Zone::take_wide(std::uint32_t count) {
  for (unsigned i = 0, n = count_arenas(); i < n; ++i) {
    Arena& arena = arenas[i];
    if (arena.zone != this) continue;
    for (PageIndex at; at + count <= arena.end(); at += kPagesPerStride) {
      if (!take_range(arena, at, count)) continue;
      Page* const head = arena.page_at(at);
      head->arena = arena.number();
      note_growing(head, count);
      return head;
    }
  }
  return nullptr;
}

// Gives the holes of what was taken room in the file. False, and they are holes as before, where the disk is full.
bool Zone::back_by_file(Page* head, std::uint32_t count) {
  Arena& arena = arena_of(head);
  const PageIndex first = arena.index_of(head), end = first + count;
  for (PageIndex at = arena.find(first, end, false); at < end; at = arena.find(at, end, false)) {
    const PageIndex stop = arena.find(at, end, true);
    std::uintptr_t start = arena.address_of(at);
    std::size_t bytes = PageCount(stop - at).bytes();
    lock.unlock();
    const bool done = os::reserve_swap(swap->file, start - swap->base, bytes) == 0;
    if (!done) os::punch(start, bytes);  // what it got before it was refused
    lock.lock();
    if (!done) return false;
    arena.set_dirty(at, stop - at, true);
    at = stop;
  }
  return true;
}

}  // namespace ashlar::page

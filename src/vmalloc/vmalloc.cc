// vmalloc: making, resizing and ending the mappings of blocks.
#include "base/hints.h"
#include "page/hugetlb.h"
#include "vmalloc/areas.h"

namespace ashlar::vmalloc {

namespace {

// Each area takes two mappings, with its guard. Of those that the kernel allows a process, areas that need not be take
// at most a quarter. Below this many areas the kernel is not asked.
constexpr std::uint64_t kFewAreas = 1024;

// A guarded mapping at a stronger alignment than the system's own: more is reserved, and the rest given back.
void* map_aligned(std::size_t bytes, std::size_t alignment) {
  if (alignment <= os::page_bytes()) return os::map_guarded(bytes);
  const std::size_t guarded = bytes + os::page_bytes();
  std::size_t span = 0;
  if (__builtin_add_overflow(guarded, alignment, &span)) return nullptr;
  void* const reserved = os::reserve_charged(span);
  if (reserved == nullptr) return nullptr;
  const std::uintptr_t low = address_of(reserved);
  const std::uintptr_t start = round_up(low, alignment);
  void* const block = reinterpret_cast<void*>(start);
  if (!os::commit(block, bytes)) {
    os::unmap(reserved, span);
    return nullptr;
  }
  if (start > low) os::unmap(reserved, start - low);
  if (low + span > start + guarded) os::unmap(reinterpret_cast<void*>(start + guarded), low + span - start - guarded);
  return block;
}

constexpr const char* kName = "ashlar: vmalloc";

void enter_unnamed(Area* area, void* p, std::size_t size, bool guarded) {
  *area = {nullptr, address_of(p), size, size, {}, guarded, false};
  put_back(area);
  page::account_outside(PageCount::ceil(size), PageCount(0));
}

// Enters a new block into the table.
void enter(Area* area, void* p, std::size_t size, bool guarded) {
  if (options.hugepages == HugePages::kAlways) os::advise_huge(p, size);
  os::name_memory(p, size, kName);
  enter_unnamed(area, p, size, guarded);
}

// Blocks of the reserved pool are rounded up to its pages. Beside smaller ones this would be much.
constexpr std::size_t kMinPoolBytes = 16_MiB;

}  // namespace

[[ASHLAR_SELDOM_RUN]] void* map_from_pool(std::size_t bytes) {
  if (bytes < kMinPoolBytes || bytes > SIZE_MAX - os::kHugeBytes) return nullptr;
  const std::size_t size = round_up(bytes, os::kHugeBytes);
  Area* const area = new_area();
  if (area == nullptr) return nullptr;
  void* const p = page::take_from_pool(size, -1);
  if (p == nullptr) {
    drop(area);
    return nullptr;
  }
  tally::count(tally::Event::kRunFromMap);
  enter_unnamed(area, p, size, false);
  return p;
}

void* map(std::size_t bytes, std::size_t alignment) {
  const std::size_t size = round_up(bytes, os::page_bytes());
  if (page::over_memory_limit(PageCount::ceil(size))) return nullptr;
  Area* const area = new_area();
  if (area == nullptr) return nullptr;
  void* const p = map_aligned(size, alignment);
  if (p == nullptr) {
    drop(area);
    return nullptr;
  }
  tally::count(tally::Event::kRunFromMap);
  enter(area, p, size, true);
  return p;
}

bool may_map_more() {
  const std::uint64_t areas = counts().areas;
  return areas < kFewAreas || areas < os::max_mappings() / 8;
}

namespace {

// What is kept counts for limits: where the system refuses, it goes, and `attempt` has another try.
template <class Attempt>
auto with_kept_dropped(Attempt attempt) {
  auto result = attempt();
  if (!result && drop_kept()) result = attempt();
  return result;
}

bool try_alloc_at(void* start, std::size_t size) {
  if (page::over_memory_limit(PageCount::ceil(size))) return false;
  Area* const area = new_area();
  if (area == nullptr) return false;
  if (!os::map_at(start, size)) {
    drop(area);
    return false;
  }
  enter(area, start, size, false);
  return true;
}

bool try_resize_at(void* p, std::size_t size) {
  Area* const area = remove(p);
  if (area == nullptr) return false;
  const std::size_t old_size = area->bytes;
  char* const start = static_cast<char*>(p);
  bool done = true;
  if (size < old_size) os::unmap(start + size, old_size - size);
  if (size > old_size) {
    done = !page::over_memory_limit(PageCount::ceil(size - old_size)) && os::map_at(start + old_size, size - old_size);
    if (done) os::name_memory(p, size, kName);
  }
  if (done) {
    area->bytes = area->asked = size;
    page::account_outside(PageCount::ceil(size), PageCount::ceil(old_size));
  }
  put_back(area);
  return done;
}

}  // namespace

void* alloc(std::size_t bytes, std::size_t alignment) {
  return with_kept_dropped([&] { return map(bytes, alignment); });
}

bool alloc_at(void* start, std::size_t bytes) {
  return with_kept_dropped([&] { return try_alloc_at(start, round_up(bytes, os::page_bytes())); });
}

bool resize_at(void* p, std::size_t bytes) {
  return with_kept_dropped([&] { return try_resize_at(p, round_up(bytes, os::page_bytes())); });
}

bool move_at(void* from, void* to) {
  Area* const area = remove(from);  // before its addresses are anybody's
  if (area == nullptr) return false;
  if (!os::move_pages(from, area->bytes, to)) {
    put_back(area);
    return false;
  }
  page::account_outside(PageCount(0), PageCount::ceil(area->bytes));
  drop(area);
  return true;
}

bool free(void* p) {
  // Out of the table before it is unmapped: from then on another thread may get the same address.
  Area* const area = remove(p);
  if (area == nullptr) return false;
  unmap(area);
  return true;
}

void unmap(Area* area) {
  void* const p = reinterpret_cast<void*>(area->start);
  if (area->guarded) os::unmap_guarded(p, area->bytes);
  else if (!page::return_to_pool(p)) os::unmap(p, area->bytes);
  page::account_outside(PageCount(0), PageCount::ceil(area->bytes));
  drop(area);
}

namespace {

void* try_resize(void* p, std::size_t size) {
  Area* const area = remove(p);
  if (area == nullptr) return nullptr;
  const std::size_t old_size = area->bytes;
  void* moved = nullptr;
  // one without a guard cannot: of the reserved pool neither the kernel makes it longer nor can a part be returned
  if (area->guarded && (size <= old_size || !page::over_memory_limit(PageCount::ceil(size - old_size)))) {
    moved = os::remap_guarded(p, old_size, size);
  }
  if (moved != nullptr) {
    area->start = address_of(moved);
    area->bytes = area->asked = size;
    page::account_outside(PageCount::ceil(size), PageCount::ceil(old_size));
  }
  put_back(area);
  return moved;
}

}  // namespace

void* resize(void* p, std::size_t bytes) {
  return with_kept_dropped([&] { return try_resize(p, round_up(bytes, os::page_bytes())); });
}

}  // namespace ashlar::vmalloc

// vmalloc: the table of areas, and the mappings.
#include "base/hints.h"
#include "os/sanitizers.h"
#include "page/hugetlb.h"
#include "vmalloc/areas.h"

namespace ashlar::vmalloc {

[[ASHLAR_SPARSE]] constinit Table table;

namespace {

// Each area takes two mappings, with its guard. Of those that the kernel allows a process, areas that need not be take
// at most a quarter. Below this many areas the kernel is not asked.
constexpr std::uint64_t kFewAreas = 1024;

Area*& bucket_of(std::uintptr_t start) ASHLAR_REQUIRES(table.lock) { return table.buckets[bucket_index(start)]; }

std::uintptr_t address_of(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

// The link that leads to the area which starts at an address, or null.
Area** find(std::uintptr_t start) ASHLAR_REQUIRES(table.lock) {
  for (Area** link = &bucket_of(start); *link != nullptr; link = &(*link)->next) {
    if ((*link)->start == start) return link;
  }
  return nullptr;
}

void insert(Area* area) ASHLAR_REQUIRES(table.lock) {
  Counts& n = table.counts;
  ASHLAR_ASSERT(table.lock.held(), "the table's lock is held");
  ASHLAR_ASSERT(area->start % kPageBytes == 0 && area->bytes % kPageBytes == 0 && area->bytes != 0,
                "an area is made of whole pages");
  ASHLAR_ASSERT(!area->kept && area->asked <= area->bytes, "an area in use is as long as was asked for at least");
  ASHLAR_ASSERT(find(area->start) == nullptr, "no two areas start at one address");
  os::add_root_region(reinterpret_cast<const void*>(area->start), area->bytes);
  area->next = bucket_of(area->start);
  bucket_of(area->start) = area;
  n.bytes += area->bytes;
  if (++n.areas > n.max_areas) n.max_areas = n.areas;
  if (n.bytes > n.max_bytes) n.max_bytes = n.bytes;
}

}  // namespace

Area* remove(const void* p) {
  const Guard guard(table.lock);
  Area** const link = find(address_of(p));
  if (link == nullptr) return nullptr;
  Area* const area = *link;
  os::remove_root_region(p, area->bytes);
  *link = area->next;
  ASHLAR_ASSERT(table.counts.bytes >= area->bytes && table.counts.areas > 0, "the table counts its areas");
  table.counts.bytes -= area->bytes;
  --table.counts.areas;
  return area;
}

void put_back(Area* area) {
  const Guard guard(table.lock);
  insert(area);
}

void drop(Area* area) {
  const Guard guard(table.lock);
  area->next = table.unused;
  table.unused = area;
}

namespace {

Area* new_area() {
  {
    const Guard guard(table.lock);
    if (Area* const area = table.unused) {
      table.unused = area->next;
      return area;
    }
  }
  return static_cast<Area*>(page::metadata_alloc(sizeof(Area), alignof(Area)));
}

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

std::size_t bytes_of(const void* p) {
  const Guard guard(table.lock);
  Area** const link = find(address_of(p));
  return link == nullptr ? 0 : (*link)->bytes;
}

bool stays_in_place(const void* p, std::size_t bytes) {
  const Guard guard(table.lock);
  Area** const link = find(address_of(p));
  if (link == nullptr || bytes > (*link)->bytes || bytes <= (*link)->asked / 2) return false;
  (*link)->asked = bytes;
  return true;
}

// The table changes under this look. Descriptors are never unmapped, so that a chain may only lead astray.
__attribute__((no_sanitize("thread"))) std::size_t peek_bytes_of(const void* p) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  constexpr unsigned kLooks = 100, kLongest = 1000;
  for (unsigned look = 0; look < kLooks; ++look) {
    const Area* area = bucket_of(address_of(p));
    for (unsigned i = 0; area != nullptr && i < kLongest; ++i, area = area->next) {
      if (area->start == address_of(p)) return area->bytes;
    }
  }
  return 0;
}

bool find_around(const void* p, const void*& start, std::size_t& bytes) {
  const Guard guard(table.lock);
  for (const Area* area : table.buckets) {
    for (; area != nullptr && !area->kept; area = area->next) {
      if (address_of(p) - area->start >= area->bytes) continue;
      start = reinterpret_cast<const void*>(area->start);
      bytes = area->bytes;
      return true;
    }
  }
  return false;
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

Counts counts() {
  const Guard guard(table.lock);
  return table.counts;
}

void lock_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { table.lock.lock_beside_same_rank(); }
void unlock_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { table.lock.unlock(); }
void reset_in_child() { table.lock.reset(); }

}  // namespace ashlar::vmalloc

// heap: blocks that no slab holds: runs of pages from the zone, and large ones with a mapping of their
// own.

#include "base/bytes.h"
#include "base/hints.h"
#include "base/misuse.h"
#include "heap/bins.h"
#include "heap/emergency.h"
#include "heap/lost.h"
#include "heap/realm.h"
#include "heap/redzone.h"
#include "heap/zero.h"
#include "page/swap.h"

namespace ashlar::heap {

namespace {

// Where realloc moves a growing run to a mapping of its own: from there on it grows by moving page tables.
constexpr std::size_t kGrowMapped = 256_KiB;

// That size doubles with this many blocks: a program with many growing buffers keeps its mappings.
constexpr std::uint64_t kMappedPerSize = 512;

std::size_t grow_mapped_from() {
  const std::uint64_t doublings = vmalloc::counts().areas / kMappedPerSize;
  return kGrowMapped << (doublings < 7 ? doublings : 7);
}

// Address space for the next few steps of growth; it costs memory only when it is used.
std::size_t with_slack(std::size_t size) { return size + size / 8; }

void* begin_run(const page::Run& run, std::size_t size) {
  if (!run) return nullptr;
  set_red_zone(run.first, run.count, run.zeroed, size);
  return run.first.pointer();
}

void* allocate_run(std::size_t size, std::size_t alignment, bool& zeroed) {
  const page::Run run = page::alloc_run(own_node(), PageCount::ceil(size != 0 ? size : 1), alignment);
  zeroed = run.zeroed;
  return begin_run(run, size);
}

void* map_large(std::size_t bytes, std::size_t alignment, bool& zeroed) {
  if (alignment <= kMinAlign) return vmalloc::take(bytes, false, zeroed);
  zeroed = true;
  return vmalloc::alloc(bytes, alignment);
}

// What is too large for a run of a node's zone.
[[ASHLAR_SELDOM_RUN, gnu::noinline]] void* allocate_swapped(std::size_t size, std::size_t alignment, bool& zeroed) {
  if (!page::swap_is_on()) return nullptr;
  const page::Run run = page::alloc_swap_run(PageCount::ceil(size), alignment);
  zeroed = run.zeroed;
  return begin_run(run, size);
}

// `zeroed` tells at first whether zeros are of use.
[[ASHLAR_ALWAYS_RUN]] void* try_allocate_large(std::size_t size, std::size_t alignment, bool& zeroed) {
  const PageCount pages = PageCount::ceil(size != 0 ? size : 1);
  const bool fits_run = pages <= page::kMaxRun && alignment <= page::kArenaAlign;
  if (!fits_run || (size >= options.mmap_threshold && vmalloc::may_map_more())) {
    if (void* const p = map_large(pages.bytes(), alignment, zeroed)) return p;
    if (!fits_run) return allocate_swapped(size, alignment, zeroed);
    // else a run may still be had: no mapping was left (vm.max_map_count), perhaps
  }
  return allocate_run(size, alignment, zeroed);
}

[[noreturn, gnu::cold]] void die_inside(const char* caller, const void* p, std::uintptr_t start, std::size_t bytes) {
  MisuseLine line = not_a_start(caller, p);
  add_inside(line, p, start, bytes);
  os::say(line.view());
  os::die();
}

[[noreturn]] void die_of_block(const char* caller, const void* p, const page::Run& run) {
  MisuseLine line = invalid_pointer(caller, p);
  line << ": it lies in a block of " << run.count.raw
       << " pages from ashlar_alloc_pages, which ashlar_free_pages frees";
  os::say(line.view());
  os::die();
}

[[noreturn, gnu::cold]] void die_of_zero(const void* p, const char* caller) {
  const bool freed = zero_state(p) == ZeroState::kFreed;
  MisuseLine line = freed ? double_free(caller, p) : not_a_start(caller, p);
  line << (freed ? " (it had 0 bytes)" : " (nothing is allocated there)");
  os::say(line.view());
  os::die();
}

// p is in no slab, and starts neither a run nor a mapping. If it lies in Ashlar's memory nevertheless, the program has
// passed an invalid pointer.
[[gnu::cold]] void die_if_ours(const void* p, const char* caller) {
  const PageId page = PageId::of(p);
  if (page::descriptor_of(page) != nullptr) {
    const page::Run run = page::find_run_around(page);
    if (run.from_alloc_pages) die_of_block(caller, p, run);
    if (run) die_inside(caller, p, run.first.address(), run.count.bytes());
    const bool starts_page = reinterpret_cast<std::uintptr_t>(p) % kPageBytes == 0;
    MisuseLine line = starts_page ? double_free(caller, p) : not_a_start(caller, p);
    line << (starts_page ? " (its memory went back to the page allocator)" : " (nothing is allocated there)");
    os::say(line.view());
    os::die();
  }
  const void* start = nullptr;
  std::size_t bytes = 0;
  if (vmalloc::find_around(p, start, bytes)) die_inside(caller, p, reinterpret_cast<std::uintptr_t>(start), bytes);
}

[[ASHLAR_ALWAYS_RUN]] page::Run run_at(const void* p) {
  if (reinterpret_cast<std::uintptr_t>(p) % kPageBytes != 0) return {};
  const page::Run run = page::find_run(PageId::of(p));
  return run.from_alloc_pages || run.owned ? page::Run{} : run;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void* allocate_large(std::size_t size, std::size_t alignment, bool& zeroed) {
  const bool wanted = zeroed;
  const auto attempt = [&]() __attribute__((always_inline)) {
    return zeroed = wanted, try_allocate_large(size, alignment, zeroed);
  };
  void* p = attempt();
  if (p != nullptr) return p;
  // Space kept for arenas to come may serve; and free objects may make whole pages, as far as one arena reaches.
  if (page::release_reservation()) p = attempt();
  if (p != nullptr || PageCount::ceil(size) > page::kMaxRun) return p;
  while (take_lost_apart()) {
  }
  if (current->kind == Kind::kLive) flush(*current, Flush::kToSlabs);
  slab::shrink();
  vmalloc::drop_kept();
  page::reclaim_all();
  return attempt();
}

[[ASHLAR_ALWAYS_RUN]] bool release_large(void* p, const char* caller) {
  if (options.slob != 0 && slob::holds(p)) {
    slob::release(p, caller);
    return true;
  }
  if (const page::Run run = run_at(p)) {
    if (release_run(run.first, run.count, caller)) return true;
  }
  if (is_zero_block(p)) {
    if (release_zero(p) != ZeroState::kLive) die_of_zero(p, caller);
    return true;
  }
  if (RealmBlock* const block = realm_block_around(p)) {
    release(*block, p, caller);
    return true;
  }
  if (vmalloc::free_or_keep(p) || release_emergency(p)) return true;
  die_if_ours(p, caller);
  return false;
}

namespace {

std::size_t usable_run(const page::Run& run, Asked who) {
  if (who == Asked::kByProgram) forget_red_zone(run.first);
  return run.count.bytes();
}

}  // namespace

[[ASHLAR_SELDOM_RUN]] std::size_t usable_large(const void* p, const char* caller, Asked who) {
  if (options.slob != 0 && slob::holds(p)) return slob::usable_bytes(p, caller);
  if (const page::Run run = run_at(p)) return usable_run(run, who);
  if (is_zero_block(p)) {
    if (zero_state(p) != ZeroState::kLive) die_of_zero(p, caller);
    return 0;
  }
  if (RealmBlock* const block = realm_block_around(p)) return usable_bytes(*block, p, caller);
  if (const std::size_t bytes = vmalloc::bytes_of(p)) return bytes;
  if (const std::size_t bytes = usable_emergency(p)) return bytes;
  die_if_ours(p, caller);
  return 0;
}

void perturb_large(void* p, const char* caller) {
  const page::Run run = options.slob != 0 && slob::holds(p) ? page::Run{} : run_at(p);
  if (run) check_red_zone(run.first, run.count, caller);
  // the zone is filled as well
  const std::size_t usable = usable_large(p, caller, Asked::kByProgram);
  if (usable != 0) fill_block(p, static_cast<int>(options.perturb), usable);  // else p is none of ours, or null
}

namespace {

// A mapping of its own with slack to grow into, or without where there is none.
void* allocate_mapped(std::size_t size) {
  bool zeroed = false;
  void* const p = vmalloc::take(with_slack(size), true, zeroed);
  return p != nullptr ? p : vmalloc::take(size, true, zeroed);
}

[[ASHLAR_SELDOM_RUN]] void* allocate_growing_large(std::size_t size) {
  if (size >= kGrowMapped && size >= grow_mapped_from() && vmalloc::may_map_more()) return allocate_mapped(size);
  if (size >= options.mmap_threshold || options.perturb != 0) return nullptr;
  return begin_run(page::alloc_growing_run(own_node(), PageCount::ceil(size)), size);
}

void* resize_mapped(void* p, std::size_t size, std::size_t bytes) {
  if (size < kGrowMapped) return nullptr;
  void* const roomy = size > bytes ? vmalloc::grow(p, with_slack(size)) : nullptr;
  return roomy != nullptr ? roomy : vmalloc::resize(p, size);
}

// A run that gets a small size, as one has that was asked for with a strong alignment, stays if half of it is used.
void* resize_run(const page::Run& run, std::size_t size) {
  check_red_zone(run.first, run.count, "realloc()");
  const std::size_t max_small = options.slob != 0 ? slob::kMaxBytes : slab::kMaxSmall;
  PageCount pages = run.count;
  if (size > max_small && size < options.mmap_threshold) {
    pages = PageCount::ceil(size);
    if (!page::resize_run(run.first, pages)) return nullptr;
  } else if (size > pages.bytes() || size <= pages.bytes() / 2) {
    return nullptr;
  }
  set_red_zone(run.first, pages, false, size);
  return run.first.pointer();
}

[[ASHLAR_SELDOM_RUN]] void* resize_large(void* p, std::size_t size) {
  if (const page::Run run = run_at(p)) return resize_run(run, size);
  if (RealmBlock* const block = realm_block_around(p)) return resize(*block, p, size);
  // there is room, or less than half becomes unused, which keeps the room for a block that grows again
  if (vmalloc::stays_in_place(p, size)) return p;
  const std::size_t bytes = vmalloc::bytes_of(p);
  return bytes == 0 ? nullptr : resize_mapped(p, size, bytes);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] bool stays_in_run(void* p, std::size_t size) {
  const page::Run run = options.slob == 0 ? run_at(p) : page::Run{};
  const std::size_t bytes = run.count.bytes();
  if (size > bytes || size + kPageBytes <= bytes || size <= bytes / 2) return false;
  check_red_zone(run.first, run.count, "realloc()");
  set_red_zone(run.first, run.count, false, size);
  return true;
}

namespace {

void* resize_outside_slabs(void* p, std::size_t size) {
  if (options.slob != 0 && slob::holds(p)) return slob::resize(p, size) ? p : nullptr;
  return resize_large(p, size);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void* resize(void* p, std::size_t size) {
  if (const SizeClass c = page::class_of(p); c.raw != 0) {
    return size <= slab::kMaxSmall && slab::class_for(size) == c && page::is_address(p) ? p : nullptr;
  }
  if (current->kind != Kind::kLive) {
    const BusyApart busy;
    return resize_outside_slabs(p, size);
  }
  const Busy busy(*current);
  return resize_outside_slabs(p, size);
}

// What was written to is copied into a fresh mapping, where the rest is zero as it was. To copy all would write to all.
[[ASHLAR_SELDOM_RUN]] void* copy_sparse(const void* p, std::size_t size) {
  const std::size_t bytes = options.slob == 0 ? run_at(p).count.bytes() : 0;
  if (bytes < kMinSparse || size <= bytes || current->kind != Kind::kLive || current->busy) return nullptr;
  if (page::swap_is_on() || !vmalloc::may_map_more() || os::mostly_used(p, bytes)) return nullptr;
  const Busy busy(*current);
  bool zeroed = true;
  void* const fresh = vmalloc::take(with_slack(size), true, zeroed);
  if (fresh == nullptr || os::copy_used(fresh, p, bytes)) return fresh;
  vmalloc::free(fresh);
  return nullptr;
}

[[ASHLAR_ALWAYS_RUN]] void* allocate_growing(std::size_t size) {
  void* p = nullptr;
  if (size > slab::kMaxSmall && current->kind == Kind::kLive && !current->busy) {
    {
      const Busy busy(*current);
      p = allocate_growing_large(size);
    }
    if (p != nullptr) return maintain(*current, Caller::kAllocates), p;
  }
  p = pop(size);
  return p != nullptr ? p : allocate(size);
}

}  // namespace ashlar::heap

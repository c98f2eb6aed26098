// api: blocks of pages, as documented in include/ashlar/pages.h.
#define ASHLAR_ADDRESS_ONLY(parameter)  // GCC wants it of all callees, or warns
#include "ashlar/pages.h"

#include <cstring>

#include "api/ashlar_cache.h"
#include "api/notices.h"
#include "api/refusal.h"
#include "base/bytes.h"
#include "check/check.h"
#include "heap/kernel_api.h"
#include "heap/named_bins.h"
#include "profile/profile.h"

namespace api = ashlar::api;
namespace check = ashlar::check;
namespace heap = ashlar::heap;
namespace page = ashlar::page;
namespace profile = ashlar::profile;
namespace slab = ashlar::slab;
using ashlar::Order;
using ashlar::PageCount;
using ashlar::PageId;

static_assert(ASHLAR_PAGE_SIZE == ashlar::kPageBytes && ASHLAR_MAX_ORDER == page::kMaxOrder.raw);

namespace {

// Half of what the count holds: threads that look at once stay below.
constexpr std::uint32_t kMaxReferences = 2147483648;

constexpr unsigned kFlags = ASHLAR_GFP_ZERO | ASHLAR_GFP_THISNODE | ASHLAR_GFP_NORETRY;

std::nullptr_t refuse_order(const char* caller, unsigned order) {
  return api::refuse_number(caller, "the order is ", order, ", expected 0 to 13");
}

ashlar_page* public_page(page::Page* page) { return reinterpret_cast<ashlar_page*>(page); }

void* allocate(const char* caller, heap::PagesWish wish, unsigned flags) {
  if ((flags & ~kFlags) != 0) return api::refuse_flags(caller, flags & ~kFlags, "ASHLAR_GFP_ZERO, THISNODE or NORETRY");
  wish.fallback = (flags & ASHLAR_GFP_THISNODE) != 0 ? page::Fallback::kThisNode : page::Fallback::kZonelist;
  wish.may_reclaim = (flags & ASHLAR_GFP_NORETRY) == 0;
  const page::Run run = heap::alloc_pages(wish);
  if (!run) return api::out_of_memory(wish.count.bytes(), wish.alignment);
  void* const start = run.first.pointer();
  if (profile::active()) profile::note(start, run.count.bytes());
  if ((flags & ASHLAR_GFP_ZERO) != 0 && !run.zeroed) ashlar::clear_block(start, run.count.bytes());
  return start;
}

ashlar_page* allocate_order(const char* caller, page::Node* node, unsigned order, unsigned flags) {
  if (order > page::kMaxOrder.raw) return refuse_order(caller, order);
  heap::PagesWish wish;
  wish.count = Order(order).pages();
  wish.alignment = Order(order).bytes() < page::kArenaAlign ? Order(order).bytes() : page::kArenaAlign;
  wish.node = node;
  void* const start = allocate(caller, wish, flags);
  return start != nullptr ? public_page(page::descriptor_of(PageId::of(start))) : nullptr;
}

// The pages of a block that is about to be freed, which may be a sample, are cleared or poisoned, where the options
// want it.
void fill(PageId first, PageCount count) {
  if (profile::active()) profile::release_pages(first.pointer());
  if (check::active()) check::fill_pages(first.pointer(), count.bytes());
}

void free_at(const char* caller, PageId first, PageCount count) {
  const int saved = errno;
  if (heap::free_pages(first, count, fill) != heap::Freed::kNone) {
    errno = saved;
    return;
  }
  const page::Run run = page::find_run(first);
  if (run.from_alloc_pages) api::refuse_address(caller, first.pointer(), "has another size: nothing is freed");
  else api::refuse_address(caller, first.pointer(), "is not the start of a block of pages, or was freed before");
}

void set_name(char (&into)[64], std::string_view name) {
  std::memcpy(into, name.data(), name.size());
  into[name.size()] = 0;
}

void name_class(ashlar_page_info& info) {
  ashlar::Text<40> name;
  name << "malloc-" << static_cast<std::uint64_t>(info.object_size);
  set_name(info.cache, name.view());
}

// Describes an address in a span of checked objects or in a sample's slots. Both are reported like slabs.
[[nodiscard]] bool describe_span(const void* p, ashlar_page_info& info) {
  check::SpanAround span;
  if (!check::may_have_blocks() || !check::find_span(p, span)) return false;
  info.state = ASHLAR_PAGE_SLAB;
  info.start = reinterpret_cast<void*>(span.start);
  info.bytes = span.bytes;
  info.object_size = span.slot_bytes;
  info.objects = span.slots;
  info.objects_taken = span.live;
  if (span.named != 0) api::write_cache_names(span.named, info.cache, sizeof info.cache);
  else name_class(info);
  return true;
}

[[nodiscard]] bool describe_slots(const void* p, ashlar_page_info& info) {
  profile::SlotsAround slots;
  if (!profile::active() || !profile::find_slots(p, slots)) return false;
  info.state = ASHLAR_PAGE_SLAB;
  info.start = reinterpret_cast<void*>(slots.start);
  info.bytes = slots.bytes;
  info.object_size = slab::size_of(slots.size_class);
  info.objects = slots.slots;
  info.objects_taken = slots.live;
  name_class(info);
  return true;
}

void describe_slab(const void* p, ashlar_page_info& info) {
  const page::Page* const page = page::slab_of(p);
  const slab::NamedCache* const named = heap::named_around(p);
  info.state = ASHLAR_PAGE_SLAB;
  info.order = page->order.raw;
  info.start = reinterpret_cast<void*>(page::page_address(page));
  info.bytes = page->order.bytes();
  info.objects = page->slab.capacity;
  info.objects_taken = page->slab.in_use;
  if (named != nullptr) {
    info.object_size = named->info.size;
    api::write_cache_names(named->info.number, info.cache, sizeof info.cache);
    return;
  }
  info.object_size = slab::size_of(page::class_of(p));
  name_class(info);
}

void describe_run(const page::Run& run, ashlar_page_info& info) {
  info.state = run.from_alloc_pages ? ASHLAR_PAGE_BLOCK : ASHLAR_PAGE_RUN;
  info.start = run.first.pointer();
  info.bytes = run.count.bytes();
  if (std::has_single_bit(run.count.raw)) info.order = Order::holding(run.count).raw;
}

[[nodiscard]] bool describe_area(const void* p, ashlar_page_info& info) {
  const void* start = nullptr;
  if (!heap::find_area_around(p, start, info.bytes)) return false;
  info.state = ASHLAR_PAGE_VMALLOC;
  info.start = const_cast<void*>(start);
  info.node = -1;
  return true;
}

}  // namespace

ashlar_page* ashlar_alloc_pages(unsigned order, unsigned flags) noexcept {
  return allocate_order("ashlar_alloc_pages()", nullptr, order, flags);
}

ashlar_page* ashlar_alloc_pages_node(int node, unsigned order, unsigned flags) noexcept {
  constexpr const char* kCaller = "ashlar_alloc_pages_node()";
  if (node == ASHLAR_NO_NODE) return allocate_order(kCaller, nullptr, order, flags);
  page::Node* const there = page::node_by_number(node);
  if (there == nullptr) {
    ashlar::Text<60> why;
    why << "there is no node ";
    return api::refuse(kCaller, api::write_signed(why, node).view());
  }
  return allocate_order(kCaller, there, order, flags);
}

void ashlar_free_pages(ashlar_page* page, unsigned order) noexcept {
  if (page == nullptr) return;
  constexpr const char* kCaller = "ashlar_free_pages()";
  PageId first;
  if (!heap::page_of(reinterpret_cast<page::Page*>(page), first)) {
    api::refuse_address(kCaller, page, "is not the descriptor of a page");
  } else if (order > page::kMaxOrder.raw) {
    refuse_order(kCaller, order);
  } else {
    free_at(kCaller, first, Order(order).pages());
  }
}

namespace {

void* get_free_pages(const char* caller, unsigned flags, unsigned order) {
  return ashlar_page_address(allocate_order(caller, nullptr, order, flags));
}

// Returns the block that contains a page. Returns an empty run, and writes a line, if there is none.
page::Run block_around(const char* caller, const ashlar_page* descriptor) {
  PageId id;
  if (!heap::page_of(reinterpret_cast<const page::Page*>(descriptor), id)) {
    api::refuse_address(caller, descriptor, "is not the descriptor of a page");
    return {};
  }
  const page::Run run = page::find_run_around(id);
  if (run.from_alloc_pages) return run;
  api::refuse_address(caller, id.pointer(), "is not in a block of pages, or was freed before");
  return {};
}

}  // namespace

void* ashlar_get_free_pages(unsigned flags, unsigned order) noexcept {
  return get_free_pages("ashlar_get_free_pages()", flags, order);
}

void* ashlar_get_zeroed_page(unsigned flags) noexcept {
  return get_free_pages("ashlar_get_zeroed_page()", flags | ASHLAR_GFP_ZERO, 0);
}

void ashlar_free_pages_at(void* start, unsigned order) noexcept {
  constexpr const char* kCaller = "ashlar_free_pages_at()";
  if (start == nullptr) return;
  if (order > page::kMaxOrder.raw) {
    refuse_order(kCaller, order);
  } else if (reinterpret_cast<std::uintptr_t>(start) % ASHLAR_PAGE_SIZE != 0) {
    api::refuse_address(kCaller, start, "is not the start of a block of pages");
  } else {
    free_at(kCaller, PageId::of(start), Order(order).pages());
  }
}

int ashlar_get_page(ashlar_page* page) noexcept {
  constexpr const char* kCaller = "ashlar_get_page()";
  const page::Run run = block_around(kCaller, page);
  if (!run) return -1;
  if (page::references_to(run.first) >= kMaxReferences) {
    api::refuse_address(kCaller, run.first.pointer(), "has 2147483648 references: no more are counted");
    return -1;
  }
  if (page::get_pages(run.first)) return 0;
  api::refuse_address(kCaller, run.first.pointer(), "is not in a block of pages, or was freed before");
  return -1;
}

void ashlar_put_page(ashlar_page* page) noexcept {
  constexpr const char* kCaller = "ashlar_put_page()";
  if (page == nullptr) return;
  const int saved = errno;
  const page::Run run = block_around(kCaller, page);
  if (!run) return;
  if (heap::put_pages(run.first, fill) != heap::Freed::kNone) errno = saved;
  else api::refuse_address(kCaller, run.first.pointer(), "is not in a block of pages, or was freed before");
}

unsigned ashlar_page_count(const ashlar_page* page) noexcept {
  PageId id;
  if (!heap::page_of(reinterpret_cast<const page::Page*>(page), id)) return 0;
  const page::Run run = page::find_run_around(id);
  return run ? page::references_to(run.first) : 0;
}

void* ashlar_alloc_pages_exact(size_t size, unsigned flags) noexcept {
  constexpr const char* kCaller = "ashlar_alloc_pages_exact()";
  if (size == 0 || size > page::kMaxRun.bytes())
    return api::refuse_number(kCaller, "the size is ", size, ", expected 1 to 33554432 bytes");
  heap::PagesWish wish;
  wish.count = PageCount::ceil(size);
  return allocate(kCaller, wish, flags);
}

void ashlar_free_pages_exact(void* start, size_t size) noexcept {
  if (start == nullptr) return;
  if (reinterpret_cast<std::uintptr_t>(start) % ASHLAR_PAGE_SIZE != 0) {
    api::refuse_address("ashlar_free_pages_exact()", start, "is not the start of a block of pages");
  } else {
    // a size above the limit might overflow when it is rounded up; no block has such a size, so it matches none, like 0
    const PageCount count = size <= page::kMaxRun.bytes() ? PageCount::ceil(size) : PageCount(0);
    free_at("ashlar_free_pages_exact()", PageId::of(start), count);
  }
}

void* ashlar_page_address(const ashlar_page* page) noexcept {
  PageId id;
  return heap::page_of(reinterpret_cast<const page::Page*>(page), id) ? id.pointer() : nullptr;
}

ashlar_page* ashlar_virt_to_page(const void* address) noexcept {
  return public_page(page::descriptor_of(PageId::of(address)));
}

int ashlar_page_describe(const void* address, struct ashlar_page_info* info) noexcept {
  *info = {};
  info->node = heap::node_number_of(address);
  if (const char* const zone = heap::zone_name_of(address)) std::memcpy(info->zone, zone, std::strlen(zone) + 1);
  if (describe_span(address, *info) || describe_slots(address, *info) || describe_area(address, *info)) return 0;
  const PageId id = PageId::of(address);
  if (page::descriptor_of(id) == nullptr) {
    errno = ENOENT;
    return -1;
  }
  if (page::class_of(address).raw != 0 || page::named_of(address) != 0) {
    describe_slab(address, *info);
  } else if (const page::Run run = page::find_run_around(id)) {
    describe_run(run, *info);
  } else {
    info->state = ASHLAR_PAGE_FREE;
    info->start = id.pointer();
    info->bytes = ASHLAR_PAGE_SIZE;
  }
  return 0;
}

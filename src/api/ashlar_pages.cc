// api: blocks of pages, as documented in include/ashlar/pages.h.
#define ASHLAR_ADDRESS_ONLY(parameter)  // GCC wants it of all callees, or warns
#include "ashlar/pages.h"

#include <cerrno>

#include "api/notices.h"
#include "api/refusal.h"
#include "base/bytes.h"
#include "check/check.h"
#include "heap/kernel_api.h"
#include "profile/profile.h"

namespace api = ashlar::api;
namespace check = ashlar::check;
namespace heap = ashlar::heap;
namespace page = ashlar::page;
namespace profile = ashlar::profile;
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

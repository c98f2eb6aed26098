// heap: pages and areas for the kernel's interfaces, see the header.
#include "heap/kernel_api.h"

#include <cerrno>

#include "heap/bins.h"
#include "heap/gate.h"
#include "heap/quiet.h"
#include "heap/redzone.h"
#include "page/swap.h"

namespace ashlar::heap {

namespace {

// Calls `run` with the thread's heap marked as busy; `interrupted` answers a signal handler that may not enter. Where
// the gate stays closed it goes on: it waits for the fork's locks.
template <class Run, class Result>
Result quietly(Run run, Result interrupted) {
  Heap* const heap = attach();
  const Entry entry;
  if (heap == nullptr) return run();
  if (heap->busy) return interrupted;
  const Busy busy(*heap);
  return run();
}

void empty_caches() {
  page::release_reservation();
  if (current->kind == Kind::kLive) flush(*current, Flush::kToSlabs);
  slab::shrink();
  page::reclaim_all();
}

}  // namespace

page::Run alloc_pages(const PagesWish& wish) {
  const auto take = [&] {
    page::Node& node = wish.node != nullptr ? *wish.node : own_node();
    page::Run run = page::alloc_pages(node, wish.count, wish.alignment, wish.fallback);
    if (!run && wish.may_reclaim) {
      empty_caches();
      run = page::alloc_pages(node, wish.count, wish.alignment, wish.fallback);
    }
    return run;
  };
  return quietly(take, page::Run{});
}

Freed free_pages(PageId first, PageCount count, page::Fill* fill) {
  return quietly([&] { return page::free_pages(first, count, fill) ? Freed::kDone : Freed::kNone; }, Freed::kLost);
}

Freed put_pages(PageId first, page::Fill* fill) {
  return quietly([&] { return page::put_pages(first, fill) ? Freed::kDone : Freed::kNone; }, Freed::kLost);
}

void* allocate_area(std::size_t bytes) {
  const auto take = [&] {
    void* p = vmalloc::alloc(bytes, kPageBytes);
    if (p == nullptr) {
      empty_caches();
      p = vmalloc::alloc(bytes, kPageBytes);
    }
    return p;
  };
  return quietly(take, static_cast<void*>(nullptr));
}

void* resize_area(void* p, std::size_t bytes) {
  return quietly([&] { return vmalloc::resize(p, bytes); }, static_cast<void*>(nullptr));
}

Freed free_area(void* p) {
  return quietly([&] { return vmalloc::free(p) ? Freed::kDone : Freed::kNone; }, Freed::kLost);
}

[[gnu::noinline]] bool page_of(const page::Page* descriptor, PageId& page) {
  const Quiet quiet;
  return page::page_of(descriptor, page);
}

[[gnu::noinline]] int node_number_of(const void* p) {
  const Quiet quiet;
  return page::node_number_of(p);
}

[[gnu::noinline]] const char* zone_name_of(const void* p) {
  const Quiet quiet;
  return page::zone_name_of(p);
}

[[gnu::noinline]] bool find_area_around(const void* p, const void*& start, std::size_t& bytes) {
  if (interrupted()) return false;
  const Quiet quiet;
  return vmalloc::find_around(p, start, bytes);
}

int swap_on(const char* path, std::size_t bytes, int priority, os::SwapFileKind kind) {
  return quietly([&] { return page::swap_on(path, bytes, priority, kind); }, EDEADLK);
}

int swap_off(const char* path) {
  const auto end = [&] {
    if (const int error = page::swap_off(path); error != EBUSY) return error;
    empty_caches();
    return page::swap_off(path);
  };
  return quietly(end, EDEADLK);
}

void* allocate_cold(std::size_t size) {
  const auto take = [&]() -> void* {
    const page::Run run = page::alloc_swap_run(PageCount::ceil(size), kPageBytes);
    if (!run) return nullptr;
    set_red_zone(run.first, run.count, run.zeroed, size);
    return run.first.pointer();
  };
  return quietly(take, static_cast<void*>(nullptr));
}

void note_cold(void* block) {
  const auto note = [&] {
    const page::Run run = page::find_run(PageId::of(block));
    if (run && run.first.pointer() == block) page::note_cold_run(run);
    return 0;
  };
  quietly(note, 0);
  page::wake_kswapd_if_due();
}

}  // namespace ashlar::heap

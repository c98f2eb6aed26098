// heap: what serves the kernel's interfaces, ashlar_alloc_pages, ashlar_vmalloc and ashlar_swapon, with what a
// thread owes the allocator around that: nothing is done in a signal handler that interrupted a slow path, and what
// caches hold is returned when memory is short.
#pragma once

#include "heap/heap.h"
#include "page/alloc_pages.h"

namespace ashlar::heap {

struct PagesWish {
  PageCount count;
  std::size_t alignment = kPageBytes;
  page::Node* node = nullptr;  // null: the thread's own
  page::Fallback fallback = page::Fallback::kZonelist;
  bool may_reclaim = true;
};

// A marked run (page/alloc_pages.h), or an empty one when there is no memory.
page::Run alloc_pages(const PagesWish& wish);

enum class Freed : std::uint8_t { kDone, kNone, kLost };  // kLost: in a signal handler; the pages stay taken

// These end a reference to a marked run, see page/alloc_pages.h. With kLost, `fill` was not called.
Freed free_pages(PageId first, PageCount count, page::Fill* fill);
Freed put_pages(PageId first, page::Fill* fill);

// Areas (vmalloc/vmalloc.h): null when there is no memory, or the thread may not enter.
void* allocate_area(std::size_t bytes);
void* resize_area(void* p, std::size_t bytes);
Freed free_area(void* p);

// Looks under locks that a fork takes, so that a signal handler of this thread that forks takes none: page_of and
// node_number_of, zone_name_of (page/page.h), and find_around (vmalloc/vmalloc.h), which finds nothing in a signal
// handler that may not enter.
bool page_of(const page::Page* descriptor, PageId& page);
int node_number_of(const void* p);
const char* zone_name_of(const void* p);
bool find_area_around(const void* p, const void*& start, std::size_t& bytes);

// Swap areas (page/swap.h): 0 or an errno, EDEADLK in a signal handler that may not enter. Before an area ends, what
// caches hold of it is returned.
int swap_on(const char* path, std::size_t bytes, int priority, os::SwapFileKind kind);
int swap_off(const char* path);

// A block of whole pages from a swap area; null if none has room, or the thread may not enter.
void* allocate_cold(std::size_t size);

// After a block was given for data that is seldom used: the kernel is told later (the option cold), if it is a run.
void note_cold(void* block);

}  // namespace ashlar::heap

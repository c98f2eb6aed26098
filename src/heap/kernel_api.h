// heap: what serves the kernel's interfaces for whole pages, ashlar_alloc_pages and ashlar_vmalloc, with what a
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

Freed free_pages(PageId first, PageCount count);
// Ends a reference to a marked run, see page/alloc_pages.h.
Freed put_pages(PageId first);

// Areas (vmalloc/vmalloc.h): null when there is no memory, or the thread may not enter.
void* allocate_area(std::size_t bytes);
void* resize_area(void* p, std::size_t bytes);
Freed free_area(void* p);

}  // namespace ashlar::heap

// heap: pages and areas that programs ask for by name, with what a thread owes the allocator around that: nothing is
// done in a signal handler that interrupted a slow path, and what caches hold is given back when memory is short.
#pragma once

#include "heap/heap.h"
#include "page/blocks.h"

namespace ashlar::heap {

struct BlockWish {
  PageCount count;
  std::size_t alignment = kPageBytes;
  page::Node* node = nullptr;  // null: the thread's own
  page::Fallback fallback = page::Fallback::kZonelist;
  bool may_reclaim = true;
};

// A block of pages, or an empty Run when there is no memory.
page::Run allocate_block(const BlockWish& wish);

enum class Freed : std::uint8_t { kDone, kNone, kLost };  // kLost: in a signal handler; the block stays taken

Freed free_block(PageId first, PageCount count);

// Areas (vmalloc/vmalloc.h): null when there is no memory, or the thread may not enter.
void* allocate_area(std::size_t bytes);
void* resize_area(void* p, std::size_t bytes);
Freed free_area(void* p);

}  // namespace ashlar::heap

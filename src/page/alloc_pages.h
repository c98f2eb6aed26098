// page: what ashlar_alloc_pages serves, like the kernel's functions of these names: runs with a mark, so that what
// frees malloc's runs leaves them alone; and descriptors by address and back for any page.
//
// What is not in alloc_pages.cc is defined in arena.cc.
#pragma once

#include "page/page.h"

namespace ashlar::page {

// As alloc_run. The run is marked, and has one reference.
Run alloc_pages(Node& node, PageCount count, std::size_t alignment, Fallback fallback);

// Called without a lock for a run that is about to be freed, whose last reference has ended.
using Fill = void(PageId first, PageCount count);

// Ends a reference to the marked run that starts at a page. If that is the last one, calls `fill`, unless it is null,
// and frees the run. False, and nothing changed, if there is no such run.
bool put_pages(PageId first, Fill* fill);
// The same of a run that is `count` pages long.
bool free_pages(PageId first, PageCount count, Fill* fill);

// Adds a reference, for a caller that holds one; false if no marked run starts there.
bool get_pages(PageId first);
// How many there are; 0 if no marked run starts there.
std::uint32_t references_to(PageId first);

// The page of a descriptor, wherever in a run; false if it is none. A search over the arenas.
bool page_of(const Page* descriptor, PageId& page);

}  // namespace ashlar::page

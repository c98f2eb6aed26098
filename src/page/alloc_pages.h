// page: what ashlar_alloc_pages serves, like the kernel's functions of these names: runs with a mark, so that what
// frees malloc's runs leaves them alone; and descriptors by address and back for any page.
//
// What is not in alloc_pages.cc is defined in arena.cc.
#pragma once

#include "page/page.h"

namespace ashlar::page {

// As alloc_run. The run is marked.
Run alloc_pages(Node& node, PageCount count, std::size_t alignment, Fallback fallback);

// Frees the marked run that starts at a page and is `count` pages long; false, and nothing changed, if there is none.
bool free_pages(PageId first, PageCount count);

// The page of a descriptor, wherever in a run; false if it is none. A search over the arenas.
bool page_of(const Page* descriptor, PageId& page);

}  // namespace ashlar::page

// page: what ashlar_alloc_pages serves, like the kernel's functions of these names: runs with a mark, so that what
// frees malloc's runs leaves them alone; and descriptors by address and back for any page.
//
// What is not in alloc_pages.cc is defined in arena.cc.
#pragma once

#include "page/page.h"

namespace ashlar::page {

// As alloc_run. The run is marked, and has one reference.
Run alloc_pages(Node& node, PageCount count, std::size_t alignment, Fallback fallback);

// Ends a reference to the marked run that starts at a page, and frees it if that is the last one; false, and nothing
// changed, if there is no such run.
bool put_pages(PageId first);
// The same of a run that is `count` pages long.
bool free_pages(PageId first, PageCount count);

// Adds a reference, for a caller that holds one; false if no marked run starts there.
bool get_pages(PageId first);
// How many there are; 0 if no marked run starts there.
std::uint32_t references_to(PageId first);

// The page of a descriptor, wherever in a run; false if it is none. A search over the arenas.
bool page_of(const Page* descriptor, PageId& page);

}  // namespace ashlar::page

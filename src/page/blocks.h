// page: blocks that programs ask for by name (ashlar_alloc_pages). They are runs with a mark, so that what frees
// malloc's runs leaves them alone, and descriptors by address and back for any page.
//
// What is not in blocks.cc is defined in arena.cc.
#pragma once

#include "page/page.h"

namespace ashlar::page {

// As alloc_run. The run is marked as a block.
Run alloc_block(Node& node, PageCount count, std::size_t alignment, Fallback fallback);

// Frees the block that starts at a page and is `count` pages long; false, and nothing changed, if there is none.
bool free_block(PageId first, PageCount count);

// The page of a descriptor, wherever in a block; false if it is none. A search over the arenas.
bool page_of(const Page* descriptor, PageId& page);

}  // namespace ashlar::page

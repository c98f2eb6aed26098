// page: memory in huge pages of the system's reserved pool (hugepages=reserved), and what becomes of it in a fork.
//
// A mapping is filled when it is made, so that no later access needs the pool. It is never purged, as a part of a page
// cannot be returned. For each mapping as many pages of the pool are set aside, its spare ones. A fork makes parent and
// child share the pages, and a write to a shared page takes a free one. So a fork gives up the spare pages, and the
// child copies the mappings to ordinary memory before the program goes on.
//
// Locking: none of its own. Entries are claimed by atomic operations. A fork waits for all other threads that are here.
#pragma once

#include <atomic>

#include "page/page.h"

namespace ashlar::page {

struct PoolMapping {
  std::atomic<std::uintptr_t> start{0};  // 0: unused
  std::atomic<std::uintptr_t> spare{0};  // as many bytes, never touched; 0 after a fork that gave it up
  std::size_t bytes = 0;
  std::size_t page = 0;  // bytes
};

struct PoolUse {
  std::atomic<std::size_t> bytes{0};  // mapped by this process, without the spare pages. Relaxed: a figure
};
extern PoolUse pool_use;

inline bool uses_pool() { return pool_use.bytes.load(std::memory_order_relaxed) != 0; }
inline bool wants_pool() {
  const HugePages how = options.hugepages;
  return how == HugePages::kReserved || how == HugePages::kReserved1g;
}

// Maps memory from the pool, zero-filled, with its spare pages; a node's if that is given, or -1. `bytes` is a multiple
// of 2 MiB. Null where the pool has too few pages for both.
void* take_from_pool(std::size_t bytes, int node);

// Unmaps what take_from_pool returned. Returns false for anything else, and in a child for what left the pool.
bool return_to_pool(void* start);

// Around fork. Called with all locks of the layer held, or by a thread that interrupted itself.
void unmap_spare_pages();
void leave_pool_in_child();

}  // namespace ashlar::page

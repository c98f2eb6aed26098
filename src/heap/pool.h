// heap: memory pools (the kernel's mempool): a reserve of elements before an allocator of the program's.
//
// Thread-safe. Locking: one lock for the reserves of all pools (kPools), taken for a few instructions and never around
// a call of the program's functions; an allocation that its allocator serves takes none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/broken.h"
#include "base/list.h"
#include "os/lock.h"

namespace ashlar::heap {

inline constexpr std::size_t kMaxPoolName = 47;

struct Pool;

struct Pools {
  Lock<LockRank::kPools> lock;
  List<Pool> all ASHLAR_GUARDED_BY(lock);
};
extern constinit Pools pools;

struct Pool {
  void* (*make)(void* data) = nullptr;
  void (*end)(void* element, void* data) = nullptr;
  void* data = nullptr;
  // The pool itself until it is destroyed. Not the first word, which a free block's link overwrites. Relaxed: it tells
  // misuse, and whoever uses a pool knows that it exists.
  std::atomic<const Pool*> self{nullptr};
  // Elements that the reserve has when it is full, and now; also read without the lock, as hints.
  std::size_t min ASHLAR_GUARDED_BY(pools.lock) = 0;
  std::size_t count ASHLAR_GUARDED_BY(pools.lock) = 0;
  std::size_t capacity ASHLAR_GUARDED_BY(pools.lock) = 0;  // how many `elements` holds
  void** elements ASHLAR_GUARDED_BY(pools.lock) = nullptr;
  std::atomic<std::uint32_t> returns{0};  // rises with each element that comes back; what waiters wait on
  std::atomic<std::uint32_t> waiters{0};
  // Allocations that the allocator did not serve: from the reserve, none (without a wait), and how often one waited.
  std::uint64_t from_reserve ASHLAR_GUARDED_BY(pools.lock) = 0;
  std::atomic<std::uint64_t> failed{0}, waits{0};  // relaxed: figures
  char name[kMaxPoolName + 1] ASHLAR_GUARDED_BY(pools.lock) = {};
  Pool* next = nullptr;  // of all pools; under the lock
  Pool* prev = nullptr;
};

// What is known of a pool.
struct PoolCounts {
  std::size_t min = 0, count = 0;
  std::uint64_t from_reserve = 0, failed = 0, waits = 0;
  std::uint32_t waiters = 0;
};

// These take any address: false, or null, if no pool lies there.
bool count_pool(const void* pool, PoolCounts& counts);
bool name_pool(const void* pool, std::string_view name);
const char* name_of_pool(const void* pool);

// Stores up to `max` pools, the newest first, and returns how many there are.
std::size_t list_pools(Pool** pools, std::size_t max);

// The same by a look at the pool, without a lock; the address must be readable.
inline bool is_pool(const Pool& pool) { return pool.self.load(std::memory_order_relaxed) == &pool; }

// Null when the reserve cannot be filled.
Pool* create_pool(const Pool& like, std::size_t min);
void* take(Pool& pool, bool may_wait);
void free_element(Pool& pool, void* element);
// False when the reserve could not be filled.
bool resize(Pool& pool, std::size_t min);
void destroy(Pool* pool);

// The first rule of a pool that does not hold.
[[nodiscard, gnu::cold]] Broken validate(const Pool& pool);

void lock_pools_for_fork();
void unlock_pools_in_parent();
void reset_pools_in_child();

}  // namespace ashlar::heap

// heap: memory pools.
#include "heap/pool.h"

#include <cerrno>
#include <cstring>
#include <new>

#include "base/list.h"
#include "heap/gate.h"
#include "os/sanitizers.h"
#include "os/wait.h"

namespace ashlar::heap {

constinit Pools pools;

namespace {

// Holds the lock for a scope in which the thread has entered: a signal handler of it that forks takes no lock then.
class [[nodiscard]] ASHLAR_SCOPED_CAPABILITY PoolsGuard {
 public:
  PoolsGuard() ASHLAR_ACQUIRE(pools.lock) { pools.lock.lock(); }
  ~PoolsGuard() ASHLAR_RELEASE() { pools.lock.unlock(); }
  PoolsGuard(const PoolsGuard&) = delete;
  PoolsGuard& operator=(const PoolsGuard&) = delete;

 private:
  Entry entry_;
};

constexpr std::uint64_t kWaitMs = 5000;  // then the allocator is asked again, as mm/mempool.c does

void* block(std::size_t bytes) {
  const Entry entry;
  void* const p = pop(bytes);
  return p != nullptr ? p : allocate(bytes);
}

void end_block(void* p) {
  const Entry entry;
  if (p != nullptr && !push(p)) release(p, "ashlar_mempool");
}

// The hint whether the reserve is full: an element too many goes to the allocator, which is no harm.
bool seems_full(const Pool& pool) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  return __atomic_load_n(&pool.count, __ATOMIC_RELAXED) >= __atomic_load_n(&pool.min, __ATOMIC_RELAXED);
}

void set_count(Pool& pool, std::size_t n) ASHLAR_REQUIRES(pools.lock) {
  __atomic_store_n(&pool.count, n, __ATOMIC_RELAXED);
}

void* take_from_reserve(Pool& pool) {
  const PoolsGuard guard;
  if (pool.count == 0) return nullptr;
  os::take_over(&pool);
  ASHLAR_ASSERT(pool.count <= pool.capacity, "a reserve has no more elements than its capacity");
  set_count(pool, pool.count - 1);
  ++pool.from_reserve;
  return pool.elements[pool.count];
}

bool return_to_reserve(Pool& pool, void* element) {
  const PoolsGuard guard;
  if (pool.count >= pool.min) return false;
  ASHLAR_ASSERT(pool.count < pool.capacity, "a reserve that is not full has a place");
  os::hand_over(&pool);
  pool.elements[pool.count] = element;
  set_count(pool, pool.count + 1);
  return true;
}

void note_return(Pool& pool) {
  pool.returns.fetch_add(1, std::memory_order_seq_cst);  // before the look at waiters: pairs with the order in wait_for
  if (pool.waiters.load(std::memory_order_seq_cst) != 0) os::wake_all(pool.returns);
}

// Sleeps until an element came back after `returns` was read, or for a while.
void wait_for(Pool& pool, std::uint32_t returns) {
  pool.waiters.fetch_add(1, std::memory_order_seq_cst);  // pairs with the load in note_return
  os::wait_while(pool.returns, returns, kWaitMs);
  pool.waiters.fetch_sub(1, std::memory_order_relaxed);
}

bool fill(Pool& pool) {
  while (!seems_full(pool)) {
    void* const element = pool.make(pool.data);
    if (element == nullptr) return false;
    free_element(pool, element);
  }
  return true;
}

bool has_capacity(const Pool& pool, std::size_t min) {
  const PoolsGuard guard;
  return min <= pool.capacity;
}

// Makes the capacity `min` elements or more; false without memory. It only grows: another thread may have made more
// meanwhile.
bool reserve_capacity(Pool& pool, std::size_t min) {
  if (has_capacity(pool, min)) return true;
  auto* const elements = static_cast<void**>(block(min * sizeof(void*)));
  if (elements == nullptr) return false;
  void** unwanted = elements;
  {
    const PoolsGuard guard;
    if (min > pool.capacity) {
      unwanted = pool.elements;
      if (pool.count != 0) std::memcpy(elements, pool.elements, pool.count * sizeof(void*));
      pool.elements = elements;
      pool.capacity = min;
    }
  }
  end_block(unwanted);
  return true;
}

}  // namespace

Pool* create_pool(const Pool& like, std::size_t min) {
  void* const memory = block(sizeof(Pool));
  if (memory == nullptr) return nullptr;
  auto* const pool = ::new (memory) Pool;
  pool->make = like.make;
  pool->end = like.end;
  pool->data = like.data;
  pool->self.store(pool, std::memory_order_relaxed);
  {
    const PoolsGuard guard;
    pools.all.push_front(pool);
  }
  if (resize(*pool, min)) return pool;
  destroy(pool);
  return nullptr;
}

void* take(Pool& pool, bool may_wait) {
  for (;;) {
    const std::uint32_t returns = pool.returns.load(std::memory_order_seq_cst);
    if (void* const element = pool.make(pool.data)) return element;
    if (void* const element = take_from_reserve(pool)) return element;
    if (!may_wait) return pool.failed.fetch_add(1, std::memory_order_relaxed), nullptr;
    pool.waits.fetch_add(1, std::memory_order_relaxed);
    wait_for(pool, returns);
  }
}

void free_element(Pool& pool, void* element) {
  if (seems_full(pool) || !return_to_reserve(pool, element)) pool.end(element, pool.data);
  // in any case: what went to the allocator may be what a waiter's next try gets
  note_return(pool);
}

bool resize(Pool& pool, std::size_t min) {
  if (!reserve_capacity(pool, min)) return false;
  {
    const PoolsGuard guard;
    __atomic_store_n(&pool.min, min, __ATOMIC_RELAXED);
  }
  for (;;) {
    void* extra = nullptr;
    {
      const PoolsGuard guard;
      if (pool.count > pool.min) {
        set_count(pool, pool.count - 1);
        extra = pool.elements[pool.count];
      }
    }
    if (extra == nullptr) break;
    pool.end(extra, pool.data);
  }
  return fill(pool);
}

void destroy(Pool* pool) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  {
    const PoolsGuard guard;
    pools.all.remove(pool);
  }
  pool->self.store(nullptr, std::memory_order_relaxed);
  while (void* const element = take_from_reserve(*pool)) pool->end(element, pool->data);
  end_block(pool->elements);
  end_block(pool);
}

namespace {

Pool* find_pool(const void* address) ASHLAR_REQUIRES(pools.lock) {
  for (Pool* pool = pools.all.front(); pool != nullptr; pool = pool->next) {
    if (pool == address) return pool;
  }
  return nullptr;
}

}  // namespace

bool count_pool(const void* address, PoolCounts& counts) {
  const PoolsGuard guard;
  const Pool* const pool = find_pool(address);
  if (pool == nullptr) return false;
  counts = {pool->min,
            pool->count,
            pool->from_reserve,
            pool->failed.load(std::memory_order_relaxed),
            pool->waits.load(std::memory_order_relaxed),
            pool->waiters.load(std::memory_order_relaxed)};
  return true;
}

bool name_pool(const void* address, std::string_view name) {
  const PoolsGuard guard;
  Pool* const pool = find_pool(address);
  if (pool == nullptr) return false;
  const std::size_t n = name.size() < kMaxPoolName ? name.size() : kMaxPoolName;
  std::memcpy(pool->name, name.data(), n);
  std::memset(pool->name + n, 0, sizeof pool->name - n);
  return true;
}

const char* name_of_pool(const void* address) {
  const PoolsGuard guard;
  const Pool* const pool = find_pool(address);
  return pool != nullptr ? pool->name : nullptr;
}

std::size_t list_pools(Pool** into, std::size_t max) {
  const PoolsGuard guard;
  std::size_t n = 0;
  for (Pool* pool = pools.all.front(); pool != nullptr; pool = pool->next, ++n) {
    if (n < max) into[n] = pool;
  }
  return n;
}

Broken validate(const Pool& pool) {
  const PoolsGuard guard;
  if (pool.count > pool.capacity || pool.min > pool.capacity)
    return broken("a pool's elements, and those that it is to have, are within its capacity", &pool);
  if (pool.capacity != 0 && pool.elements == nullptr) return broken("a pool with a capacity has a table", &pool);
  for (std::size_t i = 0; i < pool.count; ++i) {
    if (pool.elements[i] == nullptr) return broken("a pool's reserve holds elements", &pool.elements[i]);
  }
  return {};
}

void lock_pools_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { pools.lock.lock_beside_same_rank(); }
void unlock_pools_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { pools.lock.unlock(); }
void reset_pools_in_child() { pools.lock.reset(); }

}  // namespace ashlar::heap

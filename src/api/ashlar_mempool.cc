// api: memory pools, as documented in include/ashlar/mempool.h.
#include "ashlar/mempool.h"

#include <cstring>

#include "api/ashlar_cache.h"
#include "api/notices.h"
#include "api/refusal.h"
#include "heap/pool.h"

namespace api = ashlar::api;
namespace heap = ashlar::heap;

namespace {

constexpr int kMaxElements = 1 << 24;
constexpr const char* kNoPool = "is not a pool, or was destroyed";

heap::Pool& pool_of(ashlar_mempool* pool) { return *reinterpret_cast<heap::Pool*>(pool); }

void* alloc_from_cache(void* cache) { return ashlar_cache_alloc(static_cast<ashlar_cache*>(cache)); }
void free_to_cache(void* element, void* cache) { ashlar_cache_free(static_cast<ashlar_cache*>(cache), element); }

void* alloc_block(void* size) { return ashlar_malloc(reinterpret_cast<size_t>(size)); }
void free_block(void* element, void*) { ashlar_free(element); }

size_t bytes_of(void* order) { return ASHLAR_PAGE_SIZE << reinterpret_cast<size_t>(order); }
void* alloc_pages(void* order) {
  return ashlar_page_address(ashlar_alloc_pages(static_cast<unsigned>(reinterpret_cast<size_t>(order)), 0));
}
void free_pages(void* element, void* order) { ashlar_free_pages_exact(element, bytes_of(order)); }

// Writes a line if it is none.
bool is_pool(const char* caller, ashlar_mempool* pool) {
  if (pool != nullptr && heap::is_pool(pool_of(pool))) return true;
  if (pool == nullptr) api::refuse(caller, "the pool must not be NULL");
  else api::refuse_address(caller, pool, kNoPool);
  return false;
}

using Name = ashlar::Text<heap::kMaxPoolName>;

static_assert(ASHLAR_MEMPOOL_NAME_MAX == heap::kMaxPoolName);

std::nullptr_t refuse_count(const char* caller, int min_nr) {
  return api::refuse_number(caller, "the number of elements is ", min_nr, ", expected 1 to 16777216");
}

ashlar_mempool* create(const char* caller, const Name& name, int min_nr, const heap::Pool& like) {
  if (min_nr < 1 || min_nr > kMaxElements) return refuse_count(caller, min_nr);
  if (like.make == nullptr || like.end == nullptr)
    return api::refuse(caller, "the functions that allocate and free elements must not be NULL");
  heap::Pool* const pool = heap::create_pool(like, static_cast<size_t>(min_nr));
  if (pool == nullptr) errno = ENOMEM;
  else heap::name_pool(pool, name.view());
  return reinterpret_cast<ashlar_mempool*>(pool);
}

Name with_number(std::string_view what, std::uint64_t n) {
  Name name;
  name << what << n;
  return name;
}

Name with_text(std::string_view what, std::string_view text) {
  Name name;
  name << what << text;
  return name;
}

}  // namespace

ashlar_mempool* ashlar_mempool_create(int min_nr, ashlar_mempool_alloc_fn* alloc_fn, ashlar_mempool_free_fn* free_fn,
                                      void* pool_data) noexcept {
  return create("ashlar_mempool_create()", with_text("mempool", ""), min_nr, {alloc_fn, free_fn, pool_data});
}

ashlar_mempool* ashlar_mempool_create_slab_pool(int min_nr, ashlar_cache* cache) noexcept {
  constexpr const char* kCaller = "ashlar_mempool_create_slab_pool()";
  if (cache == nullptr) return api::refuse(kCaller, "the cache must not be NULL");
  if (!api::hold_cache(cache)) {
    api::refuse_address(kCaller, cache, "is not a cache, or was destroyed");
    return nullptr;
  }
  ashlar_mempool* const pool =
      create(kCaller, with_text("slab-", ashlar_cache_name(cache)), min_nr, {alloc_from_cache, free_to_cache, cache});
  if (pool == nullptr) api::let_cache_go(cache);
  return pool;
}

ashlar_mempool* ashlar_mempool_create_kmalloc_pool(int min_nr, size_t size) noexcept {
  return create("ashlar_mempool_create_kmalloc_pool()", with_number("kmalloc-", size), min_nr,
                {alloc_block, free_block, reinterpret_cast<void*>(size)});
}

ashlar_mempool* ashlar_mempool_create_page_pool(int min_nr, unsigned order) noexcept {
  constexpr const char* kCaller = "ashlar_mempool_create_page_pool()";
  if (order > ASHLAR_MAX_ORDER) return api::refuse_number(kCaller, "the order is ", order, ", expected 0 to 13");
  return create(kCaller, with_number("pages-", order), min_nr,
                {alloc_pages, free_pages, reinterpret_cast<void*>(size_t{order})});
}

void* ashlar_mempool_alloc(ashlar_mempool* pool, unsigned flags) noexcept {
  constexpr const char* kCaller = "ashlar_mempool_alloc()";
  if ((flags & ~ASHLAR_GFP_WAIT) != 0) return api::refuse_flags(kCaller, flags & ~ASHLAR_GFP_WAIT, "ASHLAR_GFP_WAIT");
  if (!is_pool(kCaller, pool)) return nullptr;
  api::Quiet quiet;  // the reserve may serve a request that its allocator cannot
  if (void* const element = heap::take(pool_of(pool), (flags & ASHLAR_GFP_WAIT) != 0)) return element;
  quiet.tell();
  errno = ENOMEM;
  return nullptr;
}

void ashlar_mempool_free(void* element, ashlar_mempool* pool) noexcept {
  if (element == nullptr) return;
  if (!is_pool("ashlar_mempool_free()", pool)) return;
  const int saved = errno;
  heap::free_element(pool_of(pool), element);
  errno = saved;
}

int ashlar_mempool_resize(ashlar_mempool* pool, int min_nr) noexcept {
  constexpr const char* kCaller = "ashlar_mempool_resize()";
  if (!is_pool(kCaller, pool)) return -1;
  if (min_nr < 1 || min_nr > kMaxElements) {
    refuse_count(kCaller, min_nr);
    return -1;
  }
  if (heap::resize(pool_of(pool), static_cast<size_t>(min_nr))) return 0;
  errno = ENOMEM;
  return -1;
}

int ashlar_mempool_snapshot(const ashlar_mempool* pool, struct ashlar_mempool_stats* stats, size_t size) noexcept {
  constexpr const char* kCaller = "ashlar_mempool_snapshot()";
  heap::PoolCounts counts;
  if (stats == nullptr || size == 0) {
    api::refuse(kCaller, "the pointer to the figures must not be NULL, and their size not 0");
    return -1;
  }
  if (!heap::count_pool(pool, counts)) {
    api::refuse_address(kCaller, pool, kNoPool);
    return -1;
  }
  const struct ashlar_mempool_stats all = {counts.min,    counts.count, counts.from_reserve,
                                           counts.failed, counts.waits, counts.waiters};
  std::memcpy(stats, &all, size < sizeof all ? size : sizeof all);
  return 0;
}

int ashlar_mempool_set_name(ashlar_mempool* pool, const char* name) noexcept {
  constexpr const char* kCaller = "ashlar_mempool_set_name()";
  const std::string_view text = name != nullptr ? name : "";
  if (text.empty() || text.size() > heap::kMaxPoolName) {
    api::refuse_number(kCaller, "the bytes of the name are ", text.size(), ", expected 1 to 47");
    return -1;
  }
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= ' ' && c != 0x7f) continue;
    api::refuse(kCaller, "the name has control characters");
    return -1;
  }
  if (heap::name_pool(pool, text)) return 0;
  api::refuse_address(kCaller, pool, kNoPool);
  return -1;
}

const char* ashlar_mempool_name(const ashlar_mempool* pool) noexcept {
  const char* const name = heap::name_of_pool(pool);
  if (name == nullptr) api::refuse_address("ashlar_mempool_name()", pool, kNoPool);
  return name;
}

size_t ashlar_mempool_list(ashlar_mempool** pools, size_t count) noexcept {
  return heap::list_pools(reinterpret_cast<heap::Pool**>(pools), pools != nullptr ? count : 0);
}

void ashlar_mempool_destroy(ashlar_mempool* pool) noexcept {
  if (pool == nullptr || !is_pool("ashlar_mempool_destroy()", pool)) return;
  const void* const cache = pool_of(pool).make == alloc_from_cache ? pool_of(pool).data : nullptr;
  heap::destroy(&pool_of(pool));
  if (cache != nullptr) api::let_cache_go(cache);
}

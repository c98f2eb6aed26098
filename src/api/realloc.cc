// api: realloc of a small block to a small size. It stays, or it moves to an object that the thread has at hand.
#include "api/realloc.h"

#include <cstdint>

#include "api/notices.h"
#include "api/recorded.h"
#include "base/bytes.h"
#include "base/hints.h"

namespace ashlar::api {

namespace {

// Of a small block that cannot stay. Where checks or a profile are to see calls, pop and push miss.
[[ASHLAR_ALWAYS_RUN, gnu::noinline]] void* move_small(void* p, std::size_t bytes, std::size_t size) {
  void* const fresh = heap::pop(size);
  if (fresh == nullptr) return realloc_entered(p, size);
  copy_block(fresh, p, bytes < size ? bytes : size);
  api::free(p);
  return fresh;
}

// realloc(NULL, size), realloc(p, 0), and sizes that no block has.
[[ASHLAR_ALWAYS_RUN, gnu::noinline]] void* realloc_otherwise(void* p, std::size_t size) {
  if (p == nullptr) return api::malloc(size);
  if (size != 0) return out_of_memory(size, kMinAlign);
  api::free(p);
  return nullptr;
}

}  // namespace

// ThreadSanitizer does not see that no order is needed of led_off.
[[ASHLAR_ALWAYS_RUN]] __attribute__((no_sanitize("thread"))) void* realloc(void* p, std::size_t size) {
  if (p == nullptr || size == 0 || too_large(size)) [[unlikely]]
    return realloc_otherwise(p, size);
  tally::count(tally::Event::kReallocated);
  if (led_off) [[unlikely]]
    return realloc_entered(p, size);
  const std::size_t bytes = heap::usable_in_slab(p, "realloc()");
  if (heap::stays_in_slab(bytes, size) || stays(bytes, size)) return p;
  return bytes != 0 ? move_small(p, bytes, size) : realloc_entered(p, size);
}

[[ASHLAR_ALWAYS_RUN]] void* reallocarray(void* p, std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return out_of_memory(SIZE_MAX, kMinAlign);
  return api::realloc(p, bytes);
}

}  // namespace ashlar::api

// api: allocation with glibc's semantics.
#include "api/api.h"

#include <bit>
#include <cerrno>
#include <cstdint>

#include "api/foreign.h"

// A linker takes a member of an archive for a name that it misses. Nothing calls what runs at start, and nothing in the
// process reads the root block: a relocation that relocates nothing names them, in every program that allocates.
asm(".reloc 0, BFD_RELOC_NONE, ashlar_init_member\n\t.reloc 0, BFD_RELOC_NONE, ashlar_root");

namespace ashlar::api {

namespace {

void* out_of_memory() {
  errno = ENOMEM;
  return nullptr;
}

bool too_large(std::size_t bytes) { return bytes > PTRDIFF_MAX; }

constexpr bool is_power_of_two(std::size_t n) { return n != 0 && (n & (n - 1)) == 0; }

void* aligned(std::size_t alignment, std::size_t size) {
  if (too_large(size) || alignment > PTRDIFF_MAX - size) return out_of_memory();
  void* const p = heap::allocate_aligned(size, alignment);
  return p != nullptr ? p : out_of_memory();
}

// A new block with the contents, and the end of the old one.
void* move(void* p, std::size_t old_bytes, std::size_t size) {
  void* const fresh = size > old_bytes ? heap::allocate_growing(size) : api::malloc(size);
  if (fresh == nullptr) return nullptr;
  std::memcpy(fresh, p, old_bytes < size ? old_bytes : size);
  api::free(p);
  return fresh;
}

}  // namespace

void* malloc_miss(std::size_t size) {
  if (too_large(size)) return out_of_memory();
  void* const p = heap::allocate(size);
  return p != nullptr ? p : out_of_memory();
}

void* calloc_miss(std::size_t bytes) {
  if (too_large(bytes)) return out_of_memory();
  bool zeroed = false;
  void* const p = heap::allocate_maybe_zeroed(bytes, zeroed);
  if (p == nullptr) return out_of_memory();
  return zeroed ? p : std::memset(p, 0, bytes);
}

void free_miss(void* p) {
  if (p == nullptr) return;
  const int saved = errno;
  if (!heap::release(p, "free()")) foreign::free(p, "free()");
  errno = saved;
}

void* realloc(void* p, std::size_t size) {
  if (p == nullptr) return api::malloc(size);
  if (size == 0) {
    api::free(p);
    return nullptr;
  }
  if (too_large(size)) return out_of_memory();
  if (heap::interrupted()) return out_of_memory();  // a signal handler's call: what it would need may be locked
  const std::size_t bytes = heap::usable_bytes(p, "realloc()");
  if (bytes == 0) {
    void* const fresh = api::malloc(size);
    if (fresh == nullptr) return nullptr;
    const std::size_t old_bytes = foreign::usable_bytes(p, "realloc()");
    std::memcpy(fresh, p, old_bytes < size ? old_bytes : size);
    foreign::free(p, "realloc()");
    return fresh;
  }
  if (void* const same = heap::resize(p, size)) return same;
  // a block that shrinks by less than half stays; and by more, if there is no memory for a smaller one
  if (size <= bytes && size > bytes / 2 && bytes <= slab::kMaxSmall) return p;
  if (void* const fresh = move(p, bytes, size)) return fresh;
  return size <= bytes ? p : out_of_memory();
}

void* reallocarray(void* p, std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return out_of_memory();
  return api::realloc(p, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  if (!is_power_of_two(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return aligned(alignment, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  if (alignment > SIZE_MAX / 2 + 1) {
    errno = EINVAL;
    return nullptr;
  }
  return aligned(alignment <= kMinAlign ? kMinAlign : std::bit_ceil(alignment), size);
}

int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  const int saved = errno;
  void* const p = aligned(alignment, size);
  errno = saved;
  if (p == nullptr) return ENOMEM;
  *out = p;
  return 0;
}

void* valloc(std::size_t size) { return aligned(os::page_bytes(), size); }

void* pvalloc(std::size_t size) {
  std::size_t padded = 0;
  if (__builtin_add_overflow(size, os::page_bytes() - 1, &padded)) return out_of_memory();
  return aligned(os::page_bytes(), round_down(padded, os::page_bytes()));
}

std::size_t malloc_usable_size(const void* p) {
  if (p == nullptr) return 0;
  const std::size_t bytes = heap::usable_bytes(p, "malloc_usable_size()");
  return bytes != 0 ? bytes : foreign::usable_bytes(p, "malloc_usable_size()");
}

}  // namespace ashlar::api

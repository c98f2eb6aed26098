// api: allocation with glibc's semantics.
#include "api/api.h"

#include <bit>
#include <cerrno>
#include <cstdint>

#include "api/foreign.h"

// A linker takes a member of an archive for a name that it misses. Nothing calls what runs at start, and nothing in
// the process reads the root block: a relocation that relocates nothing names them, in every program that allocates.
asm(".reloc 0, BFD_RELOC_NONE, ashlar_init_member\n\t.reloc 0, BFD_RELOC_NONE, ashlar_root");

namespace ashlar::api {

namespace {

void* out_of_memory() {
  errno = ENOMEM;
  return nullptr;
}

bool too_large(std::size_t bytes) { return bytes > PTRDIFF_MAX; }

constexpr bool is_power_of_two(std::size_t n) { return n != 0 && (n & (n - 1)) == 0; }

// Out of line, like all that only the options of check need: the rest then pays a load and a test.
[[gnu::noinline, gnu::cold]] void* aligned_checked(std::size_t alignment, std::size_t size, Form form) {
  bool zeroed = false;
  void* const p = check::allocate(size, alignment, form, zeroed);
  return p != nullptr ? p : out_of_memory();
}

void* aligned(std::size_t alignment, std::size_t size, Form form = Form::kMalloc) {
  if (too_large(size) || alignment > PTRDIFF_MAX - size) return out_of_memory();
  if (check::active) [[unlikely]]
    return aligned_checked(alignment, size, form);
  void* const p = heap::allocate_aligned(size, alignment);
  return p != nullptr ? p : out_of_memory();
}

void* unaligned(std::size_t size, Form form, bool& zeroed) {
  return check::active ? check::allocate(size, kMinAlign, form, zeroed) : heap::allocate_maybe_zeroed(size, zeroed);
}

// realloc of a block that is checked to a new one: what still uses the old one is caught.
void* move_checked(void* p, std::size_t old_bytes, std::size_t size) {
  void* const fresh = api::malloc(size);
  if (fresh == nullptr) return nullptr;
  std::memcpy(fresh, p, old_bytes < size ? old_bytes : size);
  const int saved = errno;
  check::release(p, Form::kMalloc, kNoSize, "realloc()");
  errno = saved;
  return fresh;
}

// A new block with the contents, and the end of the old one.
void* move(void* p, std::size_t old_bytes, std::size_t size) {
  const bool may_grow_on = size > old_bytes && !check::active;
  void* const fresh = may_grow_on ? heap::allocate_growing(size) : api::malloc(size);
  if (fresh == nullptr) return nullptr;
  std::memcpy(fresh, p, old_bytes < size ? old_bytes : size);
  api::free(p);
  return fresh;
}

}  // namespace

void* malloc_miss(std::size_t size) {
  if (too_large(size)) return out_of_memory();
  bool zeroed = false;
  void* const p = unaligned(size, Form::kMalloc, zeroed);
  return p != nullptr ? p : out_of_memory();
}

void* calloc_miss(std::size_t bytes) {
  if (too_large(bytes)) return out_of_memory();
  bool zeroed = false;
  void* const p = unaligned(bytes, Form::kMalloc, zeroed);
  if (p == nullptr) return out_of_memory();
  return zeroed ? p : std::memset(p, 0, bytes);
}

namespace {

[[gnu::noinline]] bool release_checked(void* p, Form form, std::size_t size) {
  const int saved = errno;
  const char* const caller = form == Form::kMalloc ? "free()" : form == Form::kNew ? "delete" : "delete[]";
  const bool done = check::release(p, form, size, caller);
  errno = saved;
  return done;
}

// Out of line: free(NULL) needs nothing of what this saves.
[[gnu::noinline]] void release_other(void* p) {
  const int saved = errno;
  if (!heap::release(p, "free()")) foreign::free(p, "free()");
  errno = saved;
}

[[gnu::noinline, gnu::cold]] bool find_checked(const void* p, std::size_t& bytes, const char* caller) {
  return check::find(p, bytes, caller);
}

}  // namespace

void free_miss(void* p) {
  if (p == nullptr) return;
  if (check::active) [[unlikely]]
    return delete_miss(p, Form::kMalloc, kNoSize);
  release_other(p);
}

void delete_miss(void* p, Form form, std::size_t size) {
  if (p == nullptr || (check::active && release_checked(p, form, size))) return;
  release_other(p);
}

namespace {

// Inlined where blocks are not checked, as most of realloc's calls find their block large enough.
[[gnu::always_inline]] inline void* realloc_plain(void* p, std::size_t size) {
  const std::size_t bytes = heap::usable_bytes(p, "realloc()");
  if (bytes == 0) {
    if (heap::has_no_bytes(p)) {
      void* const grown = move(p, 0, size);
      return grown != nullptr ? grown : out_of_memory();
    }
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
  if (size > bytes) return out_of_memory();
  heap::tell_usable_bytes(p, "realloc()");  // it stays for want of memory, whatever was asked for before
  return p;
}

[[gnu::noinline, gnu::cold]] void* realloc_checked(void* p, std::size_t size) {
  std::size_t bytes = 0;
  if (!check::find(p, bytes, "realloc()")) return realloc_plain(p, size);
  void* const same = check::resize(p, size);
  return same != nullptr ? same : move_checked(p, bytes, size);
}

}  // namespace

void* realloc(void* p, std::size_t size) {
  if (p == nullptr) return api::malloc(size);
  if (size == 0) {
    api::free(p);
    return nullptr;
  }
  if (too_large(size)) return out_of_memory();
  if (heap::interrupted() || check::interrupted())
    return out_of_memory();  // a signal handler's call: what it would need may be locked
  if (check::active) [[unlikely]]
    return realloc_checked(p, size);
  return realloc_plain(p, size);
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

void* allocate_as(std::size_t size, std::size_t alignment, Form form) {
  if (alignment <= kMinAlign) {
    if (void* const p = heap::pop(size)) return p;
    if (too_large(size)) return out_of_memory();
    bool zeroed = false;
    void* const p = unaligned(size, form, zeroed);
    return p != nullptr ? p : out_of_memory();
  }
  if (!is_power_of_two(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return aligned(alignment, size, form);
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
  void* const p = aligned(alignment, size);  // leaves ENOMEM in errno as well, for programs that call perror(3)
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
  if (check::active) [[unlikely]] {
    std::size_t asked = 0;
    if (find_checked(p, asked, "malloc_usable_size()")) return asked;
  }
  const std::size_t bytes = heap::tell_usable_bytes(p, "malloc_usable_size()");
  return bytes != 0 || heap::has_no_bytes(p) ? bytes : foreign::usable_bytes(p, "malloc_usable_size()");
}

}  // namespace ashlar::api

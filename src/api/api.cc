// api: allocation with glibc's semantics.
#include "api/api.h"

#include <bit>
#include <cerrno>
#include <cstdint>

#include "api/foreign.h"
#include "api/notices.h"
#include "api/profiled.h"
#include "api/realloc.h"
#include "api/recorded.h"
#include "api/sanitizer.h"
#include "base/bytes.h"
#include "base/hints.h"
#include "heap/gate.h"
#include "heap/realm_calls.h"
#include "heap/scope.h"

// A static linker extracts only archive members that define a missing symbol. Nothing else refers to the constructor
// (init.cc) and to the root block (root.cc), so no-op relocations here refer to both, in every program that allocates.
// They are in a section of their own, since ld.gold fails at such a relocation in an empty .text.
asm(".pushsection .rodata.ashlar_members, \"a\", %progbits\n"
    "\t.hidden ashlar_init_member, ashlar_root\n"
    "\t.byte 0\n"
    "\t.reloc 0, BFD_RELOC_NONE, ashlar_init_member\n"
    "\t.reloc 0, BFD_RELOC_NONE, ashlar_root\n"
    "\t.popsection");

namespace ashlar::api {

namespace {

[[gnu::noinline, gnu::cold]] void* emergency(std::size_t size, std::size_t alignment) {
  void* const p = heap::allocate_emergency(size, alignment);
  return p != nullptr ? p : out_of_memory(size, alignment);
}

constexpr bool is_power_of_two(std::size_t n) { return n != 0 && (n & (n - 1)) == 0; }

// Out of line, like all code that only checks and profiles need, so that other calls pay only a load and a test.
[[gnu::noinline, gnu::cold]] void* aligned_watched(std::size_t alignment, std::size_t size, Form form) {
  bool zeroed = false;
  void* const p = allocate_watched(size, alignment, form, zeroed);
  return p != nullptr ? p : out_of_memory(size, alignment);
}

// Allocates from the heap that the thread pushed (scope.h). Returns false where that heap does not serve the call, in a
// signal handler.
[[gnu::noinline, gnu::cold]] bool allocate_pushed(heap::Realm& realm, std::size_t size, std::size_t alignment,
                                                  bool& zeroed, void*& p) {
  if (heap::interrupted()) return false;
  p = allocate_in_heap(realm, size, alignment, zeroed);
  return true;
}

// Frees the blocks of threads that could not enter when they freed them.
[[gnu::noinline, gnu::cold]] void free_deferred() {
  const heap::Entry entry;  // held for the scope: the gate might close, and all would be deferred again
  if (!entry || heap::interrupted()) return;
  heap::for_deferred([](void* p, std::uint8_t how) { free_as(p, static_cast<Form>(how), kNoSize); });
}

[[gnu::noinline, ASHLAR_SELDOM_RUN]] void* aligned_miss(std::size_t alignment, std::size_t size, Form form) {
  if (sanitizer::has_malloc()) [[unlikely]]
    return sanitizer::memalign(alignment, size);
  if (record::Thread* const thread = record::begin()) [[unlikely]]
    return aligned_recorded(*thread, alignment, size, form);
  if (heap::Realm* const realm = heap::pushed_realm()) [[unlikely]] {
    bool zeroed = false;
    void* p = nullptr;
    if (allocate_pushed(*realm, size, alignment, zeroed, p)) return p != nullptr ? p : out_of_memory(size, alignment);
  }
  const heap::Entry entry;
  if (!entry) [[unlikely]]
    return emergency(size, alignment);
  if (watched()) [[unlikely]]
    return aligned_watched(alignment, size, form);
  void* const p = heap::allocate_aligned(size, alignment);
  return p != nullptr ? p : out_of_memory(size, alignment);
}

[[ASHLAR_ALWAYS_RUN]] void* unaligned(std::size_t size, Form form, bool& zeroed) {
  if (heap::Realm* const realm = heap::pushed_realm()) [[unlikely]] {
    void* p = nullptr;
    if (allocate_pushed(*realm, size, kMinAlign, zeroed, p)) return p;
  }
  const heap::Entry entry;
  if (!entry) [[unlikely]] {
    zeroed = false;
    return emergency(size, kMinAlign);
  }
  void* const p =
      watched() ? allocate_watched(size, kMinAlign, form, zeroed) : heap::allocate_maybe_zeroed(size, zeroed);
  if (heap::has_deferred()) [[unlikely]]
    free_deferred();
  return p;
}

}  // namespace

// In .data, on a page that the dynamic linker writes anyway.
[[gnu::section(".data")]] constinit bool led_off = false;

[[ASHLAR_SELDOM_RUN]] void* aligned(std::size_t alignment, std::size_t size, Form form) {
  if (too_large(size) || alignment > PTRDIFF_MAX - size) return out_of_memory(size, alignment);
  tally::count(tally::Event::kAllocated);
  if (void* const p = heap::pop_aligned(size, alignment)) [[likely]]
    return p;
  return aligned_miss(alignment, size, form);
}

[[ASHLAR_ALWAYS_RUN, gnu::noinline]] void* malloc_miss(std::size_t size) {  // realloc, which has entered, calls it
  if (sanitizer::has_malloc()) [[unlikely]]
    return sanitizer::malloc(size);
  if (record::Thread* const thread = record::begin()) [[unlikely]]
    return malloc_recorded(*thread, size);
  if (too_large(size)) return out_of_memory(size, kMinAlign);
  bool zeroed = false;
  void* const p = unaligned(size, Form::kMalloc, zeroed);
  return p != nullptr ? p : out_of_memory(size, kMinAlign);
}

[[ASHLAR_ALWAYS_RUN]] void* calloc_miss(std::size_t bytes) {
  if (too_large(bytes)) return out_of_memory(bytes, kMinAlign);
  if (sanitizer::has_malloc()) [[unlikely]]
    return sanitizer::calloc(bytes);
  if (record::Thread* const thread = record::begin()) [[unlikely]]
    return calloc_recorded(*thread, bytes);
  bool zeroed = true;  // asks for the answer
  void* const p = unaligned(bytes, Form::kMalloc, zeroed);
  if (p == nullptr) return out_of_memory(bytes, kMinAlign);
  return zeroed ? p : clear_block(p, bytes);
}

namespace {

[[ASHLAR_ALWAYS_RUN, gnu::noinline]] bool release_checked(void* p, Form form, std::size_t size) {
  if (heap::interrupted()) [[unlikely]] {
    heap::defer(p, static_cast<std::uint8_t>(form));  // the interrupted call may have a lock of any layer
    return true;
  }
  const char* const caller = form == Form::kMalloc ? "free()" : form == Form::kNew ? "delete" : "delete[]";
  return check::release(p, form, size, caller);
}

// Returns false if p is not one of our blocks.
bool release_ours(void* p, Form form, std::size_t size) {
  const heap::Entry entry;
  if (!entry) [[unlikely]] {
    heap::defer(p, static_cast<std::uint8_t>(form));  // a block of a realm is freed before the realm ends
    return true;
  }
  return (profile::active() && profile::may_be_sample(p) && release_profiled(p)) ||
         (check::may_have_blocks() && release_checked(p, form, size)) || heap::release(p, "free()");
}

// Out of line, because recorded calls do not need the registers that this saves.
[[ASHLAR_ALWAYS_RUN, gnu::noinline]] void release_unseen(void* p, Form form, std::size_t size) {
  const int saved = errno;
  if (!release_ours(p, form, size)) foreign::free(p, "free()");
  if (heap::has_deferred()) [[unlikely]]
    free_deferred();
  errno = saved;
}

// Out of line, because free(NULL) does not need the registers that this saves.
[[ASHLAR_RUN_LATER, gnu::noinline]] void release(void* p, Form form, std::size_t size) {
  if (sanitizer::has(p)) [[unlikely]]
    return sanitizer::free(p);
  if (record::Thread* const thread = record::begin()) [[unlikely]]
    return free_recorded(*thread, p, form, size);
  release_unseen(p, form, size);
}

[[gnu::noinline, gnu::cold]] bool find_checked(const void* p, std::size_t& bytes, const char* caller) {
  return check::find(p, bytes, caller);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void free_miss(void* p) {
  if (p != nullptr) release(p, Form::kMalloc, kNoSize);
}

[[ASHLAR_ALWAYS_RUN]] void delete_miss(void* p, Form form, std::size_t size) {
  if (p != nullptr) release(p, form, size);
}

[[ASHLAR_ALWAYS_RUN]] void* aligned_alloc(std::size_t alignment, std::size_t size) {
  if (!is_power_of_two(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return aligned(alignment, size);
}

[[ASHLAR_SELDOM_RUN]] void* allocate_as(std::size_t size, std::size_t alignment, Form form) {
  if (alignment <= kMinAlign) {
    if (void* const p = heap::pop(size)) return p;
    if (too_large(size)) return out_of_memory(size, kMinAlign);
    if (sanitizer::has_malloc()) [[unlikely]]
      return sanitizer::malloc(size);
    if (record::Thread* const thread = record::begin()) [[unlikely]]
      return new_recorded(*thread, size, form);
    bool zeroed = false;
    void* const p = unaligned(size, form, zeroed);
    return p != nullptr ? p : out_of_memory(size, kMinAlign);
  }
  if (!is_power_of_two(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return aligned(alignment, size, form);
}

[[ASHLAR_ALWAYS_RUN]] void* memalign(std::size_t alignment, std::size_t size) {
  if (alignment > SIZE_MAX / 2 + 1) {
    errno = EINVAL;
    return nullptr;
  }
  return aligned(alignment <= kMinAlign ? kMinAlign : std::bit_ceil(alignment), size);
}

[[ASHLAR_ALWAYS_RUN]] int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  void* const p = aligned(alignment, size);  // also leaves ENOMEM in errno, for programs that call perror(3)
  if (p == nullptr) return ENOMEM;
  *out = p;
  return 0;
}

[[ASHLAR_ALWAYS_RUN]] void* valloc(std::size_t size) { return aligned(os::page_bytes(), size); }

[[ASHLAR_ALWAYS_RUN]] void* pvalloc(std::size_t size) {
  std::size_t padded = 0;
  if (__builtin_add_overflow(size, os::page_bytes() - 1, &padded)) return out_of_memory(size, os::page_bytes());
  return aligned(os::page_bytes(), round_down(padded, os::page_bytes()));
}

namespace {

[[gnu::noinline, ASHLAR_SELDOM_RUN]] std::size_t usable_entered(const void* p) {
  if (sanitizer::has(p)) [[unlikely]]
    return sanitizer::malloc_usable_size(const_cast<void*>(p));
  const heap::Entry entry;
  if (profile::active()) [[unlikely]] {
    if (const std::size_t usable = usable_of_sample(p, !entry)) return usable;
  }
  if (check::may_have_blocks()) [[unlikely]] {
    std::size_t asked = 0;
    if (find_checked(p, asked, "malloc_usable_size()")) return asked;
  }
  if (!entry || heap::interrupted()) [[unlikely]]
    return heap::peek_usable_bytes(p);
  const std::size_t bytes = heap::tell_usable_bytes(p, "malloc_usable_size()");
  return bytes != 0 || heap::has_no_bytes(p) ? bytes : foreign::usable_bytes(p, "malloc_usable_size()");
}

}  // namespace

[[ASHLAR_SELDOM_RUN]] std::size_t malloc_usable_size(const void* p) {
  if (p == nullptr) return 0;
  if (!check::active()) [[likely]] {
    if (const std::size_t bytes = heap::usable_in_slab(p, "malloc_usable_size()")) return bytes;
  }
  return usable_entered(p);
}

}  // namespace ashlar::api

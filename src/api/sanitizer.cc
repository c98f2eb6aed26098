// api: calls the functions of a sanitizer's allocator.
#include "api/sanitizer.h"

#include <atomic>

#include "api/foreign.h"
#include "base/bytes.h"
#include "heap/heap.h"
#include "os/os.h"

extern "C" {
// Defined in preload/malloc.cc; null where malloc itself is not replaced.
[[gnu::weak]] extern const char ashlar_malloc_member;
}

namespace ashlar::api::sanitizer {

namespace {

struct Functions {
  void* (*malloc)(std::size_t);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*memalign)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  void (*free)(void*);
  std::size_t (*usable_size)(void*);
};

// kDeciding: the calls now are the dynamic linker's, during the decision.
enum class State : unsigned char { kUnknown, kDeciding, kNo, kYes };

struct Sanitizer {
  std::atomic<State> state{State::kUnknown};
  Functions next = {};  // those of the sanitizer, if there is one
};
constinit Sanitizer found;

template <class F>
void find(F& function, const char* name) {
  function = reinterpret_cast<F>(ashlar_libc_symbol(name));
}

bool find_next() {
  if (!os::has_glibc()) return false;  // musl's malloc has no second name, and GCC has no sanitizers for musl
  if (ashlar_libc_symbol == nullptr || &ashlar_malloc_member == nullptr) return false;
  const bool is_replaced = heap::ashlar_malloc_is_replaced != nullptr && heap::ashlar_malloc_is_replaced();
  if (is_replaced || !os::comes_before_libc()) return false;
  find(found.next.malloc, "malloc");
  // A sanitizer would come first: here libc follows this library.
  if (reinterpret_cast<void*>(found.next.malloc) == ashlar_libc_symbol("__libc_malloc")) return false;
  find(found.next.calloc, "calloc");
  find(found.next.memalign, "memalign");
  find(found.next.realloc, "realloc");
  find(found.next.free, "free");
  find(found.next.usable_size, "malloc_usable_size");
  return found.next.malloc != nullptr && found.next.calloc != nullptr && found.next.memalign != nullptr &&
         found.next.realloc != nullptr && found.next.free != nullptr && found.next.usable_size != nullptr;
}

bool is_deciding() { return found.state.load(std::memory_order_relaxed) == State::kDeciding; }

}  // namespace

bool allocates() {
  // acquire: pairs with the release below, for `next`
  State known = found.state.load(std::memory_order_acquire);
  if (known == State::kUnknown) {
    // This is the process's first malloc, so there is only one thread.
    found.state.store(State::kDeciding, std::memory_order_relaxed);
    known = find_next() ? State::kYes : State::kNo;
    found.state.store(known, std::memory_order_release);
  }
  return known != State::kNo;
}

void* malloc(std::size_t size) { return is_deciding() ? heap::allocate_emergency(size) : found.next.malloc(size); }

void* calloc(std::size_t bytes) {
  if (!is_deciding()) return found.next.calloc(1, bytes);
  void* const p = heap::allocate_emergency(bytes);
  return p != nullptr ? clear_block(p, bytes) : nullptr;
}

void* memalign(std::size_t alignment, std::size_t size) {
  return is_deciding() ? heap::allocate_emergency(size, alignment) : found.next.memalign(alignment, size);
}

void* realloc(void* p, std::size_t size) { return found.next.realloc(p, size); }
void free(void* p) { found.next.free(p); }
std::size_t malloc_usable_size(void* p) { return found.next.usable_size(p); }

bool made(const void* p) { return !is_deciding() && heap::peek_usable_bytes(p) == 0 && !heap::has_no_bytes(p); }

}  // namespace ashlar::api::sanitizer

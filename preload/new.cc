// preload: every operator new and delete (C++20, 17.6.3). A size given to delete is never trusted. It is only checked,
// under the options that check.
//
// All forms take the fast path of malloc and free. A miss checks whether the form is defined by one that the program
// replaces (operators.h), and then calls that one. In such a program current_of_derived makes every call miss. The
// forms are weak, like those of the C++ runtime: a program may define some of them.
//
// Only this file is compiled with exceptions, so that a handler's exception leaves the nothrow forms as a null pointer.
#include <stdlib.h>

#include <new>

#include "api/api.h"
#include "base/hints.h"
#include "preload/operators.h"
#include "preload/replaced.h"
#include "preload/runtime.h"

// The compiler itself refers to these, so the assembler must declare that they may be missing.
asm(".weak __gxx_personality_v0\n"
    ".weak __cxa_begin_catch\n"
    ".weak __cxa_end_catch\n"
    ".weak _Unwind_Resume\n"
    ".weak _ZSt9terminatev\n");

#define EXPORT __attribute__((visibility("default"), weak))
#define EXPORT_SELDOM [[ASHLAR_SELDOM_RUN]] EXPORT

namespace {

namespace api = ashlar::api;
namespace preload = ashlar::preload;
using ashlar::heap::current_of_derived;
using preload::Kind;
using preload::kPlain;

api::Form form_of(Kind kind) {
  return kind == Kind::kArray || kind == Kind::kDerivedArray ? api::Form::kNewArray : api::Form::kNew;
}

// The basic forms are defined by malloc, aligned_alloc and free.
[[ASHLAR_ALWAYS_RUN]] void* take(std::size_t size, std::size_t alignment, Kind kind) {
  if (alignment == kPlain) {
    if (preload::malloc_is_replaced()) return ::malloc(size);
  } else if (preload::aligned_alloc_is_replaced()) {
    return ::aligned_alloc(alignment, size);
  }
  return api::allocate_as(size, alignment, form_of(kind));
}

// [new.delete.single] 4: calls the handler in a loop until memory is there, the handler throws, or there is no handler.
// Called when there was no memory.
[[ASHLAR_SELDOM_RUN, gnu::noinline]] void* retry(std::size_t size, std::size_t alignment, Kind kind,
                                                 const void* caller) {
  for (;;) {
    if (!preload::has_runtime()) return preload::late_new(size, alignment, caller);
    const std::new_handler handler = preload::new_handler();
    if (handler == nullptr) preload::throw_bad_alloc();
    handler();
    if (void* const p = take(size, alignment, kind)) return p;
  }
}

[[ASHLAR_ALWAYS_RUN]] __attribute__((noinline)) void* new_miss(std::size_t size, std::size_t alignment, Kind kind) {
  void* p = nullptr;
  if (preload::call_other_new(kind, size, alignment, p)) return p;
  p = take(size, alignment, kind);
  return p != nullptr ? p : retry(size, alignment, kind, __builtin_return_address(0));
}

[[ASHLAR_SELDOM_RUN, gnu::noinline]] void* nothrow_miss(std::size_t size, std::size_t alignment, Kind kind) noexcept {
  const void* const caller = __builtin_return_address(0);
  try {
    void* p = nullptr;
    if (preload::call_other_new(kind, size, alignment, p)) return p;
    p = take(size, alignment, kind);
    if (p != nullptr) return p;
    if (!preload::has_runtime()) return preload::late_nothrow_new(size, alignment, caller);
    return preload::new_handler() != nullptr ? retry(size, alignment, kind, caller) : nullptr;
  } catch (...) {
    return nullptr;
  }
}

[[ASHLAR_ALWAYS_RUN]] __attribute__((noinline)) void delete_miss(void* p, std::size_t alignment, Kind kind,
                                                                 std::size_t size) noexcept {
  if (preload::call_other_delete(kind, p, alignment)) return;
  if (alignment == kPlain ? preload::malloc_is_replaced() : preload::aligned_alloc_is_replaced()) return ::free(p);
  api::delete_miss(p, form_of(kind), size);
}

inline void* get(std::size_t size, Kind kind) {
  ashlar::tally::count(ashlar::tally::Event::kAllocated);
  if (void* const p = ashlar::heap::pop(size, current_of_derived)) [[likely]]
    return p;
  return new_miss(size, kPlain, kind);
}

inline void* get_nothrow(std::size_t size, Kind kind) noexcept {
  ashlar::tally::count(ashlar::tally::Event::kAllocated);
  if (void* const p = ashlar::heap::pop(size, current_of_derived)) [[likely]]
    return p;
  return nothrow_miss(size, kPlain, kind);
}

inline void put(void* p, Kind kind, std::size_t size = api::kNoSize, std::size_t alignment = kPlain) noexcept {
  ashlar::tally::count_freed(p);
  if (!ashlar::heap::push(p, current_of_derived)) [[unlikely]]
    delete_miss(p, alignment, kind, size);
}

// An alignment of 0 is invalid, and treated like 3.
std::size_t raw(std::align_val_t a) { return a != std::align_val_t{} ? static_cast<std::size_t>(a) : 3; }

constexpr std::size_t kNoSize = api::kNoSize;
constexpr Kind kBasic = Kind::kBasic, kDerived = Kind::kDerived, kArray = Kind::kArray,
               kDerivedArray = Kind::kDerivedArray;

}  // namespace

[[ASHLAR_ALWAYS_RUN]] EXPORT void* operator new(std::size_t n) { return get(n, kBasic); }
[[ASHLAR_ALWAYS_RUN]] EXPORT void* operator new[](std::size_t n) { return get(n, kArray); }
EXPORT_SELDOM void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return get_nothrow(n, kDerived); }
EXPORT_SELDOM void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return get_nothrow(n, kDerivedArray);
}
EXPORT_SELDOM void* operator new(std::size_t n, std::align_val_t a) { return new_miss(n, raw(a), kBasic); }
EXPORT_SELDOM void* operator new[](std::size_t n, std::align_val_t a) { return new_miss(n, raw(a), kArray); }
EXPORT_SELDOM void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return nothrow_miss(n, raw(a), kDerived);
}
EXPORT_SELDOM void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return nothrow_miss(n, raw(a), kDerivedArray);
}

[[ASHLAR_ALWAYS_RUN]] EXPORT void operator delete(void* p) noexcept { put(p, kBasic); }
[[ASHLAR_ALWAYS_RUN]] EXPORT void operator delete[](void* p) noexcept { put(p, kArray); }
EXPORT_SELDOM void operator delete(void* p, const std::nothrow_t&) noexcept { put(p, kDerived); }
EXPORT_SELDOM void operator delete[](void* p, const std::nothrow_t&) noexcept { put(p, kDerivedArray); }
[[ASHLAR_ALWAYS_RUN]] EXPORT void operator delete(void* p, std::size_t n) noexcept { put(p, kDerived, n); }
[[ASHLAR_ALWAYS_RUN]] EXPORT void operator delete[](void* p, std::size_t n) noexcept { put(p, kDerivedArray, n); }
EXPORT_SELDOM void operator delete(void* p, std::align_val_t a) noexcept { put(p, kBasic, kNoSize, raw(a)); }
EXPORT_SELDOM void operator delete[](void* p, std::align_val_t a) noexcept { put(p, kArray, kNoSize, raw(a)); }
EXPORT_SELDOM void operator delete(void* p, std::align_val_t a, const std::nothrow_t&) noexcept {
  put(p, kDerived, kNoSize, raw(a));
}
EXPORT_SELDOM void operator delete[](void* p, std::align_val_t a, const std::nothrow_t&) noexcept {
  put(p, kDerivedArray, kNoSize, raw(a));
}
EXPORT_SELDOM void operator delete(void* p, std::size_t n, std::align_val_t a) noexcept { put(p, kDerived, n, raw(a)); }
EXPORT_SELDOM void operator delete[](void* p, std::size_t n, std::align_val_t a) noexcept {
  put(p, kDerivedArray, n, raw(a));
}

ASHLAR_OWN_NAME("ashlar_own_new", "_Znwm");
ASHLAR_OWN_NAME("ashlar_own_array_new", "_Znam");
ASHLAR_OWN_NAME("ashlar_own_aligned_new", "_ZnwmSt11align_val_t");
ASHLAR_OWN_NAME("ashlar_own_aligned_array_new", "_ZnamSt11align_val_t");
ASHLAR_OWN_NAME("ashlar_own_delete", "_ZdlPv");
ASHLAR_OWN_NAME("ashlar_own_array_delete", "_ZdaPv");
ASHLAR_OWN_NAME("ashlar_own_aligned_delete", "_ZdlPvSt11align_val_t");
ASHLAR_OWN_NAME("ashlar_own_aligned_array_delete", "_ZdaPvSt11align_val_t");

// preload: every operator new and delete (C++20, 17.6.3). Sizes given to delete are never trusted, only checked
// under the options that check.
//
// The library needs no C++ runtime: what belongs to it is referenced weakly, and is there whenever a program could
// install a new_handler or catch an exception. This file alone is compiled with exceptions, so that a handler's
// exception leaves the nothrow forms as a null pointer.
#include <bits/functexcept.h>

#include <new>

#include "api/api.h"

// The compiler itself names most of these, so that the assembler has to be told.
asm(".weak __gxx_personality_v0\n"
    ".weak __cxa_begin_catch\n"
    ".weak __cxa_end_catch\n"
    ".weak _Unwind_Resume\n"
    ".weak _ZSt15get_new_handlerv\n"
    ".weak _ZSt17__throw_bad_allocv\n"
    ".weak _ZSt9terminatev\n");

#define EXPORT __attribute__((visibility("default")))

namespace {

namespace api = ashlar::api;
using api::Form;
using api::kNoSize;
using ashlar::kMinAlign;

using GetNewHandler = std::new_handler (*)() noexcept;
using ThrowBadAlloc = void (*)();

[[noreturn]] void throw_bad_alloc() {
  // through a pointer, as the compiler takes a declared function's address for never null
  ThrowBadAlloc volatile raise = &std::__throw_bad_alloc;
  if (raise != nullptr) raise();
  ashlar::os::say("operator new: out of memory, and no C++ runtime to throw std::bad_alloc");
  ashlar::os::die();
}

std::new_handler new_handler() {
  GetNewHandler volatile get = &std::get_new_handler;
  return get != nullptr ? get() : nullptr;
}

// [new.delete.single] 4: the loop that calls the handler until memory is there, it throws, or there is none.
__attribute__((noinline)) void* new_miss(std::size_t size, std::size_t alignment, Form form) {
  for (;;) {
    if (void* const p = api::allocate_as(size, alignment, form)) return p;
    const std::new_handler handler = new_handler();
    if (handler == nullptr) throw_bad_alloc();
    handler();
  }
}

__attribute__((noinline)) void* nothrow_miss(std::size_t size, std::size_t alignment, Form form) noexcept {
  if (void* const p = api::allocate_as(size, alignment, form)) return p;
  if (new_handler() == nullptr) return nullptr;
  try {
    return new_miss(size, alignment, form);
  } catch (...) {
    return nullptr;
  }
}

inline void* plain(std::size_t size, Form form) {
  if (void* const p = ashlar::heap::pop(size)) [[likely]]
    return p;
  return new_miss(size, kMinAlign, form);
}

inline void* plain_nothrow(std::size_t size, Form form) noexcept {
  if (void* const p = ashlar::heap::pop(size)) [[likely]]
    return p;
  return nothrow_miss(size, kMinAlign, form);
}

std::size_t raw(std::align_val_t a) { return static_cast<std::size_t>(a); }

constexpr Form kNew = Form::kNew, kArray = Form::kNewArray;

}  // namespace

EXPORT void* operator new(std::size_t n) { return plain(n, kNew); }
EXPORT void* operator new[](std::size_t n) { return plain(n, kArray); }
EXPORT void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return plain_nothrow(n, kNew); }
EXPORT void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return plain_nothrow(n, kArray); }
EXPORT void* operator new(std::size_t n, std::align_val_t a) { return new_miss(n, raw(a), kNew); }
EXPORT void* operator new[](std::size_t n, std::align_val_t a) { return new_miss(n, raw(a), kArray); }
EXPORT void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return nothrow_miss(n, raw(a), kNew);
}
EXPORT void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return nothrow_miss(n, raw(a), kArray);
}

EXPORT void operator delete(void* p) noexcept { api::free_as(p, kNew, kNoSize); }
EXPORT void operator delete[](void* p) noexcept { api::free_as(p, kArray, kNoSize); }
EXPORT void operator delete(void* p, const std::nothrow_t&) noexcept { api::free_as(p, kNew, kNoSize); }
EXPORT void operator delete[](void* p, const std::nothrow_t&) noexcept { api::free_as(p, kArray, kNoSize); }
EXPORT void operator delete(void* p, std::size_t n) noexcept { api::free_as(p, kNew, n); }
EXPORT void operator delete[](void* p, std::size_t n) noexcept { api::free_as(p, kArray, n); }
EXPORT void operator delete(void* p, std::align_val_t) noexcept { api::free_as(p, kNew, kNoSize); }
EXPORT void operator delete[](void* p, std::align_val_t) noexcept { api::free_as(p, kArray, kNoSize); }
EXPORT void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  api::free_as(p, kNew, kNoSize);
}
EXPORT void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  api::free_as(p, kArray, kNoSize);
}
EXPORT void operator delete(void* p, std::size_t n, std::align_val_t) noexcept { api::free_as(p, kNew, n); }
EXPORT void operator delete[](void* p, std::size_t n, std::align_val_t) noexcept { api::free_as(p, kArray, n); }

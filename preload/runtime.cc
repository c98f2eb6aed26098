// preload: the C++ runtime, either through weak references, if it was there when the library was loaded, or the one
// that came later.
#include "preload/runtime.h"

#include <bits/functexcept.h>

#include "os/os.h"
#include "preload/operators.h"

asm(".weak _ZSt15get_new_handlerv\n"
    ".weak _ZSt17__throw_bad_allocv\n");

namespace ashlar::preload {

namespace {

using GetNewHandler = std::new_handler (*)() noexcept;
using ThrowBadAlloc = void (*)();
using New = void* (*)(std::size_t);
using AlignedNew = void* (*)(std::size_t, std::align_val_t);
using NothrowNew = void* (*)(std::size_t, const std::nothrow_t&);
using AlignedNothrowNew = void* (*)(std::size_t, std::align_val_t, const std::nothrow_t&);

// Read through pointers, since the compiler assumes that a declared function's address is never null. A static program
// that sets no handler may have one of the two without the other.
GetNewHandler get_new_handler() {
  GetNewHandler volatile get = &std::get_new_handler;
  return get;
}

ThrowBadAlloc raise_bad_alloc() {
  ThrowBadAlloc volatile raise = &std::__throw_bad_alloc;
  return raise;
}

template <class F>
F runtime_function(const char* name, const void* caller) {
  return ashlar_runtime_symbol != nullptr ? reinterpret_cast<F>(ashlar_runtime_symbol(name, caller)) : nullptr;
}

[[noreturn]] void die_without_runtime() {
  os::say("operator new: out of memory, and no C++ runtime to throw std::bad_alloc");
  os::die();
}

}  // namespace

// Where no other runtime can be found, the present one must do.
bool has_runtime() {
  return ashlar_runtime_symbol == nullptr || get_new_handler() != nullptr || raise_bad_alloc() != nullptr;
}

std::new_handler new_handler() {
  const GetNewHandler get = get_new_handler();
  return get != nullptr ? get() : nullptr;
}

void throw_bad_alloc() {
  if (const ThrowBadAlloc raise = raise_bad_alloc()) raise();
  ashlar_throw_bad_alloc();
  die_without_runtime();
}

void* late_new(std::size_t size, std::size_t alignment, const void* caller) {
  if (alignment == kPlain) {
    if (const auto f = runtime_function<New>("_Znwm", caller)) return f(size);
  } else if (const auto f = runtime_function<AlignedNew>("_ZnwmSt11align_val_t", caller)) {
    return f(size, std::align_val_t{alignment});
  }
  die_without_runtime();
}

void* late_nothrow_new(std::size_t size, std::size_t alignment, const void* caller) noexcept {
  static constexpr std::nothrow_t kNothrow{};
  if (alignment == kPlain) {
    const auto f = runtime_function<NothrowNew>("_ZnwmRKSt9nothrow_t", caller);
    return f != nullptr ? f(size, kNothrow) : nullptr;
  }
  const auto f = runtime_function<AlignedNothrowNew>("_ZnwmSt11align_val_tRKSt9nothrow_t", caller);
  return f != nullptr ? f(size, std::align_val_t{alignment}, kNothrow) : nullptr;
}

}  // namespace ashlar::preload

// preload, private: the C++ runtime, which this library does not need, so that there may be none.
#pragma once

#include <cstddef>
#include <new>

namespace ashlar::preload {

// Returns whether a runtime was there when this library was loaded. If not, one may have come since, with a library
// that a C program loaded by dlopen(3).
bool has_runtime();

// Work with the runtime that was there.
std::new_handler new_handler();
[[noreturn]] void throw_bad_alloc();

// For a caller of operator new, when memory is short and has_runtime is false. Calls the same form in the caller's own
// runtime, which asks malloc again, calls the new_handler, and throws. Ends the process if there is no runtime.
void* late_new(std::size_t size, std::size_t alignment, const void* caller);

// The same without an exception. Returns null where there is no runtime.
void* late_nothrow_new(std::size_t size, std::size_t alignment, const void* caller) noexcept;

}  // namespace ashlar::preload

// Throws std::bad_alloc where std::__throw_bad_alloc is not linked; otherwise returns.
extern "C" __attribute__((visibility("hidden"))) void ashlar_throw_bad_alloc();

// Returns the address of a symbol in the C++ runtime that the code at `caller` uses, or null. Defined where Ashlar is a
// shared library.
extern "C" __attribute__((weak)) void* ashlar_runtime_symbol(const char* name, const void* caller);

// Ashlar for C++: how the other headers report failures. A translation unit without exceptions (-fno-exceptions) calls
// std::abort instead.
//
// SPDX-License-Identifier: MIT
#ifndef ASHLAR_THROW_HPP
#define ASHLAR_THROW_HPP

#include <cstdlib>
#include <utility>

namespace ashlar {
namespace detail {

// Throws an exception that is constructed from the arguments, or calls std::abort if exceptions are off.
template <class Exception, class... Args>
[[noreturn]] inline void fail(Args&&... args) {
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
  throw Exception(std::forward<Args>(args)...);
#else
  static_cast<void>(sizeof...(args));
  std::abort();
#endif
}

}  // namespace detail
}  // namespace ashlar

#endif

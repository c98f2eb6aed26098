// Ashlar for C++: how the other headers fail. A translation unit without exceptions (-fno-exceptions) is ended instead.
//
// SPDX-License-Identifier: MIT
#ifndef ASHLAR_THROW_HPP
#define ASHLAR_THROW_HPP

#include <cstdlib>
#include <utility>

namespace ashlar {
namespace detail {

// Throws an exception made of the arguments, or calls std::abort where there are none.
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

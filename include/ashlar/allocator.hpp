// Ashlar for C++17: an allocator for standard containers ([allocator.requirements]). It works whether or not Ashlar
// replaces malloc.
//
// SPDX-License-Identifier: MIT
#ifndef ASHLAR_ALLOCATOR_HPP
#define ASHLAR_ALLOCATOR_HPP

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "ashlar/ashlar.h"
#include "ashlar/throw.hpp"

namespace ashlar {

// Allocates by ashlar_malloc and ashlar_aligned_alloc. It has no state: all allocators compare equal, and memory of one
// may be given to any other. Thread-safe. It does not call the new handler (std::set_new_handler).
template <class T>
class allocator {
 public:
  using value_type = T;
  using is_always_equal = std::true_type;
  using propagate_on_container_move_assignment = std::true_type;

  constexpr allocator() noexcept = default;
  template <class U>
  constexpr allocator(const allocator<U>&) noexcept {}

  // Returns memory for n objects, aligned for T. Throws std::bad_array_new_length if their size overflows, or
  // std::bad_alloc if there is no memory.
  [[nodiscard]] T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T)) detail::fail<std::bad_array_new_length>();
    void* const memory =
        alignof(T) > 16 ? ashlar_aligned_alloc(alignof(T), n * sizeof(T)) : ashlar_malloc(n * sizeof(T));
    if (memory == nullptr) detail::fail<std::bad_alloc>();
    return static_cast<T*>(memory);
  }

  void deallocate(T* memory, std::size_t) noexcept { ashlar_free(memory); }

  template <class U>
  friend constexpr bool operator==(const allocator&, const allocator<U>&) noexcept {
    return true;
  }
  template <class U>
  friend constexpr bool operator!=(const allocator&, const allocator<U>&) noexcept {
    return false;
  }
};

}  // namespace ashlar

#endif

// Ashlar for C++17: a std::pmr::memory_resource ([mem.res]), whether or not Ashlar replaces malloc.
//
// SPDX-License-Identifier: MIT
#ifndef ASHLAR_MEMORY_RESOURCE_HPP
#define ASHLAR_MEMORY_RESOURCE_HPP

#include <cstddef>
#include <memory_resource>
#include <new>

#include "ashlar/ashlar.h"
#include "ashlar/throw.hpp"

namespace ashlar {

// A resource that allocates by ashlar_malloc. It has no state: all resources of this class compare equal, and memory of
// one may be given to any other. Thread-safe. Allocation throws std::bad_alloc if there is no memory. Like malloc, it
// does not call the new handler (std::set_new_handler). Without RTTI (-fno-rtti) two resources that are not the same
// object compare unequal, and containers then copy where they could move.
class memory_resource : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* const memory = alignment > 16 ? ashlar_aligned_alloc(alignment, bytes) : ashlar_malloc(bytes);
    if (memory == nullptr) detail::fail<std::bad_alloc>();
    return memory;
  }

  void do_deallocate(void* memory, std::size_t, std::size_t) override { ashlar_free(memory); }

  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
#if defined(__cpp_rtti) || defined(__GXX_RTTI)
    return dynamic_cast<const memory_resource*>(&other) != nullptr;
#else
    return this == &other;
#endif
  }
};

// Returns a resource that all callers share. It is never destroyed, so that destructors of static objects may use it.
// Never fails. Thread-safe.
inline memory_resource* resource() noexcept {
  alignas(memory_resource) static unsigned char place[sizeof(memory_resource)];
  static memory_resource* const the_one = ::new (static_cast<void*>(place)) memory_resource;
  return the_one;
}

}  // namespace ashlar

#endif

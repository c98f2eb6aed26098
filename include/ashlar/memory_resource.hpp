// Ashlar for C++: a std::pmr::memory_resource ([mem.res]), whether or not Ashlar replaces malloc.
//
// SPDX-License-Identifier: MIT
#ifndef ASHLAR_MEMORY_RESOURCE_HPP
#define ASHLAR_MEMORY_RESOURCE_HPP

#include <cstddef>
#include <memory_resource>
#include <new>

#include "ashlar/ashlar.h"

namespace ashlar {

// Stateless: all are equal, and memory of one may be given to any other. Thread-safe. Allocation throws std::bad_alloc.
class memory_resource : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* const memory = alignment > 16 ? ashlar_aligned_alloc(alignment, bytes) : ashlar_malloc(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }

  void do_deallocate(void* memory, std::size_t, std::size_t) override { ashlar_free(memory); }

  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return dynamic_cast<const memory_resource*>(&other) != nullptr;
  }
};

// One for all, which lives as long as the process.
inline memory_resource* resource() noexcept {
  static memory_resource the_one;
  return &the_one;
}

}  // namespace ashlar

#endif

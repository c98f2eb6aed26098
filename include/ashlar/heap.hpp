// Ashlar for C++17: heaps that are freed at once (ashlar/heap.h) and destroyed with their owner, and allocators of
// heaps and of named caches for standard containers.
//
// SPDX-License-Identifier: MIT
#ifndef ASHLAR_HEAP_HPP
#define ASHLAR_HEAP_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <system_error>
#include <utility>

#include "ashlar/cache.h"
#include "ashlar/heap.h"
#include "ashlar/throw.hpp"

namespace ashlar {
inline namespace heaps {  // its symbols are apart from those of the library's own names

// A heap. Its blocks are freed with it: none may be used or freed afterwards, and no destructor of an object runs.
// Moving and destroying it is not thread-safe; the functions of ashlar/heap.h are.
class heap {
 public:
  // Throws std::system_error with the errno of ashlar_heap_create.
  explicit heap(const char* name = nullptr, unsigned flags = 0) : heap_(ashlar_heap_create(name, flags)) {
    if (heap_ == nullptr) detail::fail<std::system_error>(errno, std::generic_category(), "ashlar::heap");
  }
  heap(heap&& other) noexcept : heap_(std::exchange(other.heap_, nullptr)) {}
  heap& operator=(heap&& other) noexcept {
    std::swap(heap_, other.heap_);
    return *this;
  }
  heap(const heap&) = delete;
  heap& operator=(const heap&) = delete;
  ~heap() { ashlar_heap_destroy(heap_); }

  // Frees all blocks of the heap, like ashlar_heap_reset.
  void reset() noexcept { ashlar_heap_reset(heap_); }

  // Returns the handle for the functions of ashlar/heap.h.
  [[nodiscard]] ashlar_heap* get() const noexcept { return heap_; }

 private:
  ashlar_heap* heap_;
};

// While a heap_scope exists, malloc, operator new and their relatives serve the calling thread from a heap
// (ashlar_heap_push). Scopes nest. They must end in the reverse order, before their heap, and on the thread that began
// them.
class heap_scope {
 public:
  // Throws std::system_error with the errno of ashlar_heap_push.
  explicit heap_scope(ashlar_heap* heap) {
    if (ashlar_heap_push(heap) != 0)
      detail::fail<std::system_error>(errno, std::generic_category(), "ashlar::heap_scope");
  }
  explicit heap_scope(const heap& heap) : heap_scope(heap.get()) {}
  heap_scope(const heap_scope&) = delete;
  heap_scope& operator=(const heap_scope&) = delete;
  ~heap_scope() { ashlar_heap_pop(); }
};

// A standard allocator that takes memory of a heap. The heap must outlive the allocated memory. Two allocators compare
// equal if their heap is the same. Thread-safe.
template <class T>
class heap_allocator {
 public:
  using value_type = T;

  heap_allocator(const heap& of) noexcept : heap_(of.get()) {}
  explicit heap_allocator(ashlar_heap* of) noexcept : heap_(of) {}
  template <class U>
  heap_allocator(const heap_allocator<U>& other) noexcept : heap_(other.get()) {}

  // Returns memory for n objects, aligned for T. Throws std::bad_array_new_length if their size overflows, or
  // std::bad_alloc if there is no memory.
  [[nodiscard]] T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T)) detail::fail<std::bad_array_new_length>();
    void* const memory = alignof(T) > 16 ? ashlar_heap_memalign(heap_, alignof(T), n * sizeof(T))
                                         : ashlar_heap_malloc(heap_, n * sizeof(T));
    if (memory == nullptr) detail::fail<std::bad_alloc>();
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t) noexcept { ashlar_heap_free(heap_, memory); }

  [[nodiscard]] ashlar_heap* get() const noexcept { return heap_; }
  template <class U>
  friend bool operator==(const heap_allocator& a, const heap_allocator<U>& b) noexcept {
    return a.get() == b.get();
  }
  template <class U>
  friend bool operator!=(const heap_allocator& a, const heap_allocator<U>& b) noexcept {
    return a.get() != b.get();
  }

 private:
  ashlar_heap* heap_;
};

// A std::pmr::memory_resource ([mem.res]) of a heap. Throws std::bad_alloc if there is no memory. Two resources compare
// equal only if they are the same object. Thread-safe.
class heap_resource : public std::pmr::memory_resource {
 public:
  explicit heap_resource(const heap& of) noexcept : heap_(of.get()) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* const memory =
        alignment > 16 ? ashlar_heap_memalign(heap_, alignment, bytes) : ashlar_heap_malloc(heap_, bytes);
    if (memory == nullptr) detail::fail<std::bad_alloc>();
    return memory;
  }
  void do_deallocate(void* memory, std::size_t, std::size_t) override { ashlar_heap_free(heap_, memory); }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  ashlar_heap* heap_;
};

// A standard allocator that takes single objects, such as the nodes of a container, from a named cache. Arrays, and
// objects that are larger than the cache's or aligned to more than 16 bytes, come from ashlar_malloc. The cache must
// outlive the allocated memory. It must have no constructor: containers construct and destroy each object themselves,
// which undoes the constructor's work for the next user of the cache. Thread-safe.
template <class T>
class cache_allocator {
 public:
  using value_type = T;

  explicit cache_allocator(ashlar_cache* of) noexcept : cache_(of) {}
  template <class U>
  cache_allocator(const cache_allocator<U>& other) noexcept : cache_(other.get()) {}

  // Throws like heap_allocator::allocate.
  [[nodiscard]] T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T)) detail::fail<std::bad_array_new_length>();
    void* const memory = fits(n)           ? ashlar_cache_alloc(cache_)
                         : alignof(T) > 16 ? ashlar_aligned_alloc(alignof(T), n * sizeof(T))
                                           : ashlar_malloc(n * sizeof(T));
    if (memory == nullptr) detail::fail<std::bad_alloc>();
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t n) noexcept {
    if (fits(n)) ashlar_cache_free(cache_, memory);
    else ashlar_free(memory);
  }

  [[nodiscard]] ashlar_cache* get() const noexcept { return cache_; }
  template <class U>
  friend bool operator==(const cache_allocator& a, const cache_allocator<U>& b) noexcept {
    return a.get() == b.get();
  }
  template <class U>
  friend bool operator!=(const cache_allocator& a, const cache_allocator<U>& b) noexcept {
    return a.get() != b.get();
  }

 private:
  [[nodiscard]] bool fits(std::size_t n) const noexcept {
    return n == 1 && alignof(T) <= 16 && sizeof(T) <= ashlar_cache_size(cache_);
  }

  ashlar_cache* cache_;
};

}  // namespace heaps
}  // namespace ashlar

#endif

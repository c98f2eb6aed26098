// Ashlar for C++17: heaps that are freed at once (ashlar/heap.h), ended with their owner, and memory of heaps and of
// named caches for standard containers.
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

// A heap. Its blocks end with it: none may be used or freed afterwards, and no destructor of an object runs.
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

  // Frees all its blocks, like ashlar_heap_reset.
  void reset() noexcept { ashlar_heap_reset(heap_); }

  // The handle for the functions of ashlar/heap.h.
  [[nodiscard]] ashlar_heap* get() const noexcept { return heap_; }

 private:
  ashlar_heap* heap_;
};

// For a scope, what the calling thread asks of malloc, operator new and their relatives is a block of a heap
// (ashlar_heap_push). Scopes nest, and end in the reverse order, by the thread that began them, before their heap.
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

// Memory of a heap, which must outlive what is allocated. Equal where the heap is the same.
template <class T>
class heap_allocator {
 public:
  using value_type = T;

  heap_allocator(const heap& of) noexcept : heap_(of.get()) {}
  explicit heap_allocator(ashlar_heap* of) noexcept : heap_(of) {}
  template <class U>
  heap_allocator(const heap_allocator<U>& other) noexcept : heap_(other.get()) {}

  // Throws std::bad_array_new_length where n objects have no size, std::bad_alloc where there is no memory.
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

// The same as a std::pmr::memory_resource ([mem.res]). Two are equal if they are the same object.
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

// Single objects from a named cache, for the nodes of a container; arrays, and objects that are larger than the cache's
// or aligned to more than 16 bytes, from malloc. The cache must outlive what is allocated. It must have no constructor:
// containers construct and end each object themselves, which undoes the constructor's work for the cache's next user.
template <class T>
class cache_allocator {
 public:
  using value_type = T;

  explicit cache_allocator(ashlar_cache* of) noexcept : cache_(of) {}
  template <class U>
  cache_allocator(const cache_allocator<U>& other) noexcept : cache_(other.get()) {}

  // Throws as heap_allocator::allocate.
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

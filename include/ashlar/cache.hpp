// Ashlar for C++17: a named cache of objects of one type (ashlar/cache.h), which is destroyed with its owner.
//
// SPDX-License-Identifier: MIT
#ifndef ASHLAR_CACHE_HPP
#define ASHLAR_CACHE_HPP

#include <cerrno>
#include <cstddef>
#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include "ashlar/cache.h"
#include "ashlar/throw.hpp"

namespace ashlar {

// A cache of T. Objects are created by make and destroyed by destroy, or are held by the pointers that make_unique
// returns. The cache must outlive its objects. Creating and destroying objects is thread-safe, like ashlar/cache.h;
// moving and destroying the cache is not.
template <class T>
class cache {
 public:
  // Throws std::system_error with the errno of ashlar_cache_create.
  explicit cache(const char* name, unsigned flags = 0)
      : cache_(ashlar_cache_create(name, sizeof(T), alignof(T), flags, nullptr)) {
    if (cache_ == nullptr) detail::fail<std::system_error>(errno, std::generic_category(), "ashlar::cache");
  }

  cache(cache&& other) noexcept : cache_(std::exchange(other.cache_, nullptr)) {}
  cache& operator=(cache&& other) noexcept {
    std::swap(cache_, other.cache_);
    return *this;
  }
  cache(const cache&) = delete;
  cache& operator=(const cache&) = delete;

  // Destroys the cache. If objects are still in use, the cache stays, and a line on stderr names some of them.
  ~cache() { ashlar_cache_destroy(cache_); }

  // Returns a new object. Throws std::bad_alloc if there is no memory, and whatever T's constructor throws. The caller
  // frees the object by destroy.
  template <class... Args>
  [[nodiscard]] T* make(Args&&... args) {
    T* const object = construct(std::forward<Args>(args)...);
    if (object == nullptr) detail::fail<std::bad_alloc>();
    return object;
  }

  // Does the same, except that it returns null if there is no memory, like new (std::nothrow).
  template <class... Args>
  [[nodiscard]] T* make(const std::nothrow_t&, Args&&... args) {
    return construct(std::forward<Args>(args)...);
  }

  // Stores `count` new objects, each constructed from the same arguments. On failure throws like make, after it
  // destroyed those that it created; the contents of `objects` are then unspecified.
  template <class... Args>
  void make_bulk(std::size_t count, T** objects, const Args&... args) {
    if (!construct_bulk(count, objects, args...)) detail::fail<std::bad_alloc>();
  }

  // Does the same, except that it returns false if there is no memory, and true on success.
  template <class... Args>
  [[nodiscard]] bool make_bulk(const std::nothrow_t&, std::size_t count, T** objects, const Args&... args) {
    return construct_bulk(count, objects, args...);
  }

  // Destroys an object of make and frees it. Does nothing for null. destroy_bulk does so for `count` objects, the last
  // first.
  void destroy(T* object) noexcept { deleter{cache_}(object); }
  void destroy_bulk(std::size_t count, T* const* objects) noexcept {
    while (count > 0) destroy(objects[--count]);
  }

  // Destroys an object and frees it. It refers to the handle, so that the cache object may be moved meanwhile.
  struct deleter {
    ashlar_cache* owner = nullptr;
    void operator()(T* object) const noexcept {
      if (object == nullptr) return;
      object->~T();
      ashlar_cache_free(owner, object);
    }
  };
  using unique_ptr = std::unique_ptr<T, deleter>;

  // Returns a new object in a pointer that destroys it. Throws like make. The cache may be moved meanwhile, but must
  // not be destroyed.
  template <class... Args>
  [[nodiscard]] unique_ptr make_unique(Args&&... args) {
    return unique_ptr(make(std::forward<Args>(args)...), deleter{cache_});
  }

  // Returns free slabs to the page allocator, like ashlar_cache_shrink.
  void shrink() noexcept { ashlar_cache_shrink(cache_); }

  // The name, as ashlar_cache_name returns it, and the handle for the functions of ashlar/cache.h.
  [[nodiscard]] const char* name() const noexcept { return ashlar_cache_name(cache_); }
  [[nodiscard]] ashlar_cache* get() const noexcept { return cache_; }

 private:
  struct memory_deleter {
    ashlar_cache* owner;
    void operator()(void* memory) const noexcept { ashlar_cache_free(owner, memory); }
  };

  // Returns null if there is no memory.
  template <class... Args>
  T* construct(Args&&... args) {
    // frees the memory if the constructor throws
    std::unique_ptr<void, memory_deleter> memory(ashlar_cache_alloc(cache_), memory_deleter{cache_});
    if (memory == nullptr) return nullptr;
    T* const object = ::new (memory.get()) T(std::forward<Args>(args)...);
    static_cast<void>(memory.release());
    return object;
  }

  template <class... Args>
  bool construct_bulk(std::size_t count, T** objects, const Args&... args) {
    // ends what was made if a constructor throws, or memory ends
    struct some {
      cache& from;
      T** objects;
      std::size_t made = 0;
      ~some() { from.destroy_bulk(made, objects); }
    } made{*this, objects};
    for (; made.made < count; ++made.made) {
      objects[made.made] = construct(args...);
      if (objects[made.made] == nullptr) return false;
    }
    made.made = 0;
    return true;
  }

  ashlar_cache* cache_;
};

}  // namespace ashlar

#endif

// Ashlar for C++: a named cache of objects of one type (ashlar/cache.h), ended with its owner.
//
// SPDX-License-Identifier: MIT
#ifndef ASHLAR_CACHE_HPP
#define ASHLAR_CACHE_HPP

#include <cerrno>
#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include "ashlar/cache.h"

namespace ashlar {

// A cache of T. Objects are made and destroyed by make and destroy, or held by the pointers that make_unique gives.
// Thread-safe as ashlar/cache.h; the cache must outlive its objects.
template <class T>
class cache {
 public:
  // Throws std::system_error with the errno of ashlar_cache_create.
  explicit cache(const char* name, unsigned flags = 0)
      : cache_(ashlar_cache_create(name, sizeof(T), alignof(T), flags, nullptr)) {
    if (cache_ == nullptr) throw std::system_error(errno, std::generic_category(), "ashlar::cache");
  }

  cache(cache&& other) noexcept : cache_(std::exchange(other.cache_, nullptr)) {}
  cache& operator=(cache&& other) noexcept {
    std::swap(cache_, other.cache_);
    return *this;
  }
  cache(const cache&) = delete;
  cache& operator=(const cache&) = delete;

  // Where objects are still in use, the cache stays, and a line on stderr tells which.
  ~cache() { ashlar_cache_destroy(cache_); }

  // A new object. Throws std::bad_alloc, and what T's constructor throws.
  template <class... Args>
  [[nodiscard]] T* make(Args&&... args) {
    void* const memory = ashlar_cache_alloc(cache_);
    if (memory == nullptr) throw std::bad_alloc();
    try {
      return ::new (memory) T(std::forward<Args>(args)...);
    } catch (...) {
      ashlar_cache_free(cache_, memory);
      throw;
    }
  }

  // Ends an object of make's; does nothing for null.
  void destroy(T* object) noexcept {
    if (object == nullptr) return;
    object->~T();
    ashlar_cache_free(cache_, object);
  }

  struct deleter {
    cache* owner = nullptr;
    void operator()(T* object) const noexcept { owner->destroy(object); }
  };
  using unique_ptr = std::unique_ptr<T, deleter>;

  // The same, held by a pointer that gives it back. The cache may not be moved meanwhile.
  template <class... Args>
  [[nodiscard]] unique_ptr make_unique(Args&&... args) {
    return unique_ptr(make(std::forward<Args>(args)...), deleter{this});
  }

  // Gives free slabs back, as ashlar_cache_shrink.
  void shrink() noexcept { ashlar_cache_shrink(cache_); }

  [[nodiscard]] const char* name() const noexcept { return ashlar_cache_name(cache_); }
  [[nodiscard]] ashlar_cache* get() const noexcept { return cache_; }

 private:
  ashlar_cache* cache_;
};

}  // namespace ashlar

#endif

// Uses blocks like programs do: every cache line is written once, and the first and last words are checked before the
// block is freed. The check keeps the compiler from dropping the pair. An allocator that hands out overlapping or moved
// memory fails the run instead of making it faster.
#pragma once

#include <unistd.h>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ashlar::workload {

// Makes the compiler assume that the memory behind p is read and written here.
inline void escape(const void* p) { asm volatile("" : : "g"(p) : "memory"); }

[[noreturn]] inline void die(const char* what) {
  std::fprintf(stderr, "workload failed: %s\n", what);
  _exit(3);
}

inline void expect(bool holds, const char* what) {
  if (!holds) [[unlikely]]
    die(what);
}

// Depends on address and size, so that a stamp from another block fails the check.
inline std::uint64_t stamp_of(const void* p, std::size_t size) {
  return (reinterpret_cast<std::uintptr_t>(p) ^ (size << 40) ^ size) * 0x9e3779b97f4a7c15u;
}

constexpr std::size_t kCacheLine = 64;

inline void touch(void* p, std::size_t size) {
  const std::uint64_t word = stamp_of(p, size);
  auto* bytes = static_cast<unsigned char*>(p);
  if (size < sizeof word) {
    std::memset(bytes, static_cast<int>(word & 0xff), size);
  } else {
    for (std::size_t at = 0; at + sizeof word <= size; at += kCacheLine) {
      std::memcpy(bytes + at, &word, sizeof word);
    }
    std::memcpy(bytes + size - sizeof word, &word, sizeof word);
    // The last word may overlap the word at the last line, and the first must stay intact.
    if (size < 2 * sizeof word) std::memcpy(bytes, &word, sizeof word);
  }
  escape(p);
}

inline void check(const void* p, std::size_t size) {
  escape(p);
  const std::uint64_t word = stamp_of(p, size);
  const auto* bytes = static_cast<const unsigned char*>(p);
  if (size < sizeof word) {
    expect(size == 0 || (bytes[0] == (word & 0xff) && bytes[size - 1] == (word & 0xff)), "a block changed");
    return;
  }
  expect(std::memcmp(bytes, &word, sizeof word) == 0, "the start of a block changed");
  if (size < 2 * sizeof word) return;
  expect(std::memcmp(bytes + size - sizeof word, &word, sizeof word) == 0, "the end of a block changed");
}

inline void* allocate(std::size_t size) {
  void* p = std::malloc(size);
  expect(p != nullptr, "malloc returned NULL");
  touch(p, size);
  return p;
}

inline void release(void* p, std::size_t size) {
  check(p, size);
  std::free(p);
}

// Writes every byte of an object repeatedly, like a counter that a thread considers its own.
inline void write_often(void* object, std::size_t size, std::size_t repetitions) {
  auto* bytes = static_cast<volatile unsigned char*>(object);
  for (std::size_t i = 0; i < repetitions; ++i) {
    for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<unsigned char>(bytes[at] + 1);
  }
}

// A block that remembers its size.
struct Block {
  void* data = nullptr;
  std::size_t size = 0;

  void fill(std::size_t bytes) {
    data = allocate(bytes);
    size = bytes;
  }
  void drop() {
    if (data != nullptr) release(data, size);
    data = nullptr;
  }
  void replace(std::size_t bytes) {
    drop();
    fill(bytes);
  }
};

}  // namespace ashlar::workload

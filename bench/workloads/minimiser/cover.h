// Cubes and covers of a two-level logic minimiser, each cube a small block of its own.
//
// A cube is a product of literals, two bits a variable:
//   01 the variable must be 0    10 it must be 1    11 either    00 contradiction
// A cover is a sum of cubes: an array of pointers that grows by realloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "../common/memory.h"

namespace ashlar::workload {

enum class Part : unsigned { kEmpty = 0, kZero = 1, kOne = 2, kBoth = 3 };

struct Cube {
  std::uint32_t variables;
  std::uint32_t words;
  std::uint64_t bits[1];  // in fact `words` of them

  static Cube* universal(std::uint32_t variables) {
    const std::uint32_t words = (variables + 31) / 32;
    auto* cube = static_cast<Cube*>(std::malloc(bytes(words)));
    expect(cube != nullptr, "malloc returned NULL");
    cube->variables = variables;
    cube->words = words;
    std::memset(cube->bits, 0xff, words * sizeof(std::uint64_t));
    return cube;
  }
  Cube* copy() const {
    auto* cube = static_cast<Cube*>(std::malloc(bytes(words)));
    expect(cube != nullptr, "malloc returned NULL");
    std::memcpy(cube, this, bytes(words));
    return cube;
  }
  Part part(std::size_t variable) const { return static_cast<Part>(bits[variable / 32] >> (variable % 32 * 2) & 3); }
  void set(std::size_t variable, Part part) {
    const std::size_t shift = variable % 32 * 2;
    std::uint64_t& word = bits[variable / 32];
    word = (word & ~(std::uint64_t{3} << shift)) | static_cast<std::uint64_t>(part) << shift;
  }
  bool is_universal() const {
    for (std::uint32_t i = 0; i < words; ++i) {
      if (~bits[i] != 0) return false;
    }
    return true;
  }
  bool contains(const Cube& other) const {
    for (std::uint32_t i = 0; i < words; ++i) {
      if ((other.bits[i] & ~bits[i]) != 0) return false;
    }
    return true;
  }
  // Two cubes share a point unless some variable's parts have nothing in common.
  bool meets(const Cube& other) const {
    constexpr std::uint64_t kLow = 0x5555555555555555u;
    for (std::uint32_t i = 0; i < words; ++i) {
      const std::uint64_t both = bits[i] & other.bits[i];
      if (((both | both >> 1) & kLow) != kLow) return false;
    }
    return true;
  }

 private:
  static std::size_t bytes(std::uint32_t words) { return offsetof(Cube, bits) + words * sizeof(std::uint64_t); }
};

// Owns its cubes.
class Cover {
 public:
  explicit Cover(std::uint32_t variables) : variables_(variables) {}
  Cover(Cover&& other) noexcept { swap(other); }
  Cover& operator=(Cover&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Cover() {
    for (Cube* cube : *this) std::free(cube);
    std::free(cubes_);
  }

  std::uint32_t variables() const { return variables_; }
  std::size_t size() const { return count_; }
  Cube*& operator[](std::size_t i) { return cubes_[i]; }
  const Cube& operator[](std::size_t i) const { return *cubes_[i]; }
  Cube** begin() { return cubes_; }
  Cube** end() { return cubes_ + count_; }
  Cube* const* begin() const { return cubes_; }
  Cube* const* end() const { return cubes_ + count_; }

  void add(Cube* cube) {
    if (count_ == capacity_) {
      capacity_ = capacity_ == 0 ? 4 : capacity_ + capacity_ / 2;
      cubes_ = static_cast<Cube**>(std::realloc(cubes_, capacity_ * sizeof(Cube*)));
      expect(cubes_ != nullptr, "realloc returned NULL");
    }
    cubes_[count_++] = cube;
  }
  Cube* take_last() { return cubes_[--count_]; }
  void remove(std::size_t i) {
    std::free(cubes_[i]);
    cubes_[i] = cubes_[--count_];
  }

 private:
  void swap(Cover& other) {
    std::swap(cubes_, other.cubes_);
    std::swap(count_, other.count_);
    std::swap(capacity_, other.capacity_);
    std::swap(variables_, other.variables_);
  }

  Cube** cubes_ = nullptr;
  std::size_t count_ = 0;
  std::size_t capacity_ = 0;
  std::uint32_t variables_ = 0;
};

}  // namespace ashlar::workload

// unwind, private: reads bytes of DWARF, and evaluates its expressions (DWARF 5, 2.5). Tables for exceptions use few
// of them: for the linker's entries to functions (PLT), for signal handlers, and for functions that align their stacks.
#pragma once

#include <cstring>

#include "unwind/unwind.h"

namespace ashlar::unwind {

// Reads values from a range. A value that does not fit reads as 0, and `good` is false from then on.
class Cursor {
 public:
  Cursor() = default;
  Cursor(std::uintptr_t start, std::uintptr_t end) : at_(start), end_(end), good_(start <= end) {}

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return at_ == end_; }
  [[nodiscard]] std::uintptr_t address() const { return at_; }
  void fail() { good_ = false; }
  void go_to(std::uintptr_t address) {
    good_ = good_ && address >= at_ && address <= end_;
    if (good_) at_ = address;
  }

  template <class T>
  T fixed() {
    T value = 0;
    if (!good_ || sizeof(T) > end_ - at_) {
      good_ = false;
      return 0;
    }
    std::memcpy(&value, reinterpret_cast<const void*>(at_), sizeof value);
    at_ += sizeof value;
    return value;
  }

  std::uint64_t uleb() {
    unsigned shift = 0;
    return leb(shift);
  }
  std::int64_t sleb() {
    unsigned shift = 0;
    std::uint64_t value = leb(shift);
    if (shift < 64 && shift != 0 && (value >> (shift - 1) & 1) != 0) value |= ~std::uint64_t{0} << shift;
    return static_cast<std::int64_t>(value);
  }

  // Reads a length and skips that many bytes, which are returned.
  Cursor block() {
    const std::uint64_t length = uleb();
    const std::uintptr_t start = at_;
    if (length > end_ - at_) good_ = false;
    else at_ += length;
    return good_ ? Cursor(start, at_) : *this;
  }

 private:
  std::uint64_t leb(unsigned& shift) {
    std::uint64_t value = 0;
    for (shift = 0; shift < 64; shift += 7) {
      const auto byte = fixed<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) {
        shift += 7;
        break;
      }
    }
    return value;
  }

  std::uintptr_t at_ = 0, end_ = 0;
  bool good_ = true;
};

// Evaluates an expression, which starts with *first on its stack if `first` is not null. Returns false where it has no
// value.
bool evaluate(Cursor expression, const Frame& frame, StackReader& memory, const std::uintptr_t* first,
              std::uintptr_t& value);

}  // namespace ashlar::unwind

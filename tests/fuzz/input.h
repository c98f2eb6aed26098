// The input from which a fuzz target reads its operations. Every byte string is a valid list of operations.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

namespace ashlar_test {

// The bytes, taken from the front. After the last byte there are zeros.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ >= size_; }
  size_t left() const { return size_ - at_; }
  const uint8_t* rest() const { return data_ + at_; }
  size_t take(unsigned bytes) {
    size_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= size_t{empty() ? uint8_t{0} : data_[at_++]} << (8 * i);
    return value;
  }
  // Returns a number below `bound`, which is at most 2^24.
  size_t below(size_t bound) { return take(bound > 65536 ? 3 : bound > 256 ? 2 : 1) % bound; }
  // Returns a size. All powers of two below 2^bits are equally likely.
  size_t size(unsigned bits) { return take(3) & ((size_t{1} << take(1) % (bits + 1)) - 1); }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

}  // namespace ashlar_test

namespace ashlar_test {

inline void expect(bool holds, const char* file, int line, const char* what) {
  if (holds) return;
  fprintf(stderr, "%s:%d: expected: %s\n", file, line, what);
  abort();
}

// LLVMFuzzerTestOneInput of a target that takes all its steps from the input.
template <class Target>
int run_target(const uint8_t* data, size_t size) {
  Input input(data, size);
  Target(input).run();
  return 0;
}

}  // namespace ashlar_test

// Ends the program with the place and the condition, so that a fuzzer keeps the input. It is never compiled out.
#define FUZZ_EXPECT(condition) ::ashlar_test::expect(static_cast<bool>(condition), __FILE__, __LINE__, #condition)

// The function that libFuzzer and replay.cc call.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

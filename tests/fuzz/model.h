// Compares the allocator's interface with a model. The input is a list of operations, which run on the allocator and on
// a map of the blocks that must be live. Any byte string is a valid list, so random bytes and a coverage-guided fuzzer
// can both be used.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <map>

#include "fuzz/input.h"
#include "support/payload.h"

namespace ashlar_test {

class Model {
 public:
  Model();
  // Runs all operations of the input, then frees the remaining blocks. Aborts with a message at the first difference.
  void run(Input input);

 private:
  struct Live {
    Block block;
    size_t usable;
    size_t slack;  // the bytes that its alignment may cost beyond its usable size
  };
  using Blocks = std::map<uintptr_t, Live>;

  void step(Input& input);
  size_t take_size(Input& input);
  Blocks::iterator take_block(Input& input);
  void adopt(void* p, size_t size, size_t alignment);
  void forget(Blocks::iterator it, const char* what);
  void allocate(Input& input);
  void allocate_aligned(Input& input);
  void resize(Input& input);
  void release(Input& input);
  void refuse(Input& input);
  void compare_totals(const char* when);

  Blocks live_;
  uint64_t next_seed_ = 1;
  size_t base_ = 0;
  size_t requested_ = 0, usable_ = 0, slack_ = 0;
};

}  // namespace ashlar_test

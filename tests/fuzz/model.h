// The allocator's interface against a model: bytes are read as a list of operations, which run on the allocator and on
// a map of what must be live. Any byte string is a valid list, so a generator of random bytes and a coverage-guided
// fuzzer both can feed it.
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
  // Runs all operations of the input, then frees what is left. Aborts with a message at the first disagreement.
  void run(Input input);

 private:
  struct Live {
    Block block;
    size_t usable;
    size_t slack;  // what its alignment may cost beyond its usable size
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

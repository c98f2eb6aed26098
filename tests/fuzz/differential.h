// Makes the same calls on two allocators, to compare what must not depend on the malloc. An operation runs on one
// allocator's own blocks and gives an Outcome. The outcomes of glibc and of Ashlar must be equal. These may differ:
//
//   addresses, and malloc_usable_size        it is only at least the requested size
//   aligned_alloc with no power of two       EINVAL here, as in C17 and in glibc since 2.38; older ones round up
//   errno after posix_memalign failed        kept here, as POSIX and posix_memalign(3) say; glibc sets it
//   malloc_trim                              1 says that memory was returned, which depends on what was kept
//   mallopt of an unknown parameter          0 here, as mallopt(3) says of an error; glibc returns 1
//   sizes between 4 MiB and PTRDIFF_MAX      not requested, because the outcome depends on the machine's memory
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <string>

#include "api/api.h"
#include "fuzz/input.h"
#include "support/payload.h"

namespace ashlar_test {

struct Outcome {
  const char* call = "";
  bool null = false;
  int error = 0;        // errno after the call; kUntouched if it was kept
  long value = 0;       // the result, if it is a number
  bool aligned = true;  // as the call promises
  bool fits = true;     // malloc_usable_size is at least the requested size
  bool kept = true;     // contents are as before, or zero if that is promised
  bool operator==(const Outcome&) const = default;
  [[nodiscard]] std::string text() const;
};

// The arguments of a call, which are read once for both allocators.
struct Operation {
  unsigned call = 0;
  size_t slot = 0, a = 0, b = 0;
  static Operation read(Input& input);
};

class Executor {
 public:
  explicit Executor(const Api& functions) : api_(functions) {}
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  Outcome run(const Operation& operation);
  [[nodiscard]] size_t live_bytes() const { return live_; }

 private:
  void settle(Outcome& outcome, Block& slot, void* p, size_t size, size_t alignment, bool zeroed);
  void release(Outcome& outcome, Block& slot, bool sized);
  void resize(Outcome& outcome, Block& slot, void* p, size_t size);

  const Api& api_;
  std::array<Block, 64> slots_{};
  size_t live_ = 0;
  uint64_t seed_ = 0;
};

// glibc's own functions, in a program without Ashlar preloaded.
extern const Api libc_api;

}  // namespace ashlar_test

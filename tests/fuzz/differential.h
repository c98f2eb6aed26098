// The same calls on two allocators: what must not depend on which malloc a program has. An operation runs on one
// allocator's own blocks and gives an Outcome; those of glibc and of Ashlar must be equal. What may differ, and why:
//
//   addresses, and malloc_usable_size        only that it is at least what was asked for
//   aligned_alloc with no power of two       EINVAL here, as C17 wants and glibc has it since 2.38; before it rounds up
//   errno after posix_memalign failed        kept here, as POSIX and posix_memalign(3) have it; glibc sets it
//   malloc_trim                              1 means that memory was given back, which depends on what was kept
//   mallopt of a parameter that none knows   0 here, as mallopt(3) says of an error; glibc says 1
//   sizes between 4 MiB and PTRDIFF_MAX      not asked for: the machine's memory decides
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
  int error = 0;        // errno after the call, kUntouched if it was kept
  long value = 0;       // what it returned, where that is a number
  bool aligned = true;  // as the call promises
  bool fits = true;     // malloc_usable_size is at least what was asked for
  bool kept = true;     // contents: as before, or zero where that is promised
  bool operator==(const Outcome&) const = default;
  [[nodiscard]] std::string text() const;
};

// The arguments of a call, read once for both.
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

// glibc's own functions, in a program that Ashlar is not preloaded into.
extern const Api libc_api;

}  // namespace ashlar_test

// base: assertions, which state what must hold at a place in the code. They are compiled into the builds for which
// ASHLAR_ASSERTIONS is on (debug, sanitizers, fuzzing). A release build parses them, so that no condition goes stale,
// and drops them.
//
//   ASHLAR_ASSERT(lock.held(), "a block is linked under the zone's lock");
//
// A condition has no side effects. The sentence says what holds, not what went wrong.
#pragma once

#include "base/types.h"

namespace ashlar {

struct Assertion {
  const char* file;
  unsigned line;
  const char* condition;
  const char* sentence;
};

// Writes one line that says which assertion does not hold, and aborts. It is defined in the os layer, because it
// writes.
[[noreturn, gnu::cold]] void die_of_assertion(const Assertion& failed);

}  // namespace ashlar

#define ASHLAR_ASSERT(must_hold, sentence)                                      \
  do {                                                                          \
    if constexpr (::ashlar::kDebug) {                                           \
      if (!(must_hold)) [[unlikely]]                                            \
        ::ashlar::die_of_assertion({__FILE__, __LINE__, #must_hold, sentence}); \
    }                                                                           \
  } while (false)

// base: assertions, for what must hold wherever the code stands. They are compiled into the builds that the switch
// ASHLAR_ASSERTIONS of the build names (debug, sanitizers, fuzzing) and cost a release nothing, though they are always
// compiled: a condition may not go stale.
//
//   ASHLAR_ASSERT(lock.held(), "a block is linked under the zone's lock");
//
// A condition has no effect of its own. The sentence says what holds, not what went wrong.
#pragma once

#include "base/types.h"

namespace ashlar {

struct Assertion {
  const char* file;
  unsigned line;
  const char* condition;
  const char* sentence;
};

// Writes one line that says which assertion does not hold, and aborts. Defined in the os layer, as it writes.
[[noreturn, gnu::cold]] void die_of_assertion(const Assertion& failed);

}  // namespace ashlar

#define ASHLAR_ASSERT(must_hold, sentence)                                      \
  do {                                                                          \
    if constexpr (::ashlar::kDebug) {                                           \
      if (!(must_hold)) [[unlikely]]                                            \
        ::ashlar::die_of_assertion({__FILE__, __LINE__, #must_hold, sentence}); \
    }                                                                           \
  } while (false)

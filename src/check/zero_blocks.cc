// check: blocks of no bytes, which are the heap's.
#include "check/report.h"

namespace ashlar::check {

using heap::ZeroState;

bool check_zero(const void* p, const char* caller) {
  const ZeroState state = heap::zero_state(p);
  if (state != ZeroState::kLive) report_bad_zero(p, state == ZeroState::kFreed, caller);
  return state == ZeroState::kLive;
}

void release_zero(void* p, const char* caller) {
  const ZeroState before = heap::release_zero(p);
  if (before != ZeroState::kLive) report_bad_zero(p, before == ZeroState::kFreed, caller);
}

}  // namespace ashlar::check

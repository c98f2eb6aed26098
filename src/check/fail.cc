// check: failslab, like the kernel's should_fail (lib/fault-inject.c), without its budget of bytes.
#include "check/settings.h"

namespace ashlar::check {

constinit FailCounts fail_counts;

namespace {

// A well-mixed number from a count (splitmix64, Steele and others 2014).
std::uint64_t mix(std::uint64_t n) {
  n = (n + settings.failures) * 0x9e3779b97f4a7c15u;
  n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
  n = (n ^ n >> 27) * 0x94d049bb133111ebu;
  return n ^ n >> 31;
}

}  // namespace

bool should_fail(std::size_t size) {
  const FaultAttributes& fail = options.fail;
  if (size < fail.min || size > fail.max) return false;
  if (fail_counts.failed.load(std::memory_order_relaxed) >= fail.times) return false;
  const std::uint64_t n = fail_counts.eligible.fetch_add(1, std::memory_order_relaxed) + 1;
  if (n % fail.interval != 0 || mix(n) % 100 >= options.failslab) return false;
  return fail_counts.failed.fetch_add(1, std::memory_order_relaxed) < fail.times;
}

}  // namespace ashlar::check

// os: the number of the current processor.
#include <sched.h>

#include <atomic>
#include <cerrno>

#include "base/options.h"
#include "os/os.h"

namespace ashlar::os {

namespace {

// Assigns the threads to the simulated processors in turn. A thread keeps its processor.
[[gnu::cold]] unsigned pretended_processor() {
  static constinit std::atomic<unsigned> next{0};      // relaxed: it only counts, and publishes nothing
  static constinit thread_local std::uint16_t own{0};  // the number plus 1; 0 is none yet
  if (own == 0) {
    const unsigned turn = next.fetch_add(1, std::memory_order_relaxed);
    own = static_cast<std::uint16_t>(1 + turn % options.cpus_fake);
  }
  return own - 1u;
}

}  // namespace

unsigned processor() {
  if (options.cpus_fake != 0) [[unlikely]]
    return pretended_processor();
  const int saved = errno;
  // reads the thread's rseq area since glibc 2.35; before that calls the vDSO's getcpu
  const int cpu = sched_getcpu();
  if (cpu >= 0) [[likely]]
    return static_cast<unsigned>(cpu);
  errno = saved;
  return 0;
}

}  // namespace ashlar::os

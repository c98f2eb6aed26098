// os: which processor this is.
#include <sched.h>

#include "os/os.h"

namespace ashlar::os {

unsigned processor() {
  // A load from the thread's rseq area since glibc 2.35, before that the vDSO's getcpu.
  const int cpu = sched_getcpu();
  return cpu >= 0 ? static_cast<unsigned>(cpu) : 0;
}

}  // namespace ashlar::os

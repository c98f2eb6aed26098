// os: the signals of writes that fail.
#include "os/write_signals.h"

#include <signal.h>
#include <time.h>

#include <cerrno>

#include "base/hints.h"
#include "os/action.h"
#include "os/call.h"
#include "os/os.h"

namespace ashlar::os {

namespace {

// Returns the signal that came with the error, or 0.
int signal_of(int error) {
  switch (error) {
    case EPIPE: return SIGPIPE;
    case EFBIG: return SIGXFSZ;
    default: return 0;
  }
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] WriteSignals::WriteSignals() {
  if (options.mmap_only != 0) return;
  const int saved = errno;
  call::change_signal_mask(SIG_BLOCK, call::bit_of(SIGPIPE) | call::bit_of(SIGXFSZ), &before_);
  errno = saved;
}

[[ASHLAR_ALWAYS_RUN]] WriteSignals::~WriteSignals() {
  if (options.mmap_only != 0) return;
  const int saved = errno;
  call::change_signal_mask(SIG_SETMASK, before_, nullptr);
  errno = saved;
}

[[ASHLAR_ALWAYS_RUN]] void WriteSignals::note(int error) {
  const int signal = signal_of(error);
  if (signal == 0 || options.mmap_only != 0 || (before_ & call::bit_of(signal)) != 0 || program_catches(signal)) return;
  const int saved = errno;
  const std::uint64_t one = call::bit_of(signal);
  const timespec at_once = {};
  call::number(SYS_rt_sigtimedwait, &one, nullptr, &at_once, sizeof one);
  errno = saved;
}

}  // namespace ashlar::os

// os: waiting for a word to change.
#include "os/wait.h"

#include <linux/futex.h>

#include <cerrno>
#include <climits>
#include <ctime>

#include "os/call.h"

namespace ashlar::os {

namespace {

void futex(const std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* timeout) {
  const int saved = errno;
  // EAGAIN, EINTR and ETIMEDOUT only mean "look again"; where seccomp forbids the call, the caller's loop waits
  call::number(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, timeout, nullptr, 0);
  errno = saved;
}

}  // namespace

void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t value, std::uint64_t ms) {
  const timespec timeout = {static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000) * 1000000};
  futex(word, FUTEX_WAIT, value, ms == kForever ? nullptr : &timeout);
}

void wake_all(const std::atomic<std::uint32_t>& word) { futex(word, FUTEX_WAKE, INT_MAX, nullptr); }

}  // namespace ashlar::os

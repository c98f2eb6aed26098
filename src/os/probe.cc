// os: whether memory is mapped, and may be read.
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <cerrno>

#include "base/hints.h"
#include "os/call.h"
#include "os/keep_errno.h"
#include "os/os.h"

namespace ashlar::os {

namespace {

// Returns whether anything is mapped at a page, by a mapping there that may not replace another one
// (MAP_FIXED_NOREPLACE, Linux 4.17). A kernel that does not know the flag takes the address as a hint and maps
// elsewhere.
[[ASHLAR_SELDOM_RUN]] bool is_mapped(std::uintptr_t page) {
  void* const at = reinterpret_cast<void*>(page);
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  void* const probe = call::mmap(at, page_bytes(), PROT_NONE, flags, -1, 0);
  if (probe == MAP_FAILED) return errno == EEXIST;
  call::munmap(probe, page_bytes());
  return probe != at;
}

// Returns whether the word that contains a byte can be read, where process_vm_readv is refused. rt_sigprocmask(2) reads
// its set of signals before it refuses the unknown way of changing the mask. Filters that allow threads to be started
// also allow it.
[[ASHLAR_SELDOM_RUN]] bool is_readable_word(std::uintptr_t byte) {
  constexpr int kUnknownWay = -1;
  const std::uintptr_t word = round_down(byte, sizeof(std::uint64_t));
  if (word == 0) return false;  // null means no set to the call
  if (options.mmap_only == 0) {
    call::number(SYS_rt_sigprocmask, kUnknownWay, word, nullptr, sizeof(std::uint64_t));
    if (errno == EFAULT || errno == EINVAL) return errno == EINVAL;
  }
  return is_mapped(round_down(byte, page_bytes()));
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] bool all_mapped(const void* start, std::size_t bytes) {
  const KeepErrno keep;
  // msync(2) returns ENOMEM for a range that has holes, and does nothing to memory that no file backs.
  return options.mmap_only == 0 && call::number(SYS_msync, start, bytes, MS_ASYNC) == 0;
}

[[ASHLAR_ALWAYS_RUN]] bool readable(const void* p, std::size_t n) {
  const KeepErrno keep;
  // process_vm_readv(2) copies from the range, and fails with EFAULT where it cannot read, whatever is mapped there.
  char copy[64];
  const iovec to{copy, n}, from{const_cast<void*>(p), n};
  if (n > sizeof copy) return false;
  long copied = -1;
  if (options.mmap_only == 0) {
    copied = call::number(SYS_process_vm_readv, call::number(SYS_getpid), &to, 1, &from, 1, 0);
  }
  if (copied >= 0 || (options.mmap_only == 0 && errno == EFAULT)) return copied == static_cast<long>(n);
  const auto first = reinterpret_cast<std::uintptr_t>(p);
  return is_readable_word(first) && is_readable_word(first + n - 1);
}

}  // namespace ashlar::os

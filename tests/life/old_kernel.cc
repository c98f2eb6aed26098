// Is preloaded and imitates a kernel before 4.17, or an emulator of one. It has no process_vm_readv and does not know
// MAP_FIXED_NOREPLACE, so that an address is only a hint.
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>

extern "C" long syscall(long number, ...) noexcept {
  using Call = long(long, ...);
  static Call* real = nullptr;  // no guard of a static: this runs before there are locks
  if (real == nullptr) real = reinterpret_cast<Call*>(dlsym(RTLD_NEXT, "syscall"));
  va_list more;
  va_start(more, number);
  long a[6];
  for (long& each : a) each = va_arg(more, long);
  va_end(more);
  if (number == SYS_process_vm_readv) {
    errno = ENOSYS;
    return -1;
  }
  if (number == SYS_mmap) a[3] &= ~static_cast<long>(MAP_FIXED_NOREPLACE);
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

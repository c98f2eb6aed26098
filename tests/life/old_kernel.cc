// Preloaded: a kernel before 4.17, or an emulator of one, which has no process_vm_readv and does not know
// MAP_FIXED_NOREPLACE: the address is then a wish.
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

extern "C" ssize_t process_vm_readv(pid_t, const iovec*, unsigned long, const iovec*, unsigned long, unsigned long) {
  errno = ENOSYS;
  return -1;
}

extern "C" void* mmap(void* at, size_t length, int protection, int flags, int file, off_t offset) noexcept {
  const long result = syscall(SYS_mmap, at, length, protection, flags & ~MAP_FIXED_NOREPLACE, file, offset);
  return reinterpret_cast<void*>(result);
}

// os: files that are written through mappings.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#ifndef STATX_INO
#include <linux/stat.h>  // libc's headers lack statx
#endif

#include <cerrno>

#include "base/hints.h"
#include "os/call.h"
#include "os/mapped_file.h"

namespace ashlar::os {

int open_file(const char* path, int flags) {
  long file = 0;
  do {
    file = call::number(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
  } while (file < 0 && errno == EINTR);
  return static_cast<int>(file);
}

// Reads the numbers of a file by statx(2), whose structure is the same on all machines.
int identify(int file, FileId& id) {
  struct statx known = {};
  constexpr int kEmptyPath = 0x1000;  // AT_EMPTY_PATH
  if (call::number(SYS_statx, file, "", kEmptyPath, STATX_INO, &known) != 0) return errno;
  id = {std::uint64_t{known.stx_dev_major} << 32 | known.stx_dev_minor, known.stx_ino};
  return 0;
}

bool is_within_limit(std::uint64_t end) {
  struct rlimit limit = {};
  constexpr std::nullptr_t kAsked = nullptr;
  if (call::number(SYS_prlimit64, 0, RLIMIT_FSIZE, kAsked, &limit) != 0) return true;
  return limit.rlim_cur == RLIM_INFINITY || end <= limit.rlim_cur;
}

int reserve_room(int file, std::uint64_t offset, std::size_t bytes) {
  do {  // before Linux 6.13, any signal ends it on tmpfs
    if (call::number(SYS_fallocate, file, 0, offset, bytes) == 0) return 0;
  } while (errno == EINTR);
  if (errno != EOPNOTSUPP && errno != ENOSYS) return errno;
  [[ASHLAR_SELDOM_READ]] static constexpr char kZeros[4096] = {};
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t left = bytes - done;
    const long n =
        call::number(SYS_pwrite64, file, &kZeros[0], left < sizeof kZeros ? left : sizeof kZeros, offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : ENOSPC;
    done += static_cast<std::size_t>(n);
  }
  return 0;
}

namespace {

int map_part(int file, FileId wanted, std::uint64_t offset, std::size_t bytes, void*& at) {
  FileId found;
  if (const int error = identify(file, found)) return error;
  if (found.device != wanted.device || found.number != wanted.number) return ESTALE;
  if (const int error = reserve_room(file, offset, bytes)) return error;
  void* const p = call::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, static_cast<off_t>(offset));
  if (p == MAP_FAILED) return errno;
  if (call::madvise(p, bytes, MADV_DONTFORK) != 0) {
    const int error = errno;
    call::munmap(p, bytes);
    return error;
  }
  at = p;
  return 0;
}

}  // namespace

int make_file(const char* path, FileId& made) {
  const Result keep;
  const int file = open_file(path, O_RDWR | O_CREAT | O_EXCL);
  if (file < 0) return errno;
  const int error = identify(file, made);
  call::close(file);
  return error;
}

int map_file(const char* path, FileId file, std::uint64_t offset, std::size_t bytes, void*& at) {
  const Result keep;
  if (!is_within_limit(offset + bytes)) return EFBIG;
  const int opened = open_file(path, O_RDWR);
  if (opened < 0) return errno;
  const int error = map_part(opened, file, offset, bytes, at);
  call::close(opened);
  return error;
}

[[gnu::cold]] std::string_view text_of(int error) {
  switch (error) {
    case EACCES: return "the folder may not be written";
    case EDQUOT: return "the quota of the file system is used up";
    case EEXIST: return "there is a file of that name";
    case EFBIG: return "a file may not be larger (RLIMIT_FSIZE, or the file system)";
    case EIO: return "the device fails";
    case EISDIR: return "it is a folder";
    case ELOOP: return "too many links lead on from it";
    case EMFILE: return "the process has as many files as it may open";
    case ENAMETOOLONG: return "the name is too long";
    case ENOENT: return "no such folder";
    case ENOMEM: return "no address space or memory is left for it";
    case ENOSPC: return "no space is left on the device";
    case ENOTDIR: return "a part of the path is no folder";
    case EROFS: return "the file system is read-only";
    default: return {};
  }
}

bool current_folder(char* into, std::size_t bytes) {
  const Result keep;
  return call::number(SYS_getcwd, into, bytes) > 0 && *into == '/';
}

void* map_wiped(std::size_t bytes) {
  const Result keep;
  void* const p = call::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  if (call::madvise(p, bytes, MADV_WIPEONFORK) == 0) return p;
  call::munmap(p, bytes);
  return nullptr;
}

std::uint64_t calendar_seconds() {
  const Result keep;
  struct timespec now = {};
  call::number(SYS_clock_gettime, CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec);
}

}  // namespace ashlar::os

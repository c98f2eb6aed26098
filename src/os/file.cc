// os: files that reports are written to.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/hints.h"
#include "os/call.h"
#include "os/mapped_file.h"
#include "os/os.h"
#include "os/write_signals.h"

namespace ashlar::os {

int create_file(const char* path) {
  const int saved = errno;
  const int file =
      static_cast<int>(call::number(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const int result = file >= 0 ? file : -errno;
  errno = saved;
  return result;
}

int create_new_file(const char* path) {
  const int saved = errno;
  remove_file(path);
  const int file = static_cast<int>(
      call::number(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  const int result = file >= 0 ? file : -errno;
  errno = saved;
  return result;
}

bool is_special_file(const char* path) {
  const int saved = errno;
  struct stat status {};
  const bool there = call::number(SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
  errno = saved;
  return there && !S_ISREG(status.st_mode);
}

int rename_file(const char* from, const char* to) {
  const int saved = errno;
  const int error = call::number(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0) == 0 ? 0 : errno;
  errno = saved;
  return error;
}

void remove_file(const char* path) {
  const int saved = errno;
  call::number(SYS_unlinkat, AT_FDCWD, path, 0);
  errno = saved;
}

namespace {

[[gnu::cold, gnu::noinline]] bool is_trusted(int file) {
  struct stat status {};
  if (call::number(SYS_newfstatat, file, "", &status, AT_EMPTY_PATH) != 0 || !S_ISREG(status.st_mode)) return false;
  const bool is_own = status.st_uid == 0 || status.st_uid == static_cast<uid_t>(call::number(SYS_geteuid));
  return is_own && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] int open_settings(const char* path) {
  const int saved = errno;
  int file = call::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file >= 0 && !is_trusted(file)) {
    call::close(file);
    file = -1;
  }
  errno = saved;
  return file;
}

std::string_view read_settings(int file, char* buffer, std::size_t size) {
  const int saved = errno;
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t n = call::read(file, buffer + filled, size - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    filled += static_cast<std::size_t>(n);
  }
  errno = saved;
  return {buffer, filled};
}

int write_file(int file, std::string_view text) {
  const Result keep;
  WriteSignals signals;
  while (!text.empty()) {
    const ssize_t n = call::write(file, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error = n < 0 ? errno : ENOSPC;
      signals.note(error);
      return error;
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

int copy_mappings(int to) {
  const Result keep;
  const int from = call::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (from < 0) return errno;
  int error = 0;
  char buffer[2048];
  while (error == 0) {
    const ssize_t n = call::read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) error = errno;
    if (n <= 0) break;
    error = write_file(to, {buffer, static_cast<std::size_t>(n)});
  }
  call::close(from);
  return error;
}

int close_file(int file) {
  const Result keep;
  return call::number(SYS_close, file) == 0 ? 0 : errno;
}

}  // namespace ashlar::os

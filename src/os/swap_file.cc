// os: files that back swap areas. Unless it is to be kept, a file has no name once it is made, so its descriptor stays
// open. Programs close descriptors that they do not know, and may then open a file of their own with the same number:
// the identity of the file is compared before each use.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/hints.h"
#include "os/call.h"
#include "os/mapped_file.h"

namespace ashlar::os {

namespace {

constexpr int kOutOfTheWay = 100;  // programs expect to get the low numbers

bool is_there(const SwapFile& file) {
  FileId found;
  return file.number >= 0 && identify(file.number, found) == 0 && found.device == file.id.device &&
         found.number == file.id.number;
}

// Opens a file without a name if `path` is a folder, or else a new file of that name.
int open_new(const char* path, bool keep) {
  int file = open_file(path, O_RDWR | O_TMPFILE);
  if (file >= 0 || errno == EOPNOTSUPP || errno == EACCES) return file;
  file = open_file(path, O_RDWR | O_CREAT | O_EXCL);
  if (file >= 0 && !keep) call::number(SYS_unlinkat, AT_FDCWD, path, 0);
  return file;
}

int make_sparse(int file, std::uint64_t bytes, SwapFile& made) {
  if (call::number(SYS_ftruncate, file, bytes) != 0) return errno;
  if (const int error = identify(file, made.id)) return error;
  const auto moved = static_cast<int>(call::number(SYS_fcntl, file, F_DUPFD_CLOEXEC, kOutOfTheWay));
  made.number = moved >= 0 ? moved : file;
  if (moved >= 0) call::close(file);
  return 0;
}

// Copies from the file where the system can, which may share its blocks (FICLONE), or else from memory.
int copy_some(const SwapFile& from, const SwapFile& to, std::uint64_t offset, std::size_t bytes, const void* memory,
              std::size_t& done) {
  std::uint64_t in = offset, out = offset;
  long n = call::number(SYS_copy_file_range, from.number, &in, to.number, &out, bytes, 0);
  if (n <= 0) n = call::number(SYS_pwrite64, to.number, memory, bytes, offset);
  if (n < 0) return errno == EINTR ? 0 : errno;
  done = static_cast<std::size_t>(n);
  return n == 0 ? ENOSPC : 0;
}

}  // namespace

int make_swap_file(const char* path, std::uint64_t bytes, SwapFileKind kind, SwapFile& made) {
  const Result restore;
  if (options.mmap_only != 0) return ENOSYS;
  if (!is_within_limit(bytes)) return EFBIG;
  const int file =
      kind == SwapFileKind::kEncrypted ? open_encrypted(path) : open_new(path, kind == SwapFileKind::kKept);
  if (file < 0) return kind == SwapFileKind::kEncrypted ? -file : errno;
  const int error = make_sparse(file, bytes, made);
  if (error != 0) call::close(file);
  return error;
}

int map_swap_file(const SwapFile& file, void* at, std::size_t bytes) {
  const Result restore;
  if (!is_there(file)) return EBADF;
  if (call::mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.number, 0) != at) return errno;
  // Otherwise each fault reads as much around it as the device's read-ahead, often megabytes. Pages that are being read
  // cannot be reclaimed: in a small memory cgroup the OOM killer acts before the read ends.
  call::madvise(at, bytes, MADV_RANDOM);
  return call::madvise(at, bytes, MADV_DONTFORK) == 0 ? 0 : errno;
}

int reserve_swap(const SwapFile& file, std::uint64_t offset, std::size_t bytes) {
  const Result restore;
  if (!is_there(file)) return EBADF;
  const std::uint64_t start = round_down(offset, page_bytes()), end = round_up(offset + bytes, page_bytes());
  if (!is_within_limit(end)) return EFBIG;
  return reserve_room(file.number, start, end - start);
}

bool punch(std::uintptr_t& start, std::size_t& bytes) {
  const Result restore;
  const std::uintptr_t first = round_up(start, page_bytes()), last = round_down(start + bytes, page_bytes());
  if (first >= last || call::madvise(reinterpret_cast<void*>(first), last - first, MADV_REMOVE) != 0) return false;
  start = first;
  bytes = last - first;
  return true;
}

int advise_idle(std::uintptr_t start, std::size_t bytes, bool out) {
  constexpr int kCold = 20, kPageOut = 21;  // which older headers lack
  const Result restore;
  const std::uintptr_t first = round_up(start, page_bytes()), last = round_down(start + bytes, page_bytes());
  if (first >= last) return 0;
  const int result = call::madvise(reinterpret_cast<void*>(first), last - first, out ? kPageOut : kCold);
  return result == 0 ? 0 : errno;
}

int copy_swap(const SwapFile& from, const SwapFile& to, std::uint64_t offset, std::size_t bytes, const void* memory) {
  const Result restore;
  for (std::size_t done = 0; done < bytes;) {
    std::size_t n = 0;
    const void* const at = static_cast<const char*>(memory) + done;
    if (const int error = copy_some(from, to, offset + done, bytes - done, at, n)) return error;
    done += n;
  }
  return 0;
}

void close_swap_file(const SwapFile& file) {
  const Result restore;
  if (is_there(file)) call::close(file.number);
}

}  // namespace ashlar::os

// tool, reader: opening files.
#include "tool/reader/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/units.h"

namespace ashlar::reader {

namespace {

// The longest possible file of /proc has about 65 000 mappings with a path of 4 KiB each.
constexpr std::size_t kMaxText = 512_MiB;

}  // namespace

File::~File() {
  if (descriptor_ >= 0) close(descriptor_);
}

File& File::operator=(File&& from) noexcept {
  std::swap(descriptor_, from.descriptor_);
  return *this;
}

File File::kernel(const std::string& path) { return File(open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

File File::regular(const std::string& path) {
  // O_PATH opens nothing, so that the kind is known first. Reopening by the descriptor finds the same file.
  const File place(open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!place || fstat(place.get(), &status) != 0) return {};
  if (!S_ISREG(status.st_mode)) {
    errno = EINVAL;
    return {};
  }
  const std::string same = "/proc/self/fd/" + std::to_string(place.get());
  return File(open(same.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

bool File::read_at(off_t offset, void* to, std::size_t n) const {
  ssize_t got = 0;
  do got = pread(descriptor_, to, n, offset);
  while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(n);
}

bool File::read_all(std::string& into) const {
  std::size_t filled = into.size();
  for (;;) {
    into.resize(std::max<std::size_t>(filled + 65536, filled * 2));
    const ssize_t n = read(descriptor_, into.data() + filled, into.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || filled + static_cast<std::size_t>(n) > kMaxText) {
      if (n > 0) errno = EFBIG;
      into.resize(filled);
      return n == 0;
    }
    filled += static_cast<std::size_t>(n);
  }
}

}  // namespace ashlar::reader

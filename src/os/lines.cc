// os: reads files line by line (proc.h).
#include <fcntl.h>

#include <cerrno>

#include "os/call.h"
#include "os/proc.h"

namespace ashlar::os {

LineReader::LineReader(const char* path) {
  const int saved = errno;
  file_ = call::open(path, O_RDONLY | O_CLOEXEC);
  errno = saved;
}

LineReader::~LineReader() {
  const int saved = errno;
  if (file_ >= 0) call::close(file_);
  errno = saved;
}

bool LineReader::fill() {
  const int saved = errno;
  ssize_t n = -1;
  do n = file_ >= 0 ? call::read(file_, chunk_, sizeof chunk_) : 0;
  while (n < 0 && errno == EINTR);
  errno = saved;
  at_ = 0;
  filled_ = n > 0 ? static_cast<std::size_t>(n) : 0;
  return filled_ != 0;
}

bool LineReader::next(char* buffer, std::size_t size, std::string_view& line) {
  std::size_t length = 0;
  bool any = false;
  while (at_ < filled_ || fill()) {
    any = true;
    const char c = chunk_[at_++];
    if (c == '\n') break;
    if (length < size) buffer[length++] = c;
  }
  line = {buffer, length};
  return any;
}

}  // namespace ashlar::os

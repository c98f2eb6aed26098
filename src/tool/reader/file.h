// tool, reader, private: opening files. The process decides what is at the paths that it maps, and a core file may name
// any path. Such a path is opened only if it is a regular file, and without blocking.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace ashlar::reader {

// A descriptor, closed at the end; -1 if there is none.
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File();
  File(File&& from) noexcept : descriptor_(from.descriptor_) { from.descriptor_ = -1; }
  File& operator=(File&& from) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Opens one of the kernel's files below /proc for reading.
  static File kernel(const std::string& path);
  // Opens a regular file for reading. A FIFO, a socket or a device is not opened at all, as opening it may block or
  // have side effects. Errors: errno; EINVAL if it is not a regular file.
  static File regular(const std::string& path);

  explicit operator bool() const { return descriptor_ >= 0; }
  [[nodiscard]] int get() const { return descriptor_; }

  // Reads n bytes at an offset. Returns false if there are fewer.
  [[nodiscard]] bool read_at(off_t offset, void* to, std::size_t n) const;
  // Appends everything from the current position to the end. Returns false, with errno, if that fails.
  [[nodiscard]] bool read_all(std::string& into) const;

 private:
  int descriptor_ = -1;
};

}  // namespace ashlar::reader

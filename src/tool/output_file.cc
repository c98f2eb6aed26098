// tool: a file that a command writes after long work.
#include "tool/output_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "tool/error.h"

namespace ashlar::tool {

OutputFile::OutputFile(const std::string& path)
    : path_(path), file_(path.empty() ? nullptr : std::fopen(path.c_str(), "ab")) {
  if (!path.empty() && file_ == nullptr) fail();
}

void OutputFile::write(const std::string& bytes) {
  struct stat its {};
  std::FILE* const file = file_.release();
  bool good = fstat(fileno(file), &its) == 0 && (!S_ISREG(its.st_mode) || ftruncate(fileno(file), 0) == 0);
  good = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && good;
  good = std::fclose(file) == 0 && good;
  if (!good) fail();
}

void OutputFile::fail() const { throw Failure(Exit::kFailed, fmt::format("{}: {}", path_, std::strerror(errno))); }

}  // namespace ashlar::tool

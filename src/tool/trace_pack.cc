// tool: compressing traces.
#include "tool/trace_pack.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>

#include "record/trace_format.h"
#include "tool/error.h"
#include "tool/printable.h"

namespace ashlar::tool {

namespace {

namespace fs = std::filesystem;

// Returns whether a file is a trace that is not compressed, and reads its header.
bool read_header(const std::string& path, record::FileHeader& header) {
  std::ifstream file(path, std::ios::binary);
  return file.read(reinterpret_cast<char*>(&header), sizeof header) &&
         std::memcmp(header.magic, record::kMagic, sizeof header.magic) == 0;
}

bool runs(std::uint32_t process) { return kill(static_cast<pid_t>(process), 0) == 0 || errno == EPERM; }

// Returns whether a process has mapped a file. A line of /proc/PID/maps has addresses, rights, offset, device, inode,
// name.
bool has_mapped(std::uint32_t process, const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return false;
  std::ifstream maps(fmt::format("/proc/{}/maps", process));
  if (!maps) return errno == EACCES || errno == EPERM;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::string word, inode;
    words >> word >> word >> word >> word >> inode;
    if (inode == std::to_string(status.st_ino)) return true;
  }
  return false;
}

// Returns whether a suffix is a process's number, optionally followed by another number: ".123" or ".123.2".
bool is_of_a_child(std::string_view behind) {
  return behind.size() > 1 && behind.front() == '.' &&
         behind.find_first_not_of("0123456789.") == std::string_view::npos;
}

[[noreturn]] void fail(const std::string& path) {
  const int error = errno;
  std::error_code ignored;
  fs::remove(path, ignored);
  throw Failure(Exit::kFailed, fmt::format("record: {}: {}", path, std::strerror(error)));
}

// Level 6: on bench/traces it takes 38 to 64 % of the time of level 9, and the files are less than 1 % larger.
constexpr const char* kMode = "wb6";

void pack(const std::string& path) {
  const std::string packed = path + ".gz~";
  std::ifstream from(path, std::ios::binary);
  unlink(packed.c_str());  // left by a command that was killed
  const int file = open(packed.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) throw Failure(Exit::kFailed, fmt::format("record: {}: {}", packed, std::strerror(errno)));
  gzFile to = gzdopen(file, kMode);
  if (to == nullptr) {
    close(file);
    fail(packed);
  }
  std::vector<char> buffer(1u << 18);
  bool good = from.is_open();
  while (good && from) {
    from.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto n = static_cast<unsigned>(from.gcount());
    good = n == 0 || gzwrite(to, buffer.data(), n) == static_cast<int>(n);
  }
  if (gzclose(to) != Z_OK || !good || from.bad() || rename(packed.c_str(), path.c_str()) != 0) fail(packed);
}

void pack_if_done(const std::string& path) {
  record::FileHeader header;
  if (!read_header(path, header)) return;
  if (!runs(header.process)) return pack(path);
  std::fprintf(stderr, "ashlar: record: %s is not compressed: its process %u runs still\n", printable(path).c_str(),
               header.process);
}

}  // namespace

bool is_trace(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  char magic[sizeof record::kMagic];
  return file && gzread(file.get(), magic, sizeof magic) == static_cast<int>(sizeof magic) &&
         std::memcmp(magic, record::kMagic, sizeof magic) == 0;
}

bool is_written(const std::string& path) {
  record::FileHeader header;
  return read_header(path, header) && header.ended == 0 && runs(header.process) && has_mapped(header.process, path);
}

int ended_by(const std::string& path) {
  record::FileHeader header;
  return read_header(path, header) ? static_cast<int>(header.ended) : 0;
}

bool is_stopped(const std::string& path) {
  record::FileHeader header;
  return read_header(path, header) && header.stopped != 0;
}

void pack_trace(const std::string& path, std::uint32_t process) {
  record::FileHeader header;
  if (read_header(path, header) && header.process == process) pack(path);
}

void pack_traces(const std::string& path) {
  pack_if_done(path);
  const fs::path whole(path);
  const std::string name = whole.filename().string();
  std::error_code error;
  std::vector<std::string> found;  // collected before any is renamed
  for (const fs::directory_entry& entry : fs::directory_iterator(whole.parent_path(), error)) {
    const std::string other = entry.path().filename().string();
    if (other.starts_with(name) && is_of_a_child(std::string_view(other).substr(name.size())))
      found.push_back(entry.path().string());
  }
  for (const std::string& child : found) pack_if_done(child);
}

}  // namespace ashlar::tool

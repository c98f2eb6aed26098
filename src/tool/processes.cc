// tool: which processes have Ashlar.
#include "tool/processes.h"

#include <elf.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <tuple>

#include "stats/format.h"
#include "tool/error.h"
#include "tool/reader/file.h"

namespace ashlar::tool {

namespace {

using reader::File;

bool maps_ashlar(const std::filesystem::path& process) {
  std::ifstream maps(process / "maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t slash = line.rfind('/');
    if (slash != std::string::npos && line.compare(slash, 13, "/libashlar.so") == 0) return true;
  }
  return false;
}

// Returns whether bytes of a file hold the root block's magic, at a multiple of its alignment.
bool has_magic(const File& file, std::uint64_t offset, std::uint64_t bytes) {
  constexpr std::uint64_t kChunk = std::uint64_t{1} << 20;
  std::vector<char> buffer;
  for (std::uint64_t at = 0; at < bytes; at += kChunk) {
    buffer.resize(std::min(kChunk, bytes - at));
    if (!file.read_at(static_cast<off_t>(offset + at), buffer.data(), buffer.size())) return false;
    for (std::size_t i = 0; i + sizeof format::kMagic <= buffer.size(); i += alignof(format::Root)) {
      if (std::memcmp(buffer.data() + i, format::kMagic, sizeof format::kMagic) == 0) return true;
    }
  }
  return false;
}

// Returns whether a program has a root block, which lies in a writable segment.
bool program_has_root(const std::string& path) {
  constexpr unsigned kMaxSegments = 64;
  constexpr std::uint64_t kMaxSearched = std::uint64_t{64} << 20;
  const File file = File::regular(path);
  Elf64_Ehdr head{};
  if (!file || !file.read_at(0, &head, sizeof head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
      head.e_ident[EI_CLASS] != ELFCLASS64) {
    return false;
  }
  std::uint64_t left = kMaxSearched;
  for (unsigned i = 0; i < std::min<unsigned>(head.e_phnum, kMaxSegments); ++i) {
    Elf64_Phdr segment{};
    if (!file.read_at(static_cast<off_t>(head.e_phoff + i * sizeof segment), &segment, sizeof segment)) return false;
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) == 0) continue;
    // an aligned address is an aligned offset in the file: address and offset are equal modulo the page size
    constexpr std::uint64_t kMask = alignof(format::Root) - 1;
    const std::uint64_t start = (segment.p_offset + kMask) & ~kMask;
    const std::uint64_t skipped = start - segment.p_offset;
    const std::uint64_t bytes = std::min(left, segment.p_filesz - std::min(segment.p_filesz, skipped));
    if (has_magic(file, start, bytes)) return true;
    left -= bytes;
  }
  return false;
}

// The same for a process's program. The result for a file is kept while the command runs.
bool is_linked_with_ashlar(const std::filesystem::path& process) {
  using Identity = std::tuple<dev_t, ino_t, off_t, time_t>;
  static std::map<Identity, bool> known;
  struct stat status {};
  const std::string exe = process / "exe";
  if (stat(exe.c_str(), &status) != 0) return false;
  const auto [at, added] = known.try_emplace({status.st_dev, status.st_ino, status.st_size, status.st_mtime}, false);
  if (added) at->second = program_has_root(exe);
  return at->second;
}

}  // namespace

std::vector<pid_t> processes_with_ashlar() {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc() || end != name.data() + name.size()) continue;
    if (maps_ashlar(entry.path()) || is_linked_with_ashlar(entry.path())) found.push_back(pid);
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool is_none_of_the_list(const std::exception& error) {
  const auto* const failure = dynamic_cast<const Failure*>(&error);
  if (failure == nullptr) return false;
  return failure->code() == Exit::kNoProcess || failure->code() == Exit::kGone || failure->code() == Exit::kNoAshlar;
}

}  // namespace ashlar::tool

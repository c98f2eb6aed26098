// tool: reading the file of a trace. The file may be damaged, so every value is checked.
#include "tool/trace_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

#include "tool/error.h"

namespace ashlar::tool {

namespace {

using record::ChunkHeader;
using record::FileHeader;

// Larger numbers cannot occur in a trace of this library.
constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 62;

// Copies a value from bytes at any alignment.
template <class T>
T read(const unsigned char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

bool is_free(Op op) { return op == Op::kFree || op == Op::kDelete || op == Op::kDeleteArray; }

}  // namespace

Cursor::Cursor(const unsigned char* base, std::uint64_t offset, std::uint64_t began) : began_(began) {
  const auto header = read<ChunkHeader>(base + offset);
  at_ = base + offset + sizeof header;
  end_ = base + offset + header.bytes;
  event_.thread = header.thread;
  event_.processor = header.processor;
  ns_ = header.ns;
  first_ = sequence_ = header.sequence;
}

std::uint64_t Cursor::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (at_ == end_) throw std::string("a record goes on beyond its chunk");
    const unsigned char byte = *at_++;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (shift & 63);
    if ((byte & 0x80) == 0) return value;
  }
  throw std::string("a number has too many bytes");
}

std::uint64_t Cursor::difference(std::uint64_t from, unsigned flags) {
  const std::uint64_t coded = number();
  const std::uint64_t units = coded >> 1 ^ (~(coded & 1) + 1);
  const std::uint64_t address = from + ((flags & record::kFine) != 0 ? units : units << record::kUnitShift);
  if (address == 0) throw std::string("a block lies at address 0");
  return address;
}

void Cursor::read_time() {
  ns_ += number();
  event_.processor = static_cast<std::uint32_t>(number());
}

void Cursor::read_end(Op op, unsigned flags) {
  event_.kind = op == Op::kLeft ? EventKind::kLeft : EventKind::kFree;
  event_.size = 0;
  event_.address = address_ = difference(address_, flags);
  if ((flags & record::kTouched) == 0) return;
  const std::uint64_t units = number();
  if (units > kMaxNumber / record::kTouchUnit) throw std::string("more of a block was used than there can be");
  event_.touched = units * record::kTouchUnit;
}

void Cursor::read_call(Op op, unsigned flags) {
  const std::uint64_t gap = (flags & record::kGap) != 0 ? number() : 0;
  if (gap > kMaxNumber || sequence_ > kMaxNumber) throw std::string("a call has an impossible number");
  event_.op = op;
  event_.number = sequence_ += gap + 1;
  event_.ns = ns_ > began_ ? ns_ - began_ : 0;
  event_.failed = (flags & record::kFailed) != 0;
  event_.alignment = 0;
  if (op == Op::kRealloc) {
    event_.kind = EventKind::kResizeBegin;
    event_.old = event_.address = address_ = difference(address_, flags);
    event_.size = number();
    if (event_.size == 0) throw std::string("a block is resized to 0 bytes");
    resize_gap_ = (flags & record::kAligned) != 0 ? number() : 0;
    if (resize_gap_ > kMaxNumber) throw std::string("a call has an impossible number");
    if (!event_.failed) event_.address = address_ = difference(address_, flags);
    in_resize_ = true;
    return;
  }
  event_.touched = UINT64_MAX;
  if (is_free(op) || op == Op::kLeft) return read_end(op, flags);
  event_.kind = EventKind::kAllocate;
  event_.size = number();
  if ((flags & record::kAligned) != 0) {
    const std::uint64_t logarithm = number();
    if (logarithm >= 64) throw std::string("an alignment is impossible");
    event_.alignment = static_cast<std::uint8_t>(logarithm);
  }
  event_.address = 0;
  if (!event_.failed) event_.address = address_ = difference(address_, flags);
}

bool Cursor::next() {
  if (in_resize_) {
    in_resize_ = false;
    event_.kind = EventKind::kResizeEnd;
    event_.number = sequence_ += resize_gap_ + 1;
    return true;
  }
  while (at_ != end_ && *at_ != 0) {
    const unsigned byte = *at_++;
    const auto op = static_cast<Op>(byte & record::kOpMask);
    if (op == Op::kTime) {
      read_time();
    } else if (op == Op::kThread) {
      event_.thread = static_cast<std::uint32_t>(number());
    } else if (op == Op::kEnd || op >= Op::kCount) {
      throw fmt::format("there is no record of kind {}", byte & record::kOpMask);
    } else {
      read_call(op, byte & ~static_cast<unsigned>(record::kOpMask));
      return true;
    }
  }
  return false;
}

TraceFile::TraceFile(const std::string& name, std::vector<unsigned char> bytes)
    : path_(name), bytes_(std::move(bytes)), bytes_of_file_(bytes_.size()) {
  check_header();
  find_chunks();
}

TraceFile::TraceFile(const std::string& path) : path_(path) {
  load();
  check_header();
  find_chunks();
}

void TraceFile::damaged(const std::string& what) const {
  throw Failure(Exit::kBadTrace, fmt::format("{}: damaged trace: {}", path_, what));
}

std::string TraceFile::name() const { return {header_.name, strnlen(header_.name, sizeof header_.name)}; }

void TraceFile::load() {
  std::error_code error;
  if (std::filesystem::is_directory(path_, error))
    throw Failure(Exit::kBadTrace, path_ + ": it is a folder, not a trace");
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path_.c_str(), "rb"), gzclose);
  if (!file) throw Failure(Exit::kFailed, fmt::format("{}: {}", path_, std::strerror(errno)));
  bytes_of_file_ = std::filesystem::file_size(path_, error);
  constexpr std::size_t kStep = 1u << 20;
  const auto max = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  if (gzdirect(file.get()) != 0)
    bytes_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(bytes_of_file_, max)) + kStep);
  std::size_t used = 0;
  for (;;) {
    // do not read a file that is not a trace to its end
    if (used >= sizeof record::kMagic && std::memcmp(bytes_.data(), record::kMagic, sizeof record::kMagic) != 0) break;
    bytes_.resize(used + kStep);
    const int n = gzread(file.get(), bytes_.data() + used, kStep);
    if (n < 0) damaged("it cannot be decompressed, or was cut off");
    used += static_cast<std::size_t>(n);
    if (used > max) damaged("it holds more than this machine has memory for");
    if (n == 0) break;
  }
  bytes_.resize(used);
  int state = Z_OK;
  gzerror(file.get(), &state);
  if (state == Z_BUF_ERROR) damaged("it was cut off");
}

void TraceFile::check_header() {
  const auto refuse = [this](Exit code, const std::string& what) { throw Failure(code, path_ + ": " + what); };
  if (bytes_.size() < sizeof header_ || std::memcmp(bytes_.data(), record::kMagic, sizeof record::kMagic) != 0)
    refuse(Exit::kBadTrace, "it is not a trace of ashlar record");
  header_ = read<FileHeader>(bytes_.data());
  if (header_.version < record::kOldestVersion || header_.version > record::kVersion)
    refuse(Exit::kVersion, fmt::format("a trace of version {}; this command reads {} to {}", header_.version,
                                       record::kOldestVersion, record::kVersion));
  const std::uint32_t page = header_.page_bytes;
  if (page < 4096 || page > record::kMaxChunk || (page & (page - 1)) != 0 || header_.header_bytes != page)
    damaged("its head is wrong");
}

void TraceFile::find_chunks() {
  for (std::uint64_t offset = header_.header_bytes; offset < bytes_.size();) {
    if (bytes_.size() - offset < sizeof(ChunkHeader)) damaged("it was cut off");
    const auto header = read<ChunkHeader>(bytes_.data() + offset);
    if (header.magic == 0) {  // not begun
      offset += header_.page_bytes;
      continue;
    }
    if (header.magic != record::kChunkMagic || header.bytes < sizeof header || header.bytes > record::kMaxChunk ||
        header.bytes % header_.page_bytes != 0)
      damaged(fmt::format("no chunk begins at byte {}", offset));
    if (header.bytes > bytes_.size() - offset) damaged("it was cut off");
    chunks_.push_back({offset, header.sequence});
    offset += header.bytes;
  }
  std::stable_sort(chunks_.begin(), chunks_.end(),
                   [](const Chunk& a, const Chunk& b) { return a.sequence < b.sequence; });
}

}  // namespace ashlar::tool

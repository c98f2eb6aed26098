// tool: writes a trace.
#include "tool/trace_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "tool/error.h"

namespace ashlar::tool {

namespace {

using record::ChunkHeader;

constexpr std::uint32_t kPage = 4096;
constexpr std::size_t kChunk = 256u << 10;
static_assert(kChunk <= record::kMaxChunk && kChunk % kPage == 0);

constexpr std::uint64_t zigzag(std::int64_t n) {
  return static_cast<std::uint64_t>(n) << 1 ^ static_cast<std::uint64_t>(n >> 63);
}

void put_number(std::vector<unsigned char>& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<unsigned char>(value | 0x80));
  bytes.push_back(static_cast<unsigned char>(value));
}

// Writes the difference of two slots. Slots count from 1 and stand in place of addresses.
void put_slot(std::vector<unsigned char>& bytes, std::uint64_t from, std::uint64_t to) {
  put_number(bytes, zigzag(static_cast<std::int64_t>(to - from)));
}

}  // namespace

TraceWriter::TraceWriter(const std::string& path, const record::FileHeader& header, std::uint32_t copies)
    : path_(path), header_(header), copies_(copies) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) throw Failure(Exit::kFailed, fmt::format("trace: {}: {}", path, std::strerror(errno)));
  file_.reset(gzdopen(file, "wb6"));
  if (!file_) {
    close(file);
    throw Failure(Exit::kFailed, "trace: there is no memory");
  }
  header_.header_bytes = header_.page_bytes = kPage;
  header_.ns = 0;
  std::vector<unsigned char> page(kPage);
  std::memcpy(page.data(), &header_, sizeof header_);
  put(page.data(), page.size());
}

TraceWriter::~TraceWriter() {
  if (file_) unlink(path_.c_str());
}

void TraceWriter::put(const void* data, std::size_t bytes) {
  if (gzwrite(file_.get(), data, static_cast<unsigned>(bytes)) == static_cast<int>(bytes)) return;
  throw Failure(Exit::kFailed, fmt::format("trace: {}: {}", path_, std::strerror(errno)));
}

void TraceWriter::begin(Stream& stream, const Event& event) {
  stream.address = 0;
  stream.sequence = numbers_;
  stream.ns = event.ns > began_ ? event.ns - began_ : 0;
  stream.processor = event.processor;
  ChunkHeader header = {};
  header.magic = record::kChunkMagic;
  header.thread = stream.thread;
  header.processor = stream.processor;
  header.sequence = stream.sequence;
  header.ns = stream.ns;
  stream.bytes.resize(sizeof header);
  std::memcpy(stream.bytes.data(), &header, sizeof header);
}

void TraceWriter::flush(Stream& stream) {
  if (stream.bytes.empty()) return;
  stream.bytes.resize((stream.bytes.size() / kPage + 1) * std::size_t{kPage});  // a byte of zero ends it
  const auto bytes = static_cast<std::uint32_t>(stream.bytes.size());
  std::memcpy(stream.bytes.data() + offsetof(ChunkHeader, bytes), &bytes, sizeof bytes);
  put(stream.bytes.data(), stream.bytes.size());
  stream.bytes.clear();
}

void TraceWriter::finish() {
  for (auto& [key, stream] : streams_) flush(stream);
  if (gzclose(file_.release()) == Z_OK) return;
  const int error = errno;
  unlink(path_.c_str());
  throw Failure(Exit::kFailed, fmt::format("trace: {}: {}", path_, std::strerror(error)));
}

void TraceWriter::write_copy(const Event& event, const Call& call, std::uint32_t copy) {
  Stream& stream = streams_[std::uint64_t{event.thread} << 32 | copy];
  // thread 0 (threads past their end) stays 0
  stream.thread = event.thread == 0 ? 0 : (event.thread - 1) * copies_ + copy + 1;
  if (stream.bytes.size() > kChunk - std::size_t{3} * record::kMaxRecord) flush(stream);
  if (stream.bytes.empty()) begin(stream, event);
  std::vector<unsigned char>& bytes = stream.bytes;
  const std::uint64_t ns = event.ns < began_ ? 0 : event.ns - began_;
  if (ns > stream.ns || event.processor != stream.processor) {
    bytes.push_back(static_cast<unsigned char>(Op::kTime));
    put_number(bytes, ns > stream.ns ? ns - stream.ns : 0);
    put_number(bytes, event.processor);
    stream.ns = std::max(stream.ns, ns);
    stream.processor = event.processor;
  }
  const bool resizes = call.op == Op::kRealloc, allocates = !resizes && call.size != UINT64_MAX;
  unsigned flags = call.failed ? record::kFailed : 0;
  const std::size_t start = bytes.size();
  bytes.push_back(0);
  const std::uint64_t number = ++numbers_;
  if (resizes) ++numbers_;
  if (const std::uint64_t gap = number - stream.sequence - 1; gap != 0) {
    put_number(bytes, gap);
    flags |= record::kGap;
  }
  stream.sequence = numbers_;
  const auto slot = [&](std::uint32_t of) { return std::uint64_t{of} * copies_ + copy; };
  const auto go_to = [&](std::uint64_t to) {
    put_slot(bytes, stream.address, to);
    stream.address = to;
  };
  if (call.from != 0) go_to(slot(call.from));
  if (resizes || allocates) put_number(bytes, call.size);
  if (call.alignment != 0) {
    bytes.push_back(call.alignment);
    flags |= record::kAligned;
  }
  if (!call.failed && call.to != 0) go_to(slot(call.to));
  if (call.touched != UINT64_MAX) {
    put_number(bytes, call.touched / record::kTouchUnit);
    flags |= record::kTouched;
  }
  bytes[start] = static_cast<unsigned char>(static_cast<unsigned>(call.op) | flags);
}

void TraceWriter::write(const Event& event, const Call& call) {
  if (!has_begun_) began_ = event.ns;
  has_begun_ = true;
  for (std::uint32_t copy = 0; copy < copies_; ++copy) write_copy(event, call, copy);
}

std::uint32_t TraceWriter::take_slot() {
  if (vanished_ != 0) return std::exchange(vanished_, 0u);
  if (free_slots_.empty()) return ++slots_;
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

void TraceWriter::made(const Event& event, Block& block) {
  block.id = take_slot();
  // A realloc of a block from before the trace becomes an allocation.
  const Op op = event.op == Op::kRealloc ? Op::kMalloc : event.op;
  write(event, {op, false, event.alignment, event.size, 0, block.id});
}

void TraceWriter::freed(const Event& event, const Block* block) {
  const std::uint32_t slot = block != nullptr ? block->id : take_slot();
  write(event, {event.op, false, 0, UINT64_MAX, slot, 0, event.touched});
  free_slots_.push_back(slot);
}

void TraceWriter::left(const Event& event, const Block& block) {
  write(event, {Op::kLeft, false, 0, UINT64_MAX, block.id, 0, event.touched});
}

void TraceWriter::resized(const Event& event, Block& block, std::uint64_t) {
  const std::uint32_t before = block.id;
  if (event.address != event.old) block.id = take_slot();
  write(event, {Op::kRealloc, false, 0, event.size, before, block.id});
  if (before != block.id) free_slots_.push_back(before);
}

void TraceWriter::refused(const Event& event, const Block* block) {
  if (event.op != Op::kRealloc) return write(event, {event.op, true, event.alignment, event.size, 0, 0});
  if (block != nullptr) write(event, {Op::kRealloc, true, 0, event.size, block->id, 0});
}

void TraceWriter::vanished(const Event&, const Block& block) { vanished_ = block.id; }

}  // namespace ashlar::tool

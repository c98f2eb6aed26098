// record: the file, its chunks and its end.
#include <cstring>
#include <iterator>
#include <new>

#include "base/text.h"
#include "record/recorder.h"

namespace ashlar::record {

namespace {

constexpr int kExists = 17;  // EEXIST
constexpr unsigned kMaxNames = 1000;

// A thread that makes few calls takes little of the file, and a busy one seldom needs another chunk.
constexpr std::size_t kFirstChunk = 16_KiB, kLargestChunk = 256_KiB;
static_assert(kLargestChunk <= kMaxChunk);

// Names the file: BASE, BASE.PROCESS, BASE.PROCESS.2, …
bool name_file(const char* of, unsigned attempt) {
  Text<sizeof recorder.state->path> path;
  path << std::string_view(of);
  if (attempt > 0) path << "." << std::uint64_t{os::process_number()};
  if (attempt > 1) path << "." << std::uint64_t{attempt};
  path << std::string_view("\0", 1);
  std::memcpy(recorder.state->path, path.view().data(), path.view().size());
  return path.view().ends_with('\0');
}

// Tries the numbered names up to `last`. Where the name is the command's choice, that is only the first.
int make_file(const char* of, unsigned attempt, unsigned last) {
  constexpr int kTooLong = 36;  // ENAMETOOLONG
  int error = kExists;
  for (; error == kExists && attempt <= last; ++attempt) {
    error = name_file(of, attempt) ? os::make_file(recorder.state->path, recorder.state->file) : kTooLong;
  }
  return error;
}

}  // namespace

// The words of a file that is to be made. The folder may be there for the user, but not for a process in a container.
std::string_view reason_of_none(int error) {
  constexpr int kNoFolder = 2;  // ENOENT
  return error == kNoFolder ? "the folder does not exist, or not for this process" : os::text_of(error);
}

// What differs from the usual words, as the file is there already.
std::string_view reason_of(int error) {
  switch (error) {
    case 116: return "the path leads to another file now";              // ESTALE
    case 2: return "the path does not exist, or not for this process";  // ENOENT
    case 13: return "the process may no longer write to it";            // EACCES
    default: return os::text_of(error);
  }
}

int begin_file(const char* base, Begins how) {
  const std::size_t page = os::page_bytes();
  recorder.state->header.store(nullptr, std::memory_order_relaxed);
  int error = make_file(base, how == Begins::kInChild ? 1 : 0, how == Begins::kLive ? 0 : kMaxNames);
  void* at = nullptr;
  if (error == 0) error = os::map_file(recorder.state->path, recorder.state->file, 0, page, at);
  if (error != 0) return error;
  auto* const header = new (at) FileHeader{};
  header->version = kVersion;
  header->header_bytes = header->page_bytes = static_cast<std::uint32_t>(page);
  header->process = os::process_number();
  header->seconds = os::calendar_seconds();
  header->ns = os::now_ns();
  header->parent = how == Begins::kInChild ? 1 : 0;
  header->live = how == Begins::kLive ? 1 : 0;
  os::thread_name(header->name);
  std::memcpy(header->magic, kMagic, sizeof kMagic);
  recorder.state->header.store(header, std::memory_order_release);
  recorder.state->offset.store(page, std::memory_order_relaxed);
  recorder.state->sequence.store(0, std::memory_order_relaxed);
  recorder.state->threads.store(0, std::memory_order_relaxed);
  recorder.state->ended.store(false, std::memory_order_relaxed);
  return 0;
}

namespace {

// Maps the next chunk. Returns null if the trace has ended.
void* map_chunk(Thread& thread, std::size_t bytes) {
  void* chunk = nullptr;
  thread.grows = true;  // before the read of the generation: begin_live waits for it
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (thread.generation == recorder.state->generation.load(std::memory_order_acquire) &&
      !recorder.state->ended.load(std::memory_order_relaxed)) {
    const std::uint64_t offset = recorder.state->offset.fetch_add(bytes, std::memory_order_relaxed);
    if (const int error = os::map_file(recorder.state->path, recorder.state->file, offset, bytes, chunk))
      end_trace(error);
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.grows = false;
  return chunk;
}

}  // namespace

bool begin_chunk(Thread& thread, std::uint64_t number) {
  std::size_t bytes = thread.chunk_bytes * 4;
  bytes = bytes < kFirstChunk ? kFirstChunk : bytes > kLargestChunk ? kLargestChunk : bytes;
  bytes = round_up(bytes, os::page_bytes());
  drop_chunk(thread);
  void* const chunk = map_chunk(thread, bytes);
  if (chunk == nullptr) return false;
  thread.chunk_bytes = bytes;
  thread.chunk.store(chunk, std::memory_order_release);
  thread.at = static_cast<unsigned char*>(chunk) + sizeof(ChunkHeader);
  thread.end = static_cast<unsigned char*>(chunk) + bytes;
  thread.address = 0;
  thread.sequence = number - 1;
  thread.ns = os::now_ns();
  thread.calls_until_time = kCallsPerTime;
  auto* const header = new (chunk) ChunkHeader{};
  header->bytes = static_cast<std::uint32_t>(bytes);
  header->thread = thread.number;
  header->sequence = thread.sequence;
  header->ns = thread.ns;
  header->processor = os::processor();
  std::atomic_signal_fence(std::memory_order_seq_cst);  // a reader finds a whole header or none
  header->magic = kChunkMagic;
  return true;
}

void end_trace(int error) {
  on.store(false, std::memory_order_relaxed);
  heap::set_heaps_aside(false);
  if (recorder.state->ended.exchange(true, std::memory_order_relaxed)) return;
  FileHeader* const header = recorder.state->header.exchange(nullptr, std::memory_order_acq_rel);
  if (header != nullptr) {
    header->ended = static_cast<std::uint32_t>(error);
    os::unmap(header, header->page_bytes);
  }
  Text<400> line;
  line << "record: " << first(std::string_view(recorder.state->path), 255);
  line << (header != nullptr ? ": the trace ends here: " : ": no trace is written: ");
  const std::string_view reason = header != nullptr ? reason_of(error) : reason_of_none(error);
  if (!reason.empty()) line << reason;
  else line << "errno " << static_cast<std::uint64_t>(error);
  os::say(line.view());
}

}  // namespace ashlar::record

// Fuzz target: reads files of traces. The input is a file itself, or the records of up to four threads' chunks, for
// which the heads of a complete file are made. A file that is not a trace must be refused with one line. Nothing may
// crash or hang, and the figures of a trace that is read must agree.
#include <string.h>

#include <algorithm>

#include <string>
#include <vector>

#include "fuzz/input.h"
#include "record/trace_format.h"
#include "tool/error.h"
#include "tool/trace_sums.h"
#include "tool/trace_window.h"

namespace {

using namespace ashlar;
using Bytes = std::vector<unsigned char>;
using record::ChunkHeader;
using record::FileHeader;

constexpr uint32_t kPage = 4096;

template <class T>
void put(Bytes& bytes, size_t at, const T& value) {
  bytes.resize(std::max(bytes.size(), at + sizeof value));
  memcpy(bytes.data() + at, &value, sizeof value);
}

// For each chunk: its thread, its first number, and the bytes of its records.
Bytes make_file(ashlar_test::Input& input) {
  Bytes file(kPage);
  FileHeader header = {};
  memcpy(header.magic, record::kMagic, sizeof header.magic);
  header.version = record::kVersion;
  header.header_bytes = header.page_bytes = kPage;
  put(file, 0, header);
  for (unsigned chunks = 0; chunks < 4 && !input.empty(); ++chunks) {
    ChunkHeader chunk = {};
    chunk.magic = record::kChunkMagic;
    chunk.bytes = kPage;
    chunk.thread = static_cast<uint32_t>(input.take(1));
    chunk.sequence = input.take(1);
    size_t records = input.take(1);
    const size_t start = file.size();
    put(file, start, chunk);
    for (; records > 0 && !input.empty(); --records) file.push_back(static_cast<unsigned char>(input.take(1)));
    file.resize(start + kPage);
  }
  return file;
}

void check(const tool::TraceSums& sums, uint64_t live) {
  uint64_t chains = 0;
  for (const uint64_t n : sums.lifetimes_calls) chains += n;
  FUZZ_EXPECT(sums.live_blocks <= sums.allocations() && sums.live_blocks + chains == sums.allocations());
  FUZZ_EXPECT(sums.peak.blocks <= sums.allocations() && sums.live_blocks >= live);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ashlar_test::Input input(data, size);
  const bool whole = size >= sizeof record::kMagic && memcmp(data, record::kMagic, sizeof record::kMagic) == 0;
  Bytes bytes = whole || size == 0 || data[0] % 8 == 0 ? Bytes(data, data + size) : make_file(input);
  try {
    const tool::TraceFile trace("name", std::move(bytes));
    tool::TraceSums sums, part;
    sums.follow(trace);
    check(sums, sums.live().size());
    tool::TraceWindow(part, tool::TracePlace("30%"), tool::TracePlace("80%")).run(trace);
    check(part, 0);
  } catch (const tool::Failure& failure) {
    const std::string line = failure.what();
    FUZZ_EXPECT(line.find('\n') == std::string::npos);
    // A trace of few calls has no such part.
    if (failure.code() == tool::Exit::kUsage) FUZZ_EXPECT(line.starts_with("trace: --"));
    else FUZZ_EXPECT(line.starts_with("name: "));
    FUZZ_EXPECT(failure.code() == tool::Exit::kBadTrace || failure.code() == tool::Exit::kVersion ||
                failure.code() == tool::Exit::kUsage);
  }
  return 0;
}

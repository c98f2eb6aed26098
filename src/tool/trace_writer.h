// tool: writes a trace (record/trace_format.h): a part of another trace, or one without data that identify its process.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include <zlib.h>

#include "tool/trace_blocks.h"

namespace ashlar::tool {

// Addresses become slot numbers. A new block gets the free slot that was freed last.
class TraceWriter : public BlockEvents {
 public:
  // `copies` is how often the calls are written side by side, each copy with threads of its own. Precondition: the file
  // does not exist. Throws a Failure.
  TraceWriter(const std::string& path, const record::FileHeader& header, std::uint32_t copies);
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;
  ~TraceWriter() override;

  // Writes the rest and closes the file. Without this call, the destructor removes the file.
  void finish();

  void made(const Event& event, Block& block) override;
  void freed(const Event& event, const Block* block) override;
  void resized(const Event& event, Block& block, std::uint64_t old_size) override;
  void refused(const Event& event, const Block* block) override;
  void left(const Event& event, const Block& block) override;
  void vanished(const Event& event, const Block& block) override;

 private:
  // A thread's current chunk, and the values that its next record is a difference from.
  struct Stream {
    std::vector<unsigned char> bytes;
    std::uint64_t address = 0, sequence = 0, ns = 0;
    std::uint32_t thread = 0, processor = 0;
  };
  struct Call {
    Op op = Op::kEnd;
    bool failed = false;
    std::uint8_t alignment = 0;
    std::uint64_t size = 0;
    std::uint32_t from = 0, to = 0;  // slots; 0: none
    std::uint64_t touched = UINT64_MAX;
  };

  void write(const Event& event, const Call& call);
  void write_copy(const Event& event, const Call& call, std::uint32_t copy);
  void begin(Stream& stream, const Event& event);
  void flush(Stream& stream);
  void put(const void* data, std::size_t bytes);
  std::uint32_t take_slot();

  std::string path_;
  record::FileHeader header_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_{nullptr, gzclose};
  std::uint32_t copies_;
  std::unordered_map<std::uint64_t, Stream> streams_;  // by thread and copy
  std::vector<std::uint32_t> free_slots_;
  std::uint32_t slots_ = 0;
  std::uint32_t vanished_ = 0;  // the slot of a block whose end was not recorded; the next block gets it
  std::uint64_t numbers_ = 0, began_ = 0;
  bool has_begun_ = false;
};

}  // namespace ashlar::tool

// tool: a trace: what a recorded process called, in the order in which it happened (record/trace_format.h).
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "record/trace_format.h"

namespace ashlar::tool {

using record::Op;

// A realloc is two events, as other threads' calls may lie between its start and its end.
enum class EventKind : std::uint8_t { kAllocate, kFree, kResizeBegin, kResizeEnd, kLeft };

struct Event {
  EventKind kind = EventKind::kAllocate;
  Op op = Op::kEnd;
  bool failed = false;          // of kAllocate and kResizeEnd: there was no memory
  std::uint8_t alignment = 0;   // a logarithm; 0: none was requested
  std::uint32_t thread = 0;     // 0: threads past their end
  std::uint32_t processor = 0;  // from the thread's last record of the time, like `ns`
  std::uint64_t ns = 0;         // since the trace began
  std::uint64_t number = 0;     // among all calls of the process
  std::uint64_t address = 0;    // of kResizeEnd: the new one
  std::uint64_t old = 0;        // of kResizeBegin and kResizeEnd
  std::uint64_t size = 0;
  std::uint64_t touched = UINT64_MAX;  // of kFree and kLeft: used bytes of the block; UINT64_MAX: all, or not known
};

// A position in a chunk of the file.
class Cursor {
 public:
  Cursor(const unsigned char* base, std::uint64_t offset, std::uint64_t began);

  // Reads the next event. Returns false at the chunk's end. Throws a std::string that says what is damaged.
  bool next();
  [[nodiscard]] const Event& event() const { return event_; }
  [[nodiscard]] std::uint64_t first_number() const { return first_; }

 private:
  [[nodiscard]] std::uint64_t number();
  [[nodiscard]] std::uint64_t difference(std::uint64_t from, unsigned flags);
  void read_call(Op op, unsigned flags);
  void read_end(Op op, unsigned flags);
  void read_time();

  const unsigned char* at_;
  const unsigned char* end_;
  Event event_;
  std::uint64_t began_, ns_, first_, sequence_;
  std::uint64_t address_ = 0;
  std::uint64_t resize_gap_ = 0;
  bool in_resize_ = false;
};

class TraceFile {
 public:
  // Reads a file, compressed or not. Throws a Failure of kBadTrace, with one line, if it is not a trace or is damaged.
  explicit TraceFile(const std::string& path);
  // The same for the bytes of an uncompressed file. Failures contain the name.
  TraceFile(const std::string& name, std::vector<unsigned char> bytes);

  [[nodiscard]] const record::FileHeader& header() const { return header_; }
  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::uint64_t bytes_of_file() const { return bytes_of_file_; }

  // Calls visit(const Event&) for each event, in order. If visit returns a bool, false ends the calls. Throws as the
  // constructor does.
  template <class Visit>
  void for_each(Visit visit) const;

 private:
  struct Chunk {
    std::uint64_t offset, sequence;
  };

  [[noreturn]] void damaged(const std::string& what) const;
  void load();
  void check_header();
  void find_chunks();

  std::string path_;
  std::vector<unsigned char> bytes_;
  record::FileHeader header_ = {};
  std::vector<Chunk> chunks_;  // by their first numbers
  std::uint64_t bytes_of_file_ = 0;
};

// Only the chunks that hold the next numbers are open. These are few, as each chunk belongs to one thread.
template <class Visit>
void TraceFile::for_each(Visit visit) const {
  std::vector<Cursor> open;
  std::size_t begun = 0;
  try {
    for (;;) {
      std::size_t earliest = open.size();
      for (std::size_t i = 0; i < open.size(); ++i) {
        if (earliest == open.size() || open[i].event().number < open[earliest].event().number) earliest = i;
      }
      if (begun < chunks_.size() &&
          (earliest == open.size() || chunks_[begun].sequence < open[earliest].event().number)) {
        open.emplace_back(bytes_.data(), chunks_[begun++].offset, header_.ns);
        if (!open.back().next()) open.pop_back();
        continue;
      }
      if (earliest == open.size()) return;
      std::uint64_t until = begun < chunks_.size() ? chunks_[begun].sequence : UINT64_MAX;
      for (std::size_t i = 0; i < open.size(); ++i) {
        if (i != earliest && open[i].event().number < until) until = open[i].event().number;
      }
      Cursor& cursor = open[earliest];
      bool more = true;
      do {
        if constexpr (std::is_void_v<decltype(visit(cursor.event()))>) visit(cursor.event());
        else if (!visit(cursor.event())) return;
        more = cursor.next();
      } while (more && cursor.event().number <= until);
      if (more) continue;
      open[earliest] = open.back();
      open.pop_back();
    }
  } catch (const std::string& what) {
    damaged(what);
  }
}

}  // namespace ashlar::tool

// tool: a part of a trace, as if it were a whole one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "tool/trace_blocks.h"

namespace ashlar::tool {

// A place in a trace: "25%" of its calls, a time as "1.5s" or "250ms", or the number of a call.
class TracePlace {
 public:
  // Throws a Failure of kUsage if the text is not a place.
  explicit TracePlace(const std::string& text);

  [[nodiscard]] const std::string& text() const { return text_; }
  // Returns whether the place is not behind another one (null: the begin), as far as that is known without the trace.
  [[nodiscard]] bool is_not_behind(const TracePlace* other) const {
    return other == nullptr ? value_ == 0 : unit_ == other->unit_ && value_ <= other->value_;
  }
  [[nodiscard]] bool is_share() const { return unit_ == Unit::kShare; }
  // Returns whether an event is at the place or after it. `calls` are the calls of the whole trace.
  [[nodiscard]] bool is_reached(const Event& event, std::uint64_t calls) const;

 private:
  enum class Unit : std::uint8_t { kCalls, kShare, kTime };
  Unit unit_ = Unit::kCalls;
  double value_ = 0;
  std::string text_;
};

// Passes on what happens between two places. Blocks that are live at the first place are made there, by the threads
// that made them in the trace.
class TraceWindow : public BlockEvents {
 public:
  TraceWindow(BlockEvents& inner, std::optional<TracePlace> from, std::optional<TracePlace> to)
      : inner_(inner), from_(std::move(from)), to_(std::move(to)) {}

  // Where the window began: the time of its first event, and the blocks that were live there.
  struct Beginning {
    std::uint64_t ns = 0, blocks = 0;
  };

  // Follows the trace to the window's end. Throws a Failure if the trace has no such part.
  void run(const TraceFile& trace);
  // Returns zeros if no event was in the window, or if it has no first place: then it begins with the trace.
  [[nodiscard]] Beginning beginning() const { return beginning_; }

  void made(const Event& event, Block& block) override;
  void freed(const Event& event, const Block* block) override;
  void resized(const Event& event, Block& block, std::uint64_t old_size) override;
  void refused(const Event& event, const Block* block) override;
  void left(const Event& event, const Block& block) override;
  void vanished(const Event& event, const Block& block) override;

 private:
  bool before(const Event& event) override;
  void open(const Event& event);
  [[noreturn]] void fail_empty() const;

  BlockEvents& inner_;
  std::optional<TracePlace> from_, to_;
  std::uint64_t calls_ = 0;
  Beginning beginning_;
  bool is_open_ = false, has_ended_ = false;
};

}  // namespace ashlar::tool

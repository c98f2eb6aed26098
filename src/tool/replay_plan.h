// tool: turns a trace into a plan for the driver.
#pragma once

#include <optional>
#include <unordered_map>

#include "tool/replay/plan.h"
#include "tool/trace_blocks.h"

namespace ashlar::tool {

// The used bytes of large blocks, as far as the trace has them, by the numbers of the calls that made the blocks.
class UsedParts : public BlockEvents {
 public:
  void made(const Event&, Block&) override {}
  void freed(const Event& event, const Block* block) override;
  void resized(const Event&, Block&, std::uint64_t) override {}
  void refused(const Event&, const Block*) override {}
  void left(const Event& event, const Block& block) override;
  void vanished(const Event&, const Block&) override {}

  // Returns bytes, or nothing if all of the block was used or that is not known.
  [[nodiscard]] std::optional<std::uint64_t> of(const Block& block) const;

 private:
  std::unordered_map<std::uint64_t, std::uint64_t> bytes_;
};

// Steps are written to the plan's file as they come, so that memory never holds a second copy of a large trace.
class Planner : public BlockEvents {
 public:
  // The plan is a file at this path, or an unnamed file if the path is empty. `used`, if given, says how much of each
  // block is written to. All functions throw a Failure.
  explicit Planner(const std::string& path = "", const UsedParts* used = nullptr);
  ~Planner() override;
  Planner(const Planner&) = delete;
  Planner& operator=(const Planner&) = delete;

  void made(const Event& event, Block& block) override;
  void freed(const Event& event, const Block* block) override;
  void resized(const Event& event, Block& block, std::uint64_t old_size) override;
  void refused(const Event&, const Block*) override {}
  void vanished(const Event& event, const Block& block) override;

  // Completes the file after the trace has been followed.
  void finish();

  [[nodiscard]] int file() const { return file_; }
  [[nodiscard]] std::size_t threads() const { return threads_.size(); }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::uint64_t peak_bytes() const { return peak_bytes_; }
  [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }
  [[nodiscard]] std::uint64_t duration_ns() const { return last_ns_ - first_ns_; }
  // Returns the live bytes after that number of calls of the process, as of the last kept moment before it.
  [[nodiscard]] std::uint64_t live_bytes_at(std::uint64_t number) const;

 private:
  struct PlannedThread {
    std::vector<replay::Step> steps;     // not written yet
    std::vector<std::uint64_t> extents;  // offsets of written extents
    std::vector<std::uint32_t> idle;     // slots whose blocks it freed last
    std::uint64_t count = 0, first = 0, mark = 0, since_mark = 0, ns = 0;
  };
  struct Moment {
    std::uint64_t number, bytes;
  };
  PlannedThread& thread_of(const Event& event);
  void add(const Event& event, const replay::Step& step, const Block* makes = nullptr);
  void push(PlannedThread& thread, const replay::Step& step);
  void write_extent(PlannedThread& thread);
  void write(const void* data, std::size_t bytes);
  void free_slot(const Event& event, const Block& block);
  void note_moment(const Event& event);

  int file_;
  const UsedParts* used_;
  std::uint64_t written_ = replay::kExtent0;
  std::vector<PlannedThread> threads_;
  std::unordered_map<std::uint32_t, std::size_t> by_number_;
  std::uint32_t latest_number_ = 0;  // of the thread at `latest_`
  std::size_t latest_ = 0;
  std::vector<std::uint16_t> tags_;  // the last one of each slot
  std::uint64_t calls_ = 0, live_bytes_ = 0, peak_bytes_ = 0;
  std::uint64_t first_ns_ = 0, last_ns_ = 0, first_number_ = 0, last_number_ = 0;
  std::vector<Moment> moments_;  // evenly spaced by calls
  std::uint64_t calls_per_moment_ = 1;
};

}  // namespace ashlar::tool

// tool: makes of a trace what the driver does.
#pragma once

#include <unordered_map>

#include "tool/replay/plan.h"
#include "tool/trace_blocks.h"

namespace ashlar::tool {

class Planner : public BlockEvents {
 public:
  void made(const Event& event, Block& block) override;
  void freed(const Event& event, const Block* block) override;
  void resized(const Event& event, Block& block, std::uint64_t old_size) override;
  void refused(const Event&, const Block*) override {}
  void vanished(const Event& event, const Block& block) override;

  // A file without a name, with the plan; its descriptor. Throws a Failure.
  [[nodiscard]] int write(replay::Touch touch) const;

  [[nodiscard]] std::size_t threads() const { return threads_.size(); }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::uint64_t peak_bytes() const { return peak_bytes_; }
  [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }

 private:
  struct PlannedThread {
    std::vector<replay::Step> steps;
    std::vector<std::uint32_t> idle;  // slots whose blocks it freed last
    std::uint64_t first = 0, mark = 0, since_mark = 0;
  };
  PlannedThread& thread_of(const Event& event);
  void add(const Event& event, const replay::Step& step);
  void free_slot(const Event& event, const Block& block);

  std::vector<PlannedThread> threads_;
  std::unordered_map<std::uint32_t, std::size_t> by_number_;
  std::vector<std::uint16_t> tags_;  // the last one of each slot
  std::uint64_t calls_ = 0, live_bytes_ = 0, peak_bytes_ = 0;
};

}  // namespace ashlar::tool

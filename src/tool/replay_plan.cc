// tool: makes of a trace what the driver does.
#include "tool/replay_plan.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "tool/error.h"

namespace ashlar::tool {

namespace {

using replay::PlanHeader;
using replay::PlanThread;
using replay::Step;
using replay::StepKind;

StepKind kind_of(const Event& event) {
  if (event.alignment != 0) return StepKind::kAligned;
  return event.op == Op::kCalloc ? StepKind::kCalloc : StepKind::kMalloc;
}

void write_all(int file, const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::write(file, at, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Failure(Exit::kFailed, fmt::format("replay: the plan: {}", std::strerror(errno)));
    at += n;
    bytes -= static_cast<std::size_t>(n);
  }
}

}  // namespace

Planner::PlannedThread& Planner::thread_of(const Event& event) {
  const auto [found, is_new] = by_number_.try_emplace(event.thread, threads_.size());
  if (is_new) {
    threads_.emplace_back();
    threads_.back().first = event.number;
  }
  return threads_[found->second];
}

void Planner::add(const Event& event, const Step& step) {
  PlannedThread& thread = thread_of(event);
  if (thread.since_mark++ % replay::kStepsPerMark == 0 || event.number - thread.mark >= replay::kWindow / 4) {
    thread.steps.push_back({event.number, 0, 0, StepKind::kMark, 0});
    thread.mark = event.number;
    thread.since_mark = 1;
  }
  thread.steps.push_back(step);
  ++calls_;
}

void Planner::made(const Event& event, Block& block) {
  PlannedThread& thread = thread_of(event);
  if (thread.idle.empty()) {
    block.id = static_cast<std::uint32_t>(tags_.size());
    tags_.push_back(0);
  } else {
    block.id = thread.idle.back();
    thread.idle.pop_back();
  }
  add(event, {block.size, block.id, ++tags_[block.id], kind_of(event), event.alignment});
  peak_bytes_ = std::max(peak_bytes_, live_bytes_ += block.size);
}

void Planner::resized(const Event& event, Block& block, std::uint64_t old_size) {
  add(event, {block.size, block.id, tags_[block.id]++, StepKind::kRealloc, 0});
  peak_bytes_ = std::max(peak_bytes_, live_bytes_ += block.size - old_size);
}

void Planner::free_slot(const Event& event, const Block& block) {
  add(event, {0, block.id, tags_[block.id], StepKind::kFree, 0});
  thread_of(event).idle.push_back(block.id);
  live_bytes_ -= block.size;
}

void Planner::freed(const Event& event, const Block* block) {
  if (block != nullptr) free_slot(event, *block);
}

void Planner::vanished(const Event& event, const Block& block) { free_slot(event, block); }

int Planner::write(replay::Touch touch) const {
  const int file = memfd_create("ashlar-replay-plan", 0);
  if (file < 0) throw Failure(Exit::kFailed, fmt::format("replay: the plan: {}", std::strerror(errno)));
  PlanHeader header = {replay::kMagic, static_cast<std::uint32_t>(threads_.size()), touch, tags_.size(), 0};
  std::vector<PlanThread> rows;
  for (const PlannedThread& thread : threads_) {
    rows.push_back({header.steps, thread.steps.size(), thread.first});
    header.steps += thread.steps.size();
  }
  write_all(file, &header, sizeof header);
  write_all(file, rows.data(), rows.size() * sizeof rows[0]);
  for (const PlannedThread& thread : threads_) write_all(file, thread.steps.data(), thread.steps.size() * sizeof(Step));
  return file;
}

}  // namespace ashlar::tool

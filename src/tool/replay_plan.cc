// tool: turns a trace into a plan for the driver.
#include "tool/replay_plan.h"

#include <fcntl.h>
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

constexpr std::size_t kMaxMoments = 1u << 14;
constexpr std::uint64_t kPage = 4096;

StepKind kind_of(const Event& event) {
  if (event.alignment != 0) return StepKind::kAligned;
  return event.op == Op::kCalloc ? StepKind::kCalloc : StepKind::kMalloc;
}

[[noreturn]] void fail() { throw Failure(Exit::kFailed, fmt::format("replay: the plan: {}", std::strerror(errno))); }

void write_at(int file, std::uint64_t offset, const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::pwrite(file, at, bytes, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail();
    at += n;
    offset += static_cast<std::uint64_t>(n);
    bytes -= static_cast<std::size_t>(n);
  }
}

}  // namespace

void UsedParts::freed(const Event& event, const Block* block) {
  if (block != nullptr && event.touched != UINT64_MAX) bytes_[block->number] = event.touched;
}

void UsedParts::left(const Event& event, const Block& block) { freed(event, &block); }

std::optional<std::uint64_t> UsedParts::of(const Block& block) const {
  const auto found = bytes_.find(block.number);
  return found != bytes_.end() ? std::optional(found->second) : std::nullopt;
}

Planner::Planner(const std::string& path, const UsedParts* used)
    : file_(path.empty() ? memfd_create("ashlar-replay-plan", 0)
                         : open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)),
      used_(used) {
  if (file_ < 0 && !path.empty()) throw Failure(Exit::kFailed, fmt::format("{}: {}", path, std::strerror(errno)));
  if (file_ < 0) fail();
}

Planner::~Planner() { close(file_); }

void Planner::write(const void* data, std::size_t bytes) {
  write_at(file_, written_, data, bytes);
  written_ += bytes;
}

void Planner::write_extent(PlannedThread& thread) {
  written_ = (written_ + kPage - 1) / kPage * kPage;
  thread.extents.push_back(written_);
  write(thread.steps.data(), thread.steps.size() * sizeof(Step));
  thread.steps.clear();
}

Planner::PlannedThread& Planner::thread_of(const Event& event) {
  if (!threads_.empty() && latest_number_ == event.thread) return threads_[latest_];
  const auto [found, is_new] = by_number_.try_emplace(event.thread, threads_.size());
  if (is_new) {
    if (threads_.size() == replay::kMaxThreads)
      throw Failure(Exit::kBadTrace, fmt::format("replay: the trace has more than {} threads", replay::kMaxThreads));
    threads_.emplace_back();
    threads_.back().first = event.number;
  }
  latest_number_ = event.thread;
  latest_ = found->second;
  return threads_[latest_];
}

void Planner::push(PlannedThread& thread, const Step& step) {
  if (thread.steps.size() == replay::kStepsPerExtent) write_extent(thread);
  thread.steps.push_back(step);
  ++thread.count;
}

void Planner::add(const Event& event, const Step& step, const Block* makes) {
  PlannedThread& thread = thread_of(event);
  if (calls_ == 0) {
    first_ns_ = last_ns_ = event.ns;
    first_number_ = event.number;
  }
  last_ns_ = std::max(last_ns_, event.ns);
  last_number_ = event.number;
  if (thread.since_mark % replay::kStepsPerMark == 0 || event.number - thread.mark >= replay::kWindow / 4 ||
      event.ns != thread.ns) {
    push(thread, replay::mark_of(event.number, event.ns > first_ns_ ? event.ns - first_ns_ : 0));
    thread.mark = event.number;
    thread.ns = event.ns;
    thread.since_mark = 0;
  }
  ++thread.since_mark;
  if (makes != nullptr && used_ != nullptr) {
    if (const std::optional<std::uint64_t> used = used_->of(*makes)) push(thread, {*used, 0, 0, StepKind::kTouch, 0});
  }
  push(thread, step);
  ++calls_;
}

// Keeps the number of moments bounded: drops every other one and doubles their distance when there are too many.
void Planner::note_moment(const Event& event) {
  peak_bytes_ = std::max(peak_bytes_, live_bytes_);
  if (calls_ % calls_per_moment_ != 0) return;
  moments_.push_back({event.number, live_bytes_});
  if (moments_.size() < kMaxMoments) return;
  for (std::size_t i = 0; i < kMaxMoments / 2; ++i) moments_[i] = moments_[2 * i + 1];
  moments_.resize(kMaxMoments / 2);
  calls_per_moment_ *= 2;
}

std::uint64_t Planner::live_bytes_at(std::uint64_t number) const {
  const auto after = std::upper_bound(moments_.begin(), moments_.end(), number,
                                      [](std::uint64_t n, const Moment& moment) { return n < moment.number; });
  if (number >= last_number_) return live_bytes_;
  return after == moments_.begin() ? 0 : std::prev(after)->bytes;
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
  add(event, {block.size, block.id, ++tags_[block.id], kind_of(event), event.alignment}, &block);
  live_bytes_ += block.size;
  note_moment(event);
}

void Planner::resized(const Event& event, Block& block, std::uint64_t old_size) {
  add(event, {block.size, block.id, tags_[block.id]++, StepKind::kRealloc, 0}, &block);
  live_bytes_ += block.size - old_size;
  note_moment(event);
}

void Planner::free_slot(const Event& event, const Block& block) {
  add(event, {0, block.id, tags_[block.id], StepKind::kFree, 0});
  thread_of(event).idle.push_back(block.id);
  live_bytes_ -= block.size;
  note_moment(event);
}

void Planner::freed(const Event& event, const Block* block) {
  if (block != nullptr) free_slot(event, *block);
}

void Planner::vanished(const Event& event, const Block& block) { free_slot(event, block); }

void Planner::finish() {
  PlanHeader header = {replay::kMagic, threads_.size(), tags_.size(),        0, 0, 0,
                       first_number_,  last_number_,    last_ns_ - first_ns_};
  for (PlannedThread& thread : threads_) {
    if (!thread.steps.empty()) write_extent(thread);
    header.steps += thread.count;
    header.extents += thread.extents.size();
  }
  header.tables = written_ = (written_ + sizeof(Step) - 1) / sizeof(Step) * sizeof(Step);
  for (const PlannedThread& thread : threads_) {
    const PlanThread row = {thread.count, thread.first};
    write(&row, sizeof row);
  }
  for (const PlannedThread& thread : threads_)
    write(thread.extents.data(), thread.extents.size() * sizeof(std::uint64_t));
  write_at(file_, 0, &header, sizeof header);
}

}  // namespace ashlar::tool

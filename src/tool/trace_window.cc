// tool: a part of a trace.
#include "tool/trace_window.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "tool/error.h"

namespace ashlar::tool {

TracePlace::TracePlace(const std::string& text) : text_(text) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value_);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (unit == "%") unit_ = Unit::kShare;
  else if (unit == "s" || unit == "ms") unit_ = Unit::kTime;
  else if (!unit.empty() || error != std::errc()) value_ = -1;
  if (unit == "s") value_ *= 1e9;
  if (unit == "ms") value_ *= 1e6;
  if (error != std::errc() || !(value_ >= 0) || (is_share() && value_ > 100)) {
    throw Failure(
        Exit::kUsage,
        "trace: expected a share such as 25%, a time such as 1.5s or 250ms, or the number of a call: " + text);
  }
}

bool TracePlace::is_reached(const Event& event, std::uint64_t calls) const {
  switch (unit_) {
    case Unit::kCalls: return static_cast<double>(event.number) >= value_;
    case Unit::kShare: return static_cast<double>(event.number) > static_cast<double>(calls) * value_ / 100;
    case Unit::kTime: break;
  }
  return static_cast<double>(event.ns) >= value_;
}

void TraceWindow::run(const TraceFile& trace) {
  if (to_ && to_->is_not_behind(from_ ? &*from_ : nullptr)) fail_empty();
  if ((from_ && from_->is_share()) || (to_ && to_->is_share()))
    trace.for_each([this](const Event& event) { calls_ = std::max(calls_, event.number); });
  follow(trace);
  if (has_ended_ && !is_open_) fail_empty();
  if (from_ && !is_open_)
    throw Failure(Exit::kUsage, fmt::format("trace: --from {}: the trace ends before that", from_->text()));
}

void TraceWindow::fail_empty() const {
  throw Failure(Exit::kUsage, fmt::format("trace: --to {}: expected a place after {}", to_->text(),
                                          from_ ? "--from " + from_->text() : "the trace's begin"));
}

bool TraceWindow::before(const Event& event) {
  if (!is_open_ && (!from_ || from_->is_reached(event, calls_))) open(event);
  has_ended_ = to_ && to_->is_reached(event, calls_);
  return !has_ended_;
}

void TraceWindow::open(const Event& event) {
  is_open_ = true;
  std::vector<Block*> blocks;
  for_each_block([&](Block& block) { blocks.push_back(&block); });
  if (from_) beginning_ = {event.ns, blocks.size()};
  std::sort(blocks.begin(), blocks.end(), [](const Block* a, const Block* b) { return a->number < b->number; });
  for (Block* const block : blocks) {
    Event making = event;
    making.kind = EventKind::kAllocate;
    making.op = block->op;
    making.failed = false;
    making.thread = block->thread;
    making.size = block->size;
    making.alignment = block->alignment;
    inner_.made(making, *block);
  }
}

void TraceWindow::made(const Event& event, Block& block) {
  if (is_open_) inner_.made(event, block);
}

void TraceWindow::freed(const Event& event, const Block* block) {
  if (is_open_) inner_.freed(event, block);
}

void TraceWindow::resized(const Event& event, Block& block, std::uint64_t old_size) {
  if (is_open_) inner_.resized(event, block, old_size);
}

void TraceWindow::refused(const Event& event, const Block* block) {
  if (is_open_) inner_.refused(event, block);
}

void TraceWindow::left(const Event& event, const Block& block) {
  if (is_open_) inner_.left(event, block);
}

void TraceWindow::vanished(const Event& event, const Block& block) {
  if (is_open_) inner_.vanished(event, block);
}

}  // namespace ashlar::tool

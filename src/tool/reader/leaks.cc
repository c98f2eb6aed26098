// tool, reader: following pointers.
#include "tool/reader/leaks.h"

#include <algorithm>

#include "tool/reader/words.h"

namespace ashlar::reader {

namespace {

constexpr std::uint64_t kNoTag = 0;

// Returns the thread whose stack contains an address, or 0.
pid_t thread_of_stack(const Source& source, const Roots& roots, std::uint64_t at) {
  for (const ThreadState& thread : roots.threads) {
    const Mapping* const mapping = thread.stack_pointer != 0 ? source.mapping_at(thread.stack_pointer) : nullptr;
    if (mapping != nullptr && mapping->contains(at)) return thread.number;
  }
  return 0;
}

}  // namespace

Leaks::Leaks(Source& source, const Model& model, const Roots& roots) : source_(source), blocks_(source, model) {
  flood_from_roots(roots);
  flood_from_heaps();
  blocks_.for_live([&](std::size_t number) {
    ++live_.blocks;
    live_.bytes += blocks_.at(number).bytes;
  });
}

template <class Enter>
void Leaks::flood(std::vector<std::size_t>& next, Enter enter) {
  Words words(source_, [&](std::uint64_t word, std::uint64_t /*at*/, std::uint64_t from) {
    if (!blocks_.may_hold(word)) return;
    const std::size_t number = blocks_.find(word);
    if (number != Blocks::kNone && enter(number, from)) next.push_back(number);
  });
  while (!next.empty()) {
    const std::size_t number = next.back();
    next.pop_back();
    words.add(blocks_.at(number).range(), number);
    if (next.empty()) words.finish();
  }
}

// Marks a block as reached. Returns false if it was reached before.
bool Leaks::reach(std::size_t number) {
  if (blocks_.has(number, kReached)) return false;
  blocks_.set(number, kReached);
  return true;
}

void Leaks::flood_from_roots(const Roots& roots) {
  std::vector<std::size_t> next;
  const auto look_at = [&](std::uint64_t word) {
    const std::size_t number = blocks_.find(word);
    if (number != Blocks::kNone && reach(number)) next.push_back(number);
  };
  Words words(source_, [&](std::uint64_t word, std::uint64_t, std::uint64_t) {
    if (blocks_.may_hold(word)) look_at(word);
  });
  for (const Range& range : roots.ranges) words.add(range, kNoTag);
  words.finish();
  for (const ThreadState& thread : roots.threads) {
    for (const std::uint64_t word : thread.registers) look_at(word);
  }
  flood(next, [&](std::size_t number, std::size_t /*from*/) { return reach(number); });
}

void Leaks::flood_from_heaps() {
  std::vector<std::size_t> next;
  const auto enter = [&](std::size_t number) { return !blocks_.is_of_heap(number) && reach(number); };
  Words words(source_, [&](std::uint64_t word, std::uint64_t, std::uint64_t) {
    if (!blocks_.may_hold(word)) return;
    const std::size_t number = blocks_.find(word);
    if (number != Blocks::kNone && enter(number)) next.push_back(number);
  });
  blocks_.for_live([&](std::size_t number) {
    if (blocks_.is_of_heap(number) && !blocks_.has(number, kReached)) words.add(blocks_.at(number).range(), kNoTag);
  });
  words.finish();
  flood(next, [&](std::size_t number, std::size_t /*from*/) { return enter(number); });
}

std::vector<std::uint64_t> Leaks::addresses() const {
  std::vector<std::uint64_t> all;
  for_each([&](const HeapBlock& block, bool /*direct*/) { all.push_back(block.start); });
  return all;
}

void Leaks::keep_those_of(const std::vector<std::uint64_t>& earlier) {
  std::vector<std::size_t> next;
  blocks_.for_live([&](std::size_t number) {
    if (blocks_.has(number, kReached)) return;
    if (std::binary_search(earlier.begin(), earlier.end(), blocks_.at(number).start)) return;
    blocks_.set(number, kReached);
    next.push_back(number);
  });
  flood(next, [&](std::size_t number, std::size_t /*from*/) { return reach(number); });
}

// 1. Blocks that another leaked block points to are indirect.
// 2. Blocks that are reached from the remaining ones are covered.
// 3. Blocks that are not covered lie in cycles, or are reached from cycles. Of these, in the order of addresses, each
// one
//    that is not covered yet counts as leaked directly, until a later one turns out to lead to it.
void Leaks::find_indirect() {
  mark_pointed();
  std::vector<std::size_t> direct;
  blocks_.for_live([&](std::size_t number) {
    if (blocks_.has(number, kReached | kIndirect)) return;
    blocks_.set(number, kCovered);
    direct.push_back(number);
  });
  cover(std::move(direct));
  blocks_.for_live([&](std::size_t number) {
    if (blocks_.has(number, kReached | kCovered)) return;
    blocks_.set(number, kCovered);
    cover({number});
    blocks_.clear(number, kIndirect);
  });
}

void Leaks::mark_pointed() {
  Words words(source_, [&](std::uint64_t word, std::uint64_t /*at*/, std::uint64_t from) {
    if (!blocks_.may_hold(word)) return;
    const std::size_t number = blocks_.find(word);
    if (number != Blocks::kNone && number != from && !blocks_.has(number, kReached)) blocks_.set(number, kIndirect);
  });
  blocks_.for_live([&](std::size_t number) {
    if (blocks_.has(number, kReached)) return;
    words.add(blocks_.at(number).range(), number);
  });
  words.finish();
}

// Marks all blocks that are reached from the given ones.
void Leaks::cover(std::vector<std::size_t> from) {
  flood(from, [&](std::size_t number, std::size_t by) {
    if (number == by || blocks_.has(number, kReached)) return false;
    blocks_.set(number, kIndirect);
    if (blocks_.has(number, kCovered)) return false;
    blocks_.set(number, kCovered);
    return true;
  });
}

std::vector<Reference> find_references(Source& source, const Blocks& blocks, const Roots& roots, const Range& target,
                                       std::size_t max, std::uint64_t& more) {
  std::vector<Reference> found;
  const auto leave_out = [&] {
    const bool full = found.size() >= max;
    more += full ? 1 : 0;
    return full;
  };
  const auto add_registers = [&](const std::vector<std::uint64_t>& registers, pid_t thread) {
    for (const std::uint64_t word : registers) {
      if (target.contains(word) && !leave_out()) found.push_back({Reference::In::kRegister, 0, word, {}, thread});
    }
  };
  for (const ThreadState& thread : roots.threads) add_registers(thread.registers, thread.number);
  constexpr std::uint64_t kRoot = Blocks::kNone;
  Words words(source, [&](std::uint64_t word, std::uint64_t at, std::uint64_t tag) {
    if (!target.contains(word) || (tag != kRoot && target.contains(at)) || leave_out()) return;
    if (tag != kRoot) {
      found.push_back({Reference::In::kBlock, at, word, blocks.at(tag), 0});
      return;
    }
    const pid_t thread = thread_of_stack(source, roots, at);
    found.push_back({thread != 0 ? Reference::In::kStack : Reference::In::kMemory, at, word, {}, thread});
  });
  for (const Range& range : roots.ranges) words.add(range, kRoot);
  blocks.for_live([&](std::size_t number) { words.add(blocks.at(number).range(), number); });
  words.finish();
  return found;
}

}  // namespace ashlar::reader

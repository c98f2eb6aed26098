// tool, reader: the roots of a scan for pointers.
#include "tool/reader/roots.h"

#include <algorithm>
#include <map>

#include "tool/reader/claims.h"

namespace ashlar::reader {

namespace {

constexpr std::uint64_t kRedZone = 128;  // below a stack pointer, that a function may use

// What is Ashlar's own, or full of blocks.
std::vector<Range> ranges_of_ashlar(const Model& model) {
  std::vector<Range> ours;
  for (const Arena& arena : model.arenas) ours.push_back(arena.range);
  for (const Zone& zone : model.zones) ours.push_back(zone.reserved);
  for (const Area& area : model.areas) ours.push_back(area);
  for (const Metadata& metadata : model.metadata) ours.push_back(metadata);
  const std::vector<Range>& image = model.in_program ? model.tables : model.image;
  ours.insert(ours.end(), image.begin(), image.end());
  return ours;
}

// The part of a thread's stack that is not in use: below its stack pointer down to an inaccessible page, or of the main
// one. Other stacks may have other data below them.
Range unused_stack(Source& source, const ThreadState& thread) {
  const Mapping* const mapping = source.mapping_at(thread.stack_pointer);
  if (mapping == nullptr || thread.stack_pointer < mapping->start + kRedZone) return {};
  const Mapping* const before = source.mapping_at(mapping->start - 1);
  const bool guarded = before != nullptr && !before->readable && !before->writable;
  if (mapping->name != "[stack]" && !guarded) return {};
  return {mapping->start, thread.stack_pointer - kRedZone};
}

std::vector<Range> unused_stacks(Source& source, const std::vector<ThreadState>& threads) {
  std::vector<Range> unused;
  std::map<std::uint64_t, std::size_t> by_start;  // of the mapping: how many stacks are in it
  for (const ThreadState& thread : threads) {
    const Range range = unused_stack(source, thread);
    if (range.start < range.end && ++by_start[range.start] == 1) unused.push_back(range);
  }
  std::erase_if(unused, [&](const Range& range) { return by_start[range.start] > 1; });
  return unused;
}

// Memory that was mapped several times is looked at once.
class Files {
 public:
  bool is_new(const Mapping& mapping) {
    return !mapping.shared || mapping.inode == 0 ||
           claims_[{mapping.inode, mapping.name}].claim(mapping.offset, mapping.bytes());
  }

 private:
  std::map<std::pair<std::uint64_t, std::string>, Claims> claims_;
};

// What was written to once and is read-only now holds pointers as well.
bool may_hold_pointers(const Source& source, const Mapping& mapping) {
  if (!mapping.readable || mapping.name.starts_with("[v")) return false;
  if (mapping.writable) return true;
  return source.is_core() ? mapping.inode == 0 : mapping.anonymous + mapping.swap != 0;
}

}  // namespace

std::size_t Roots::threads_in_part() const {
  return static_cast<std::size_t>(
      std::count_if(threads.begin(), threads.end(), [](const ThreadState& thread) { return !thread.whole; }));
}

Roots find_roots(Source& source, const Model& model, std::vector<ThreadState> threads) {
  Roots roots;
  roots.threads = std::move(threads);
  std::vector<Range> except = ranges_of_ashlar(model);
  const std::vector<Range> unused = unused_stacks(source, roots.threads);
  except.insert(except.end(), unused.begin(), unused.end());
  std::sort(except.begin(), except.end(), [](const Range& a, const Range& b) { return a.start < b.start; });
  Files files;
  std::size_t first = 0;
  for (const Mapping& mapping : source.mappings()) {
    if (!may_hold_pointers(source, mapping) || !files.is_new(mapping)) continue;
    std::uint64_t start = mapping.start;
    while (first < except.size() && except[first].end <= start) ++first;
    for (std::size_t i = first; i < except.size() && except[i].start < mapping.end; ++i) {
      if (start < except[i].start) roots.ranges.push_back({start, except[i].start});
      start = std::max(start, except[i].end);
    }
    if (start < mapping.end) roots.ranges.push_back({start, mapping.end});
  }
  return roots;
}

}  // namespace ashlar::reader

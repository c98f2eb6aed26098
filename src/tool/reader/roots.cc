// tool, reader: the roots of a scan for pointers.
#include "tool/reader/roots.h"

#include <algorithm>
#include <map>

#include "base/units.h"
#include "tool/reader/claims.h"
#include "tool/reader/root.h"

namespace ashlar::reader {

namespace {

constexpr std::uint64_t kRedZone = 128;  // bytes below the stack pointer that a function may use

// Adds Ashlar's variables in a program or another library, to the byte. They must not be roots, as they hold addresses
// at the edges of Ashlar's memory, where blocks may lie.
void add_variables(Source& source, const Model& model, std::vector<Range>& ours) {
  if (model.in_library || model.image.empty()) return;
  for (const format::TableInfo& table : find_root(source).root.tables) {
    const auto start = reinterpret_cast<std::uintptr_t>(table.start);
    const std::uint64_t end = start + std::uint64_t{table.stride} * table.count;
    if (start < end && start >= model.image.front().start && end <= model.image.back().end)
      ours.push_back({start, end});
  }
}

// Returns the memory that is Ashlar's own or holds blocks.
std::vector<Range> ranges_of_ashlar(Source& source, const Model& model) {
  std::vector<Range> ours;
  for (const Arena& arena : model.arenas) ours.push_back(arena.range);
  for (const Zone& zone : model.zones) ours.push_back(zone.reserved);
  for (const Area& area : model.areas) ours.push_back(area);
  for (const Metadata& metadata : model.metadata) ours.push_back(metadata);
  ours.insert(ours.end(), model.own_image().begin(), model.own_image().end());
  add_variables(source, model, ours);
  return ours;
}

// Returns the unused part of a thread's stack: the part below the stack pointer, if it is the main stack or ends at an
// inaccessible page. Other stacks may have other data below them. So may a mapping that is larger than a usual stack,
// as a program may cut it into stacks itself.
Range unused_stack(Source& source, const ThreadState& thread) {
  const Mapping* const mapping = source.mapping_at(thread.stack_pointer);
  if (mapping == nullptr || thread.stack_pointer < mapping->start + kRedZone) return {};
  const Mapping* const before = source.mapping_at(mapping->start - 1);
  constexpr std::uint64_t kMaxStack = 64_MiB;
  const bool guarded = before != nullptr && !before->readable && !before->writable && mapping->bytes() <= kMaxStack;
  if (mapping->name != "[stack]" && !guarded) return {};
  return {mapping->start, thread.stack_pointer - kRedZone};
}

std::vector<Range> unused_stacks(Source& source, const std::vector<ThreadState>& threads) {
  std::vector<Range> unused;
  std::map<std::uint64_t, std::size_t> by_start;  // by the start of a mapping: how many stacks are in it
  for (const ThreadState& thread : threads) {
    const Range range = unused_stack(source, thread);
    if (range.start < range.end && ++by_start[range.start] == 1) unused.push_back(range);
  }
  std::erase_if(unused, [&](const Range& range) { return by_start[range.start] > 1; });
  return unused;
}

// Makes sure that file memory with several mappings is read once only, from a mapping that has contents: a mapping that
// was never touched looks empty.
class Files {
 public:
  explicit Files(Source& source) : source_(source) {}

  // Calls each(start, end) with the parts of a mapping that no mapping before it had.
  template <class Each>
  void for_new_parts(const Mapping& mapping, Each each) {
    if (!mapping.shared || mapping.inode == 0) return each(mapping.start, mapping.end);
    const std::uint64_t to_file = mapping.offset - mapping.start;
    std::vector<Range> held;
    source_.contents(mapping, held);
    Claims& claims = claims_[{mapping.inode, mapping.name}];
    for (const Range& part : held) {
      claims.claim_rest(part.start + to_file, part.end + to_file,
                        [&](std::uint64_t start, std::uint64_t end) { each(start - to_file, end - to_file); });
    }
  }

 private:
  Source& source_;
  std::map<std::pair<std::uint64_t, std::string>, Claims> claims_;
};

// Memory that was written to and is read-only now may hold pointers as well. In a core file, all contents may.
bool may_hold_pointers(const Source& source, const Mapping& mapping) {
  if (!mapping.readable || mapping.name.starts_with("[v")) return false;
  if (mapping.writable) return true;
  return source.is_core() || mapping.anonymous + mapping.swap != 0;
}

}  // namespace

std::size_t Roots::threads_in_part() const {
  return static_cast<std::size_t>(
      std::count_if(threads.begin(), threads.end(), [](const ThreadState& thread) { return !thread.whole; }));
}

Roots find_roots(Source& source, const Model& model, std::vector<ThreadState> threads) {
  Roots roots;
  roots.threads = std::move(threads);
  std::vector<Range> except = ranges_of_ashlar(source, model);
  const std::vector<Range> unused = unused_stacks(source, roots.threads);
  except.insert(except.end(), unused.begin(), unused.end());
  std::sort(except.begin(), except.end(), [](const Range& a, const Range& b) { return a.start < b.start; });
  Files files(source);
  std::size_t first = 0;
  const auto add = [&](std::uint64_t start, std::uint64_t end) {
    while (first < except.size() && except[first].end <= start) ++first;
    for (std::size_t i = first; i < except.size() && except[i].start < end; ++i) {
      if (start < except[i].start) roots.ranges.push_back({start, except[i].start});
      start = std::max(start, except[i].end);
    }
    if (start < end) roots.ranges.push_back({start, end});
  };
  for (const Mapping& mapping : source.mappings()) {
    if (may_hold_pointers(source, mapping)) files.for_new_parts(mapping, add);
  }
  // what lies in heaps that the program made, where its Ashlar does not tell their blocks from each other
  if (find_root(source).has(format::Field::kRealmSlabFree)) return roots;
  for (const Arena& arena : model.arenas) {
    for (const Block& block : arena.blocks) {
      if (block.of_heap) roots.ranges.push_back({block.start, block.end()});
    }
  }
  return roots;
}

}  // namespace ashlar::reader

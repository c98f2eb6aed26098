// tool, reader: residence, and the figures of smaps.
#include "tool/reader/residence.h"

#include <algorithm>

#include "base/units.h"

namespace ashlar::reader {

bool Residence::read(Source& source, const std::vector<Range>& ranges) {
  stretches_.clear();
  known_ = true;
  std::uint64_t behind = 0;
  for (const Range& range : ranges) {
    const Range rest{std::max(range.start, behind), range.end};
    if (rest.start >= rest.end) continue;
    behind = range.end;
    if (!source.pages(rest, stretches_)) {
      known_ = false;
      stretches_.clear();
      return false;
    }
  }
  return true;
}

std::size_t Residence::first_at(std::uint64_t address) const {
  const auto fits = [&](std::size_t i) {
    return (i == 0 || stretches_[i - 1].end <= address) && (i == stretches_.size() || stretches_[i].end > address);
  };
  for (std::size_t i = last_; i <= stretches_.size() && i < last_ + 3; ++i) {
    if (fits(i)) return last_ = i;
  }
  const auto found = std::upper_bound(stretches_.begin(), stretches_.end(), address,
                                      [](std::uint64_t a, const PageStretch& stretch) { return a < stretch.end; });
  return last_ = static_cast<std::size_t>(found - stretches_.begin());
}

std::uint64_t Residence::resident(const Range& range) const {
  if (range.start >= range.end) return 0;
  if (!known_) return range.bytes();
  std::uint64_t sum = 0;
  for_resident(range, [&](const Range& part) { sum += part.bytes(); });
  return sum;
}

std::uint64_t Residence::swapped() const {
  std::uint64_t sum = 0;
  for (const PageStretch& stretch : stretches_) {
    if (stretch.state == PageStretch::State::kSwapped) sum += stretch.bytes();
  }
  return sum;
}

namespace {

// Returns whether a mapping is one of glibc's arenas, other than the main one. Such an arena reserves HEAP_MAX_SIZE
// (64 MiB) at a multiple of that size, has an inaccessible rest, and starts with a header (malloc/arena.c, heap_info).
// The header is checked, as other software reserves memory in the same way, for instance Java's collectors.
bool is_glibc_arena(Source& source, std::size_t i) {
  constexpr std::uint64_t kHeapMax = 64_MiB;
  const auto& mappings = source.mappings();
  const Mapping& m = mappings[i];
  if (!m.writable || m.shared || m.inode != 0 || !m.name.empty() || m.start % kHeapMax != 0 || m.bytes() > kHeapMax) {
    return false;
  }
  if (m.bytes() == kHeapMax) return false;  // without an inaccessible rest it may be anything
  const bool reserved = i + 1 < mappings.size() && mappings[i + 1].start == m.end && !mappings[i + 1].readable &&
                        mappings[i + 1].end >= m.start + kHeapMax;
  if (!reserved) return false;
  struct {
    std::uint64_t arena, previous, size, accessible;
  } head;
  std::vector<PageStretch> first;
  if (source.pages({m.start, m.start + sizeof head}, first) && first.empty()) return false;
  if (!source.read(m.start, &head, sizeof head)) return false;
  // an arena directly follows the header of its first heap
  const bool has_arena = head.arena % 16 == 0 && head.arena % kHeapMax >= sizeof head && head.arena % kHeapMax < 4096;
  return has_arena && head.previous % kHeapMax == 0 && head.size <= head.accessible && head.accessible == m.bytes();
}

}  // namespace

std::string kind_of(Source& source, std::size_t i) {
  const auto& mappings = source.mappings();
  const Mapping& m = mappings[i];
  if (m.name == "[heap]") return "brk heap";
  if (m.name.starts_with("[stack")) return "main stack";
  if (m.name.starts_with("[v")) return "kernel pages (vdso)";
  if (m.shared) return "shared memory and shared files";
  if (m.inode != 0 && !m.name.empty())
    return m.anonymous == m.rss && m.rss != 0 ? "data of programs and libraries" : "programs and libraries";
  if (is_glibc_arena(source, i)) return "glibc arenas";
  // the .bss that follows a file's data
  if (i > 0 && mappings[i - 1].end == m.start && mappings[i - 1].writable && mappings[i - 1].inode != 0) {
    return "data of programs and libraries";
  }
  return "other anonymous memory (thread stacks, the program's own mappings)";
}

Reconciled reconcile_smaps(Source& source, const std::vector<Range>& ours) {
  Reconciled r;
  const auto& mappings = source.mappings();
  std::size_t first = 0;
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    const Mapping& m = mappings[i];
    const std::uint64_t rss = m.rss + m.hugetlb;
    r.process_rss += rss;
    r.process_swap += m.swap;
    while (first < ours.size() && ours[first].end <= m.start) ++first;
    std::uint64_t covered = 0, at = m.start;
    std::vector<Range> gaps;
    for (std::size_t k = first; k < ours.size() && ours[k].start < m.end; ++k) {
      const std::uint64_t start = std::max(at, ours[k].start), end = std::min(m.end, ours[k].end);
      if (start >= end) continue;
      if (start > at) gaps.push_back({at, start});
      covered += end - start;
      at = end;
    }
    if (covered == 0) {
      if (rss != 0) r.others[kind_of(source, i)] += rss;
      continue;
    }
    // the kernel merges adjacent mappings with equal attributes, so gaps between Ashlar's ranges are the program's
    if (at < m.end) gaps.push_back({at, m.end});
    std::uint64_t foreign = 0;
    Residence gap_pages;
    if (!gaps.empty() && gap_pages.read(source, gaps)) {
      for (const Range& gap : gaps) foreign += gap_pages.resident(gap);
    }
    foreign = std::min(foreign, rss);
    r.ashlar_rss += rss - foreign;
    r.huge += m.anon_huge;
    r.hugetlb += m.hugetlb;
    if (foreign != 0) r.others[kind_of(source, i)] += foreign;
  }
  return r;
}

}  // namespace ashlar::reader

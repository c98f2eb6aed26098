// tool, reader: which pages are resident.
#include "tool/reader/pagemap.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace ashlar::reader {

namespace {

// From linux/fs.h of Linux 6.7 (Documentation/admin-guide/mm/pagemap.rst). The headers of Debian 12 lack it.
struct ScanArguments {
  std::uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  std::uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
struct PageRegion {
  std::uint64_t start, end, categories;
};
constexpr std::uint64_t kPresent = 1 << 3, kSwapped = 1 << 4, kZeroPage = 1 << 5;
constexpr auto kPagemapScan = _IOWR('f', 16, ScanArguments);

// Bits of an entry: present, swapped.
constexpr std::uint64_t kEntryPresent = std::uint64_t{1} << 63, kEntrySwapped = std::uint64_t{1} << 62;

void append(std::vector<PageStretch>& into, Range range, PageStretch::State state) {
  if (!into.empty() && into.back().end == range.start && into.back().state == state) into.back().end = range.end;
  else into.push_back({range, state});
}

}  // namespace

Pagemap::Pagemap(pid_t pid) : file_(File::kernel("/proc/" + std::to_string(pid) + "/pagemap")) {}

bool Pagemap::scan(Range range, std::vector<PageStretch>& into) {
  PageRegion regions[512];
  for (std::uint64_t at = range.start; at < range.end;) {
    ScanArguments a{};
    a.size = sizeof a;
    a.start = at;
    a.end = range.end;
    a.vec = reinterpret_cast<std::uintptr_t>(regions);
    a.vec_len = std::size(regions);
    a.category_anyof_mask = kPresent | kSwapped;
    a.return_mask = kPresent | kSwapped | kZeroPage;
    const int n = ioctl(file_.get(), kPagemapScan, &a);
    if (n < 0) return false;
    for (const PageRegion& region : std::span(regions, static_cast<std::size_t>(n))) {
      const auto state = (region.categories & kZeroPage) != 0  ? PageStretch::State::kZero
                         : (region.categories & kPresent) != 0 ? PageStretch::State::kResident
                                                               : PageStretch::State::kSwapped;
      append(into, {region.start, region.end}, state);
    }
    if (a.walk_end <= at) break;
    at = a.walk_end;
  }
  return true;
}

bool Pagemap::entries(Range range, std::vector<PageStretch>& into) {
  const auto os_page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::vector<std::uint64_t> chunk(65536);
  const std::uint64_t end = (range.end + os_page - 1) / os_page;
  for (std::uint64_t page = range.start / os_page; page < end;) {
    const std::size_t wanted = std::min<std::uint64_t>(chunk.size(), end - page) * sizeof chunk[0];
    const ssize_t got = pread(file_.get(), chunk.data(), wanted, static_cast<off_t>(page * sizeof chunk[0]));
    if (got <= 0) return false;
    const std::size_t n = static_cast<std::size_t>(got) / sizeof chunk[0];
    for (std::size_t i = 0; i < n; ++i, ++page) {
      const std::uint64_t entry = chunk[i];
      if ((entry & (kEntryPresent | kEntrySwapped)) == 0) continue;
      append(into, {page * os_page, (page + 1) * os_page},
             (entry & kEntryPresent) != 0 ? PageStretch::State::kResident : PageStretch::State::kSwapped);
    }
    if (n == 0) break;
  }
  return true;
}

bool Pagemap::stretches(Range range, std::vector<PageStretch>& into) {
  if (!file_) return false;
  const std::size_t before = into.size();
  if (can_scan_) {
    if (scan(range, into)) return true;
    into.resize(before);
    if (errno != ENOTTY && errno != EINVAL) return false;
    can_scan_ = false;
  }
  return entries(range, into);
}

}  // namespace ashlar::reader

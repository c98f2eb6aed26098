// tool, reader: physical frames.
#include "tool/reader/frame.h"

#include <unistd.h>

#include "tool/reader/file.h"

namespace ashlar::reader {

namespace {

bool read_entry(const std::string& path, std::uint64_t index, std::uint64_t& entry) {
  const File file = File::kernel(path);
  return file && file.read_at(static_cast<off_t>(index * sizeof entry), &entry, sizeof entry);
}

// include/uapi/linux/kernel-page-flags.h, by bit
constexpr const char* kFlags[] = {"locked",      "error",     "referenced", "uptodate",      "dirty",         "lru",
                                  "active",      "slab",      "writeback",  "reclaim",       "buddy",         "mmap",
                                  "anon",        "swapcache", "swapbacked", "compound_head", "compound_tail", "huge",
                                  "unevictable", "hwpoison",  "nopage",     "ksm",           "thp",           "offline",
                                  "zero_page",   "idle",      "pgtable"};

}  // namespace

Frame frame_of(pid_t pid, std::uint64_t address) {
  Frame frame;
  frame.state = "unknown";
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::uint64_t entry = 0;
  if (!read_entry("/proc/" + std::to_string(pid) + "/pagemap", address / page, entry)) return frame;
  if ((entry >> 62 & 1) != 0) frame.state = "swapped out";
  else if ((entry >> 63) == 0) frame.state = "not touched";
  else frame.state = (entry >> 61 & 1) != 0 ? "resident, of a file or shared" : "resident";
  if ((entry >> 63) == 0) return frame;
  frame.number = entry & ((std::uint64_t{1} << 55) - 1);
  std::uint64_t flags = 0;
  if (frame.number == 0 || !read_entry("/proc/kpageflags", frame.number, flags)) return frame;
  for (unsigned bit = 0; bit < std::size(kFlags); ++bit) {
    if ((flags >> bit & 1) != 0) frame.flags += (frame.flags.empty() ? "" : " ") + std::string(kFlags[bit]);
  }
  return frame;
}

}  // namespace ashlar::reader

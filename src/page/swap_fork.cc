// page: swap areas and fork. The mappings are shared with the file, so a child does not inherit them (MADV_DONTFORK):
// a write of the child would be its parent's. The thread that forks copies what the areas hold to files of the child's
// before, and the child maps those in their place. A child that shares its parent's memory (vfork, posix_spawn) runs
// none of this.
#include <cstring>

#include "base/hints.h"
#include "base/text.h"
#include "page/swap_area.h"

namespace ashlar::page {

namespace {

// Forks within a fork, by a signal handler: only the outermost one's child has areas.
constinit unsigned copies_under_way = 0;
constinit unsigned copies_made = 0;

[[gnu::cold]] void tell(const SwapArea& area, int error) {
  Text<400> line;
  const std::string_view path(area.path);
  line << "fork: no copy of the swap area " << first(path, 200) << " for the child, which lacks what lies there: ";
  if (const std::string_view reason = os::text_of(error); !reason.empty()) line << reason;
  else line << "errno " << static_cast<std::uint64_t>(error);
  os::say(line.view());
}

// In a folder any number of files has no name; else each has one of its own for a moment.
void name_copy(SwapArea& area) {
  Text<64> suffix;
  if (area.kind == os::SwapFileKind::kKept || !os::is_special_file(area.path))
    suffix << "." << std::uint64_t{os::process_number()} << "." << std::uint64_t{++copies_made};
  const std::size_t length = std::strlen(area.path);
  std::memcpy(area.copy_path, area.path, length);
  std::memcpy(area.copy_path + length, suffix.view().data(), suffix.view().size());
  area.copy_path[length + suffix.view().size()] = 0;
}

int copy_pages(SwapArea& area, const Arena& arena) {
  for (PageIndex at = arena.find(PageIndex(), arena.end(), true); at < arena.end();) {
    const PageIndex stop = arena.find(at, arena.end(), false);
    const std::uintptr_t start = arena.address_of(at);
    const std::size_t bytes = PageCount(stop - at).bytes();
    if (const int error =
            os::copy_swap(area.file, area.copy, start - area.base, bytes, reinterpret_cast<const void*>(start)))
      return error;
    at = arena.find(stop, arena.end(), true);
  }
  return 0;
}

// Under a key of its own, where its parent's has one.
os::SwapFileKind kind_of_copy(const SwapArea& area) {
  return area.kind == os::SwapFileKind::kEncrypted ? area.kind : os::SwapFileKind::kNameless;
}

int copy_area(SwapArea& area) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  name_copy(area);
  if (const int error = os::make_swap_file(area.copy_path, area.bytes, kind_of_copy(area), area.copy)) return error;
  for (unsigned i = 0; i < arena_table.count; ++i) {
    if (arenas[i].zone != &area.zone) continue;
    if (const int error = copy_pages(area, arenas[i])) return error;
  }
  return 0;
}

void drop_copy(SwapArea& area) {
  if (area.copy.number >= 0) os::close_swap_file(area.copy);
  area.copy = {};
}

// The child's file in the place of its parent's, or nothing there: no other mapping may get the address.
void take_copy(SwapArea& area) {
  const os::SwapFile parents = area.file;
  void* const base = reinterpret_cast<void*>(area.base);
  area.file = area.copy;
  area.copy = {};
  if (area.file.number < 0 || os::map_swap_file(area.file, base, area.bytes) != 0) {
    os::seal(base, area.bytes);
    drop_copy(area);
    area.key.store(-1, std::memory_order_relaxed);
    area.lost = true;
    swap_table.on.fetch_sub(1, std::memory_order_relaxed);
  }
  area.kind = kind_of_copy(area);
  os::close_swap_file(parents);
}

}  // namespace

void lock_swap_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { swap_table.lock.lock_beside_same_rank(); }
void unlock_swap_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { swap_table.lock.unlock(); }
void reset_swap_in_child() { swap_table.lock.reset(); }

[[gnu::cold]] void copy_swap_for_fork() {
  if (copies_under_way++ != 0) return;
  for_swap_areas([](SwapArea& area) {
    if (!area.is_on()) return;
    if (const int error = copy_area(area)) {
      drop_copy(area);
      tell(area, error);
    }
  });
}

[[gnu::cold]] void end_swap_copies_in_parent() {
  if (copies_under_way == 0 || --copies_under_way != 0) return;
  for_swap_areas(drop_copy);
}

[[gnu::cold]] void take_swap_copies_in_child() {
  const bool nested = copies_under_way > 1;
  copies_under_way = 0;
  for_swap_areas([&](SwapArea& area) {
    if (!area.is_on()) return;
    if (nested) drop_copy(area);
    take_copy(area);
  });
}

}  // namespace ashlar::page

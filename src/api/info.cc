// api: mallopt, mallinfo, malloc_info, malloc_stats and malloc_trim.
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>

#include "api/api.h"
#include "base/utf8.h"
#include "heap/quiet.h"
#include "stats/stats.h"

#ifndef M_TRIM_THRESHOLD  // musl has no mallopt; these are glibc's numbers
enum : int {
  M_MXFAST = 1,
  M_TRIM_THRESHOLD = -1,
  M_TOP_PAD = -2,
  M_MMAP_THRESHOLD = -3,
  M_MMAP_MAX = -4,
  M_CHECK_ACTION = -5,
  M_PERTURB = -6,
  M_ARENA_TEST = -7,
  M_ARENA_MAX = -8
};
#endif

namespace ashlar::api {

namespace {

int clip(std::size_t n) { return n > INT_MAX ? INT_MAX : static_cast<int>(n); }

bool set_option(std::uint64_t place, int value) {
  for (const OptionInfo& info : option_table()) {
    if (info.place != place) continue;
    // -1 is "never" (mallopt(3)); a value below an option's minimum becomes the minimum
    const auto n = value == -1 ? info.max : static_cast<std::uint64_t>(value);
    if (value < -1 || n > info.max) return false;
    value_of(info, options) = n < info.min ? info.min : n;
    origin_of(info, options) = Origin::kMallopt;
  }
  return true;
}

void write_sizes(std::FILE* out, const stats::Snapshot& s) {
  std::fputs("<sizes>\n", out);
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    const slab::CacheCounts& n = s.caches[c];
    const std::uint64_t free = n.capacity - s.live_objects(c);
    if (n.slabs == 0 || free == 0) continue;
    std::fprintf(out, "  <size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"/>\n",
                 slab::size_of(SizeClass(c - 1)) + 1, n.object_size, static_cast<std::size_t>(free) * n.object_size,
                 static_cast<std::size_t>(free));
  }
  stats::for_named([out](const char*, const stats::NamedCounts& n) {
    const auto free = static_cast<std::size_t>(n.magazines + n.depot + n.slab_free);
    const auto size = static_cast<std::size_t>(n.object_size);
    if (free == 0) return;
    std::fprintf(out, "  <size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"/>\n", size, size, free * size, free);
  });
  std::fputs("</sizes>\n", out);
}

// Writes a name as the value of an XML attribute. Names have no control characters.
void write_name(std::FILE* out, std::string_view name) {
  for_utf8(name, [out](std::string_view piece, bool valid) {
    if (piece == "&") piece = "&amp;";
    else if (piece == "<") piece = "&lt;";
    else if (piece == ">") piece = "&gt;";
    else if (piece == "\"") piece = "&quot;";
    else if (!valid) piece = kReplacement;
    std::fwrite(piece.data(), 1, piece.size(), out);
  });
}

// Writes the named caches, which glibc does not have: the names of those that share slabs, and numbers of objects.
void write_caches(std::FILE* out) {
  std::fputs("<caches>\n", out);
  stats::for_named([out](const char* names, const stats::NamedCounts& n) {
    std::fputs("  <cache name=\"", out);
    write_name(out, names);
    std::fprintf(out, "\" size=\"%zu\" live=\"%zu\" free=\"%zu\" slabs=\"%zu\" total=\"%zu\"",
                 static_cast<std::size_t>(n.object_size), static_cast<std::size_t>(n.live),
                 static_cast<std::size_t>(n.magazines + n.depot + n.slab_free), static_cast<std::size_t>(n.slabs),
                 static_cast<std::size_t>(n.slab_bytes));
    if (const auto letters = stats::letters_of(n.checks); !letters.view().empty())
      std::fprintf(out, " checks=\"%.*s\"", static_cast<int>(letters.view().size()), letters.view().data());
    std::fputs("/>\n", out);
  });
  std::fputs("</caches>\n", out);
}

std::size_t cached_count(const stats::Snapshot& s) {
  auto n = static_cast<std::size_t>(s.named_cached_objects);
  for (unsigned c = 1; c < slab::kClasses; ++c) n += s.cached_objects(c);
  return n;
}

std::size_t slab_free_count(const stats::Snapshot& s) {
  auto n = static_cast<std::size_t>(s.named_free_objects);
  for (unsigned c = 1; c < slab::kClasses; ++c) n += s.caches[c].capacity - s.caches[c].out;
  return n;
}

void write_totals(std::FILE* out, const stats::Snapshot& s) {
  const std::size_t used = s.live() + s.slab_cached();
  const std::size_t rest = s.held() > used ? s.held() - used : 0;  // while threads run, the figures may not match
  std::fprintf(out, "<total type=\"fast\" count=\"%zu\" size=\"%zu\"/>\n", cached_count(s), s.slab_cached());
  std::fprintf(out, "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n",
               slab_free_count(s) + static_cast<std::size_t>(s.zone.free_blocks), rest);
}

void write_system(std::FILE* out, const stats::Snapshot& s) {
  std::fprintf(out, "<system type=\"current\" size=\"%zu\"/>\n<system type=\"max\" size=\"%zu\"/>\n", s.held(),
               s.max_held() > s.held() ? s.max_held() : s.held());
  std::fprintf(out, "<aspace type=\"total\" size=\"%zu\"/>\n<aspace type=\"mprotect\" size=\"%zu\"/>\n",
               s.zone.present.bytes(), s.zone.present.bytes());
}

}  // namespace

namespace {

// -1 and values above the option's range mean the end of the range: larger blocks have mappings of their own anyway.
int set_mmap_threshold(int value) {
  constexpr int kMin = 64_KiB, kMax = 32_MiB;
  if (value >= 0 && value < kMin) return 0;
  return set_option(offsetof(Options, mmap_threshold), value > kMax ? -1 : value) ? 1 : 0;
}

// glibc fills with the low byte of any value other than 0, so 256 means the byte 0.
int set_perturb(int value) {
  constexpr std::uint64_t kByteZero = 256;
  const auto byte = static_cast<std::uint64_t>(value & 0xff);
  options.perturb = value != 0 && byte == 0 ? kByteZero : byte;
  for (const OptionInfo& info : option_table()) {
    if (info.place == offsetof(Options, perturb)) origin_of(info, options) = Origin::kMallopt;
  }
  const heap::Entry entry;
  heap::options_changed();
  return 1;
}

// Real-time programs set -1: then no memory is returned, not by age either.
int set_trim_threshold(int value) {
  if (value == -1) set_option(offsetof(Options, decay_ms), -1);
  return set_option(offsetof(Options, dirty_min), value) ? 1 : 0;
}

}  // namespace

int mallopt(int parameter, int value) {
  constexpr int kMaxFast = 160;  // glibc's MAX_FAST_SIZE
  switch (parameter) {
    case M_TRIM_THRESHOLD: return set_trim_threshold(value);
    case M_MMAP_THRESHOLD: return set_mmap_threshold(value);
    case M_MMAP_MAX: return value != 0 ? 1 : set_mmap_threshold(-1);
    case M_PERTURB: return set_perturb(value);
    case M_MXFAST: return value >= 0 && value <= kMaxFast ? 1 : 0;
    case M_ARENA_MAX:
    case M_ARENA_TEST:
    case M_TOP_PAD:
    case M_CHECK_ACTION: return 1;
    default: return 0;
  }
}

struct mallinfo2 mallinfo2() {
  const stats::Snapshot s = stats::snapshot();
  struct mallinfo2 info = {};
  info.arena = s.held();
  info.ordblks = slab_free_count(s) + static_cast<std::size_t>(s.zone.free_blocks);
  info.smblks = cached_count(s);
  info.hblks = static_cast<std::size_t>(s.vmalloc.areas);
  info.hblkhd = s.vmalloc.bytes;
  info.fsmblks = s.slab_cached();
  info.uordblks = s.live();
  if (info.arena < info.uordblks) info.arena = info.uordblks;  // while threads run, the figures may not match
  info.fordblks = info.arena - info.uordblks;
  info.keepcost = s.zone.dirty_free.bytes();
  return info;
}

struct mallinfo mallinfo() {
  const struct mallinfo2 wide = api::mallinfo2();
  struct mallinfo info = {};
  info.arena = clip(wide.arena);
  info.ordblks = clip(wide.ordblks);
  info.smblks = clip(wide.smblks);
  info.hblks = clip(wide.hblks);
  info.hblkhd = clip(wide.hblkhd);
  info.fsmblks = clip(wide.fsmblks);
  info.uordblks = clip(wide.uordblks);
  info.fordblks = clip(wide.fordblks);
  info.keepcost = clip(wide.keepcost);
  return info;
}

int malloc_info(int flags, std::FILE* stream) {
  if (flags != 0) return EINVAL;
  const stats::Snapshot s = stats::snapshot();
  std::fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n", stream);
  write_sizes(stream, s);
  write_caches(stream);
  write_totals(stream, s);
  write_system(stream, s);
  std::fputs("</heap>\n", stream);
  write_totals(stream, s);
  std::fprintf(stream, "<total type=\"mmap\" count=\"%zu\" size=\"%zu\"/>\n", static_cast<std::size_t>(s.vmalloc.areas),
               s.vmalloc.bytes);
  write_system(stream, s);
  std::fputs("</malloc>\n", stream);
  return 0;
}

void malloc_stats() { stats::report(); }

int malloc_trim() {
  const heap::Entry entry;
  heap::shrink();
  const heap::Uninterrupted uninterrupted;
  return page::reclaim_all() ? 1 : 0;
}

int stats_snapshot(struct ashlar_stats* out, std::size_t size) {
  constexpr std::size_t kHead = offsetof(ashlar_stats, live_slab);  // version and size
  if (out == nullptr || size < kHead) return EINVAL;
  ashlar_stats all;
  stats::fill(all);
  if (size < all.size) all.size = static_cast<std::uint32_t>(size);
  std::memcpy(out, &all, all.size);
  return 0;
}

}  // namespace ashlar::api

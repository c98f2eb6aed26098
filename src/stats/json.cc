// stats: the figures as in include/ashlar/ashlar.h, and the same as JSON.
#include <new>

#include "base/utf8.h"
#include "stats/stats.h"

namespace ashlar::stats {

namespace {

static_assert(slab::kClasses - 1 <= ASHLAR_STATS_CACHES, "every size class has a place in ashlar_stats");

// Names are stored in the tables themselves: pointers would be relocated at the start of every process.
template <class Struct>
struct Field {
  char name[16];
  std::uint64_t Struct::*value;
};

constexpr Field<ashlar_stats> kFields[] = {
    {"live_slab", &ashlar_stats::live_slab},
    {"live_runs", &ashlar_stats::live_runs},
    {"live_vmalloc", &ashlar_stats::live_vmalloc},
    {"magazines", &ashlar_stats::magazines},
    {"depot", &ashlar_stats::depot},
    {"slab_free", &ashlar_stats::slab_free},
    {"dirty_free", &ashlar_stats::dirty_free},
    {"clean_free", &ashlar_stats::clean_free},
    {"purged", &ashlar_stats::purged},
    {"peak", &ashlar_stats::peak},
    {"metadata", &ashlar_stats::metadata},
    {"vmalloc_blocks", &ashlar_stats::vmalloc_blocks},
    {"threads", &ashlar_stats::threads},
};

constexpr Field<ashlar_cache_stats> kCacheFields[] = {
    {"object_size", &ashlar_cache_stats::object_size}, {"live", &ashlar_cache_stats::live},
    {"magazines", &ashlar_cache_stats::magazines},     {"depot", &ashlar_cache_stats::depot},
    {"slab_free", &ashlar_cache_stats::slab_free},     {"slabs", &ashlar_cache_stats::slabs},
    {"slab_bytes", &ashlar_cache_stats::slab_bytes},
};

// A line that is written when it is complete or the buffer is nearly full. Most reports are one write(2), so that lines
// of other processes do not mix with them. The buffer is static, since the thread that exits may have a small stack.
constexpr std::size_t kBuffer = 8_KiB, kLongestPart = 512;
using Line = Text<kBuffer>;
[[ASHLAR_SPARSE]] alignas(Line) constinit char line_storage[sizeof(Line)];
[[ASHLAR_SPARSE]] constinit ashlar_stats figures{};

void write_if_full(Line& line) {
  if (line.view().size() + kLongestPart <= kBuffer) return;
  os::write_error(line.view());
  line.clear();
}

template <class Struct, std::size_t N>
void add_fields(Line& line, const Field<Struct> (&fields)[N], const Struct& values) {
  for (const Field<Struct>& field : fields) line << ",\"" << field.name << "\":" << values.*field.value;
}

// Appends the name of a named cache, which has no control characters. Quotes and backslashes are escaped. Bytes that
// are not UTF-8 are replaced, since JSON cannot contain them. The ashlar command does the same.
void add_escaped(Line& line, std::string_view text) {
  for_utf8(text, [&](std::string_view piece, bool valid) {
    if (piece == "\"" || piece == "\\") line << "\\";
    line << (valid ? piece : kReplacement);
  });
}

void add_caches(Line& line) {
  line << ",\"caches\":[";
  bool more = false;
  for (std::uint32_t i = 0; i < figures.cache_count; ++i) {
    const ashlar_cache_stats& cache = figures.caches[i];
    if (cache.slabs == 0) continue;
    write_if_full(line);
    line << (more ? ",{" : "{") << "\"name\":\"malloc-" << cache.object_size << "\"";
    add_fields(line, kCacheFields, cache);
    line << "}";
    more = true;
  }
  for_named([&](const char* name, const NamedCounts& n) {
    write_if_full(line);
    const ashlar_cache_stats cache{n.object_size, n.live, n.magazines, n.depot, n.slab_free, n.slabs, n.slab_bytes};
    line << (more ? ",{" : "{") << "\"name\":\"";
    add_escaped(line, name);
    line << "\"";
    add_fields(line, kCacheFields, cache);
    if (n.checks != 0) line << ",\"checks\":\"" << letters_of(n.checks).view() << "\"";
    line << "}";
    more = true;
  });
  line << "]";
}

void fill_cache(const Snapshot& s, unsigned c, ashlar_cache_stats& out) {
  const slab::CacheCounts& n = s.caches[c];
  out.object_size = slab::size_of(SizeClass(c));
  out.live = s.live_objects(c);
  out.magazines = s.magazine_objects(c);
  out.depot = s.depot_objects(c);
  out.slab_free = n.capacity - n.out;
  out.slabs = n.slabs;
  out.slab_bytes = PageCount(n.pages).bytes();
}

}  // namespace

void fill(ashlar_stats& out) {
  const Snapshot s = snapshot();
  out = ashlar_stats{};
  out.version = ASHLAR_STATS_VERSION;
  out.size = sizeof out;
  out.live_runs = s.run_pages();
  out.live_vmalloc = s.vmalloc.bytes;
  out.dirty_free = s.zone.dirty_free.bytes();
  out.clean_free = (s.zone.free - s.zone.dirty_free).bytes();
  out.purged = PageCount(s.zone.purged_pages).bytes();
  out.peak = s.max_held();
  out.metadata = s.zone.metadata_bytes;
  out.vmalloc_blocks = s.vmalloc.areas;
  out.threads = s.heaps.heaps;
  out.cache_count = slab::kClasses - 1;
  out.pressure = static_cast<std::uint32_t>(page::signals.pressure.load(std::memory_order_relaxed));
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    ashlar_cache_stats& cache = out.caches[c - 1];
    fill_cache(s, c, cache);
    out.live_slab += cache.live * cache.object_size;
    out.magazines += cache.magazines * cache.object_size;
    out.depot += cache.depot * cache.object_size;
  }
  out.live_slab += s.named.live;
  out.magazines += s.named.magazines;
  out.depot += s.named.depot;
  out.live_slab += s.slob.live_bytes;
  const std::uint64_t outside = out.live_slab + out.magazines + out.depot, slabs = s.slab_pages();
  out.slab_free = slabs > outside ? slabs - outside : 0;
}

void report_json() {
  fill(figures);
  Line& line = *new (line_storage) Line;
  line << "{\"allocator\":\"ashlar\",\"version\":\"" ASHLAR_VERSION "\",\"format\":" << figures.version
       << ",\"process\":" << std::uint64_t{os::process_number()};
  add_fields(line, kFields, figures);
  add_caches(line);
  line << "}\n";
  os::write_error(line.view());
}

}  // namespace ashlar::stats

// stats: the snapshot and the report.
#include "stats/stats.h"

#include "heap/quiet.h"
#include "page/hugetlb.h"

namespace ashlar::stats {

namespace {

template <class Value>
std::size_t sum_over_classes(Value value) {
  std::size_t sum = 0;
  for (unsigned c = 1; c < slab::kClasses; ++c) sum += value(c);
  return sum;
}

using Line = Text<200>;

void line_of_sizes(std::string_view name, std::size_t bytes, std::string_view what) {
  Line line;
  line << name;
  for (std::size_t i = name.size(); i < 12; ++i) line << " ";
  line.column(bytes >> 10, 10) << " KiB  " << what;
  os::say(line.view());
}

void lines_of_classes(const Snapshot& s) {
  os::say("class       size      live    cached  in slabs  slabs       KiB");
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    const slab::CacheCounts& n = s.caches[c];
    if (n.slabs == 0) continue;
    Line line;
    line.column(c, 5).column(n.object_size, 11).column(s.live_objects(c), 10).column(s.cached_objects(c), 10);
    line.column(n.capacity - n.out, 10).column(n.slabs, 7).column(n.pages << (kPageShift - 10), 10);
    os::say(line.view());
  }
  for_named([](const char* name, const NamedCounts& n) {
    Line line;
    line << "named";
    line.column(n.object_size, 11).column(n.live, 10).column(n.magazines + n.depot, 10).column(n.slab_free, 10);
    line.column(n.slabs, 7).column(n.slab_bytes >> 10, 10) << "  " << name;
    if (n.checks != 0) line << "  checks=" << letters_of(n.checks).view();
    os::say(line.view());
  });
}

}  // namespace

// Counts are taken one after another, so in a busy process more objects may appear free than were out.
std::uint64_t Snapshot::depot_objects(unsigned c) const {
  return caches[c].depot_objects < caches[c].out ? caches[c].depot_objects : caches[c].out;
}

std::uint64_t Snapshot::magazine_objects(unsigned c) const {
  const std::uint64_t rest = caches[c].out - depot_objects(c);
  return heaps.cached[c] < rest ? heaps.cached[c] : rest;
}

std::uint64_t Snapshot::live_objects(unsigned c) const { return caches[c].out - cached_objects(c); }

std::size_t Snapshot::slab_live() const {
  return slob.live_bytes + named.live +
         sum_over_classes([&](unsigned c) { return live_objects(c) * caches[c].object_size; });
}

std::size_t Snapshot::slab_cached() const {
  return named.magazines + named.depot +
         sum_over_classes([&](unsigned c) { return cached_objects(c) * caches[c].object_size; });
}

std::size_t Snapshot::slab_pages() const {
  return slob.pages.bytes() + named.slab_bytes +
         sum_over_classes([&](unsigned c) { return PageCount(caches[c].pages).bytes(); });
}

std::size_t Snapshot::run_pages() const {
  const std::size_t live = zone.live().bytes() + mapped_spans, others = slab_pages() + freed_runs;
  return live > others ? live - others : 0;
}

std::size_t Snapshot::held() const { return (zone.live() + zone.dirty_free).bytes() + mapped_spans; }

namespace {

void add_checked(NamedCounts& counts, CacheNumber number) {
  const check::ObjectCounts n = check::named_counts(number);
  if (n.spans == 0) return;
  counts.live += n.live;
  counts.slab_free += n.free;
  counts.slabs += n.spans;
  counts.slab_bytes += n.bytes;
  counts.object_size = n.slot_bytes;
}

// Counts checked blocks, which are in spans, as if spans were slabs. Subtracts what the layers below count for them and
// is not live.
void add_checked(Snapshot& s) {
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    const check::ObjectCounts n = check::malloc_counts(SizeClass(c));
    s.caches[c].slabs += n.spans;
    s.caches[c].pages += PageCount::ceil(n.bytes).raw;
    s.caches[c].capacity += n.live + n.free;
    s.caches[c].out += n.live;
  }
  const check::BlockCounts blocks = check::block_counts();
  const std::uint64_t not_live = blocks.mapped_spans + blocks.guards + blocks.freed_mapped;
  s.vmalloc.bytes -= not_live < s.vmalloc.bytes ? not_live : s.vmalloc.bytes;
  const std::uint64_t areas = blocks.span_mappings + blocks.freed_mappings;
  s.vmalloc.areas -= areas < s.vmalloc.areas ? areas : s.vmalloc.areas;
  s.mapped_spans = blocks.mapped_spans;
  s.freed_runs = blocks.freed_runs;
}

void add_sampled(Snapshot& s) {
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    const profile::SlotCounts n = profile::slot_counts(SizeClass(c));
    s.caches[c].slabs += n.runs;
    s.caches[c].pages += n.pages;
    s.caches[c].capacity += n.capacity;
    s.caches[c].out += n.live;
  }
}

}  // namespace

[[gnu::noinline]] NamedCounts counts_of(slab::NamedCache& named) {
  const heap::Quiet quiet;
  const slab::CacheCounts n = slab::counts(named);
  const std::uint64_t cached = heap::cached_objects(named);
  NamedCounts counts;
  counts.depot = n.depot_objects < n.out ? n.depot_objects : n.out;
  counts.magazines = cached < n.out - counts.depot ? cached : n.out - counts.depot;
  counts.live = n.out - counts.depot - counts.magazines;
  counts.slab_free = n.capacity - n.out;
  counts.slabs = n.slabs;
  counts.slab_bytes = PageCount(n.pages).bytes();
  counts.object_size = n.object_size;
  if (check::may_have_blocks()) add_checked(counts, named.info.number);
  counts.checks = slab::checks_of(named.info.number);
  return counts;
}

[[gnu::noinline]] Snapshot snapshot() {
  const heap::Quiet quiet;
  Snapshot s;
  for_named([&](const char*, const NamedCounts& n) {
    s.named.live += n.live * n.object_size;
    s.named.magazines += n.magazines * n.object_size;
    s.named.depot += n.depot * n.object_size;
    s.named.slab_bytes += n.slab_bytes;
    s.named_cached_objects += n.magazines + n.depot;
    s.named_free_objects += n.slab_free;
  });
  for (unsigned c = 1; c < slab::kClasses; ++c) s.caches[c] = slab::counts(SizeClass(c));
  s.slob = slob::counts();
  s.heaps = heap::counts();
  s.vmalloc = vmalloc::counts();
  s.zone = page::counts();
  s.huge_pool = page::pool_use.bytes.load(std::memory_order_relaxed);
  if (check::may_have_blocks()) add_checked(s);
  if (profile::active()) add_sampled(s);
  return s;
}

void report() {
  const Snapshot s = snapshot();
  Line head;
  head << "version " ASHLAR_VERSION ", process " << std::uint64_t{os::process_number()} << ", " << s.heaps.heaps
       << " threads with a heap";
  os::say(head.view());
  line_of_sizes("live", s.live() + s.vmalloc.bytes, "in blocks that the program holds, rounding included");
  line_of_sizes("  slob", s.slob.live_bytes, "of these in pages that all sizes share, by the option slob");
  line_of_sizes("  runs", s.run_pages(), "of these in blocks of whole pages");
  line_of_sizes("  vmalloc", s.vmalloc.bytes, "of these in blocks with a mapping of their own");
  line_of_sizes("cached", s.slab_cached(), "free objects in threads' magazines and depots");
  const std::size_t out = s.slab_live() + s.slab_cached();
  line_of_sizes("slab free", s.slab_pages() > out ? s.slab_pages() - out : 0, "free or never used in slabs");
  line_of_sizes("dirty free", s.zone.dirty_free.bytes(), "free pages that may still be resident");
  line_of_sizes("purged", PageCount(s.zone.purged_pages).bytes(), "returned to the system so far");
  line_of_sizes("peak", s.max_held(), "maximum that slabs and runs took at once");
  if (page::uses_pool())
    line_of_sizes("huge pool", s.huge_pool, "of these in huge pages of the system's reserved pool, which stay");
  line_of_sizes("metadata", s.zone.metadata_bytes, "address space of Ashlar's own structures, mostly untouched");
  lines_of_classes(s);
}

}  // namespace ashlar::stats

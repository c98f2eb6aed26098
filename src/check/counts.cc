// check: what spans and guarded blocks hold, for reports. Blocks come and go meanwhile.
#include "check/guarded_pages.h"
#include "check/shard.h"

namespace ashlar::check {

namespace {

std::uint32_t live_in(const Span& span) {
  std::uint32_t live = 0;
  for (std::uint32_t i = 0; i < span.capacity; ++i) {
    const State state = span.load(i).state;
    live += state == State::kLive || state == State::kMoving ? 1 : 0;
  }
  return live;
}

// Adds what a span holds, as if it were a slab. Nothing in a signal handler that interrupted this layer: the lock may
// be its own thread's.
void add_span(const Span& span, ObjectCounts& n) {
  const Entered shard;
  if (!shard) return;
  keep_spans();
  if (__atomic_load_n(&span.start, __ATOMIC_ACQUIRE) != 0) {
    const std::uint32_t live = live_in(span);
    ++n.spans;
    n.bytes += span.bytes;
    n.live += live;
    n.free += span.capacity - live;
    n.slot_bytes = span.slot_bytes;
  }
  let_spans_end();
}

// Nothing of a span that ends meanwhile.
void add_mapping(const Span& span, BlockCounts& counts) {
  const std::uintptr_t start = __atomic_load_n(&span.start, __ATOMIC_ACQUIRE);
  const bool has_place = read_published(span.unit) != 0;
  const std::size_t bytes = read_published(span.bytes);
  if (start == 0 || !has_place || __atomic_load_n(&span.start, __ATOMIC_RELAXED) != start) return;
  counts.mapped_spans += bytes;
  ++counts.span_mappings;
}

void add_guarded(const Guarded& block, BlockCounts& counts) {
  const bool live = block.state.load(std::memory_order_acquire) == State::kLive;
  const Extent extent = extent_of(block);
  if (!extent) return;
  if (extent.pages == Guarded::Pages::kMapping) {
    counts.guards += os::page_bytes();
    counts.freed_mapped += live ? 0 : extent.bytes;
    counts.freed_mappings += live ? 0 : 1;
  } else if (extent.pages == Guarded::Pages::kRun && !live) {
    counts.freed_runs += extent.bytes;
  }  // in a place: what is freed has its addresses alone
}

}  // namespace

ObjectCounts malloc_counts(SizeClass slot_class) {
  ObjectCounts n;
  for (const Span* span = all_spans(); span != nullptr; span = span->next_of_all) {
    if (span->slots() == &class_slots[slot_class.raw]) add_span(*span, n);
  }
  return n;
}

ObjectCounts named_counts(CacheNumber number) {
  ObjectCounts n;
  for (const Span* span = all_spans(); span != nullptr; span = span->next_of_all) {
    const Slots* const of = span->slots();
    const Handle* const owner = of != nullptr ? read_published(of->owner) : nullptr;
    if (owner != nullptr && owner->number == number) add_span(*span, n);
  }
  return n;
}

bool find_span(const void* p, SpanAround& around) {
  const Entered shard;
  if (!shard) return false;
  keep_spans();
  Region* const region = region_at(reinterpret_cast<std::uintptr_t>(p));
  const bool found = region != nullptr && !is_guarded(*region);
  if (found) {
    const Span& span = as_span(*region);
    const Handle* const owner = read_published(span.of->owner);
    around = {span.start, span.bytes, span.slot_bytes, span.capacity, live_in(span), span.slot_class};
    if (owner != nullptr) around.named = owner->number;
  }
  let_spans_end();
  return found;
}

BlockCounts block_counts() {
  BlockCounts counts;
  for (const Span* span = all_spans(); span != nullptr; span = span->next_of_all) add_mapping(*span, counts);
  for (const Guarded* block = all_guarded(); block != nullptr; block = block->next_of_all) add_guarded(*block, counts);
  return counts;
}

}  // namespace ashlar::check

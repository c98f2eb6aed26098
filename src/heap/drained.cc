// heap: the usual miss of a thread whose allocations are counted. It is not compiled for size, as counted.cc is,
// because threads that take and free the same few objects come by often.
#include "base/hints.h"
#include "heap/bins.h"
#include "heap/counted.h"

namespace ashlar::heap {

namespace {

constexpr unsigned kMissesPerMaintenance = 4;  // of those that find enough objects at hand, and need nothing else

bool may_count(const Heap& heap, std::size_t size, std::uint64_t mean) {
  return heap.kind == Kind::kLive && heap.counts && !heap.busy && !heap.scoped && size <= slab::kMaxSmall &&
         heap.counted != nullptr && heap.counted->mean == mean;
}

}  // namespace

[[ASHLAR_SELDOM_RUN]] void* take_counted(std::size_t size, std::uint64_t mean) {
  Heap& heap = *current;
  if (!may_count(heap, size, mean)) return nullptr;
  Counted& own = *heap.counted;
  const SizeClass c = slab::class_for(size != 0 ? size : 1);
  if (heap.loaded.first(drained(c)) != nullptr) return nullptr;
  const auto bytes = static_cast<std::int64_t>(slab::size_of(c));
  const std::uint32_t left = left_in_drained(heap, c), loaded = own.loaded[c.raw];
  const std::int64_t until = own.until[c.raw] - (loaded > left ? static_cast<std::int64_t>(loaded - left) * bytes : 0);
  if (until <= bytes) return nullptr;
  slab::Magazine magazine;
  const bool at_hand = is_worth_draining(c, loaded_count(heap, c));
  {
    const Busy busy(heap);
    magazine = at_hand ? unload(heap, c) : take_for_drained(heap, c);
    if (!magazine) return nullptr;
    own.until[c.raw] = until - bytes;
    own.loaded[c.raw] = static_cast<std::uint16_t>(magazine.count - 1);
    set_drained(heap, c, {magazine.first->next, magazine.count - 1});
  }
  if (magazine.count * bytes >= until) {  // it has one that is to be picked
    const std::int64_t max = (until - 1) / bytes - 1;
    own.loaded[c.raw] = static_cast<std::uint16_t>(shorten_drained(c, static_cast<std::uint32_t>(max)));
  }
  if (!at_hand || ++own.at_hand % kMissesPerMaintenance == 0) maintain(heap, Caller::kAllocates);
  return magazine.first;
}

}  // namespace ashlar::heap

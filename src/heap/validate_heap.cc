// heap: the invariants of the calling thread's bins, and of the list of heaps.
#include "heap/bins.h"
#include "heap/named_bins.h"
#include "heap/quiet.h"

namespace ashlar::heap {

namespace {

// What a loaded magazine counts.
std::uint32_t loaded_count(std::uint32_t capacity, std::uint32_t room) {
  return capacity > room ? capacity - room : 0u;
}

// A list of `count` objects, or of one more or less: a signal handler may have interrupted malloc or free.
template <class Owns>
bool is_list_of(const Object* object, std::uint32_t count, Owns owns) {
  std::uint32_t n = 0;
  for (; object != nullptr && n <= count + 1; ++n, object = object->next) {
    if (reinterpret_cast<std::uintptr_t>(object) >> kAddressBits != 0 || !owns(object)) return false;
  }
  return n + 1 >= count && n <= count + 1;
}

Broken check_bin(const Heap& heap, SizeClass c, std::size_t& promised) {
  const Bin& bin = heap.bins[c.raw];
  if (heap.loaded.room(c.raw) > bin.capacity + 1u) return broken("a bin has no more room than its capacity", &bin);
  if (bin.limit > slab::info_of(c).magazine) return broken("a bin's limit is a full magazine at most", &bin);
  const auto owns = [c](const Object* object) { return page::class_of(object) == c; };
  if (!is_list_of(heap.loaded.first(c.raw), loaded_count(bin.capacity, heap.loaded.room(c.raw)), owns))
    return broken("a bin's loaded magazine holds its class's objects, as many as it counts", &bin);
  if (!is_list_of(bin.previous, bin.previous_count, owns))
    return broken("a bin's previous magazine holds its class's objects, as many as it counts", &bin);
  promised += 2 * std::size_t{bin.limit} * slab::size_of(c);
  return {};
}

Broken check_named(const Heap& heap, std::size_t& promised) {
  const NamedBins* const bins = __atomic_load_n(&heap.named, __ATOMIC_ACQUIRE);  // pairs with the release in open_bins
  if (bins == nullptr) return {};
  for (unsigned n = 1; n < slab::numbers_in_use(); ++n) {
    const NamedBin& bin = bins->bins[n];
    if (bins->room[n] > bin.capacity + 1u) return broken("a bin has no more room than its capacity", &bin);
    const auto owns = [n](const Object* object) { return page::named_of(object) == n; };
    if (!is_list_of(bins->first[n], loaded_count(bin.capacity, bins->room[n]), owns) ||
        !is_list_of(bin.previous, bin.previous_count, owns))
      return broken("a bin's magazines hold its cache's objects, as many as they count", &bin);
    promised += bin.promised;
  }
  return {};
}

Broken check_own(const Heap& heap) {
  std::size_t promised = 0;
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    if (const Broken b = check_bin(heap, SizeClass(c), promised)) return b;
  }
  if (heap.loaded.room(0) != 0 || heap.loaded.first(0) != nullptr)
    return broken("class 0 has neither objects nor room", &heap);
  if (const Broken b = check_named(heap, promised)) return b;
  return promised == heap.promised ? Broken{} : broken("a heap counts what its bins may hold", &heap);
}

[[gnu::noinline]] Broken check_list() {
  const Quiet quiet;
  const Guard guard(heaps.lock);
  const Heap* before = nullptr;
  for (const Heap* heap = heaps.live.front(); heap != nullptr; before = heap, heap = heap->next) {
    if (heap->prev != before) return broken("the links of the list of heaps lead to and fro", heap);
    if (heap->kind != Kind::kLive) return broken("a listed heap is live", heap);
  }
  return heaps.live.back() == before ? Broken{} : broken("the list of heaps ends with its last one", before);
}

}  // namespace

Broken validate() {
  if (const Broken b = check_list()) return b;  // in which the heap is busy
  // a forked child's pages may not all be there (MADV_DONTFORK)
  const bool own = current->kind == Kind::kLive && !current->busy && !in_forked_child;
  return own ? check_own(*current) : Broken{};
}

}  // namespace ashlar::heap

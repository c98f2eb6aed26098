// heap: what jemalloc's interface asks beyond malloc's, see the header.
#include "heap/extended.h"

#include "heap/bins.h"
#include "heap/gate.h"

namespace ashlar::heap {

std::size_t good_size(std::size_t size, std::size_t alignment) {
  if (options.slob != 0 && size <= slob::kMaxBytes) return round_up(size, kMinAlign);
  if (const SizeClass c = aligned_class(size, alignment > kMinAlign ? alignment : kMinAlign); c.raw != 0) {
    return slab::size_of(c);
  }
  return PageCount::ceil(size).bytes();
}

bool resize_in_place(void* p, std::size_t size) {
  const Entry entry;
  if (!entry || interrupted() || size <= slab::kMaxSmall) return false;
  if (reinterpret_cast<std::uintptr_t>(p) % kPageBytes != 0) return false;
  const page::Run run = page::find_run(PageId::of(p));
  return run && !run.from_alloc_pages && resize(p, size) != nullptr;
}

void flush_thread() {
  const Entry entry;
  Heap* const heap = own_heap();
  if (!entry || heap == nullptr || heap->busy || interrupted()) return;
  const Busy busy(*heap);
  flush(*heap, Flush::kToDepot);
}

}  // namespace ashlar::heap

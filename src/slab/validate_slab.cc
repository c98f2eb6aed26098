// slab: the invariants of caches, slabs with their free lists, depots, and stocks.
#include "os/os.h"
#include "slab/stock.h"

namespace ashlar::slab {

namespace {

// One part of a cache, under its lock.
class PartCheck {
 public:
  PartCheck(Cache& cache, Cache& part, const ClassInfo& info) : cache_(cache), part_(part), info_(info) {}

  Broken run();

 private:
  [[nodiscard]] Broken check_partial() const ASHLAR_REQUIRES(part_.lock);
  [[nodiscard]] Broken check_spare() const ASHLAR_REQUIRES(part_.lock);
  [[nodiscard]] Broken check_slab(const Page* slab) const;
  [[nodiscard]] Broken check_free_list(const Page* slab) const;
  Broken check_stride(const page::Section& section, std::size_t stride) ASHLAR_REQUIRES(part_.lock);
  [[nodiscard]] bool is_spare(const Page* slab) const ASHLAR_REQUIRES(part_.lock);

  Cache& cache_;
  Cache& part_;
  const ClassInfo& info_;
  std::uint64_t slabs_ = 0, pages_ = 0, capacity_ = 0, out_ = 0;
};

std::uint32_t carved(const Page* slab) { return std::uint32_t{slab->slab.in_use} + slab->slab.free_count; }

Broken PartCheck::check_free_list(const Page* slab) const {
  const auto& s = slab->slab;
  if ((s.free_count == 0) != (s.first_free == page::kNoObject))
    return broken("a free list is as long as its slab counts", slab);
  if (s.free_count == 0) return {};
  const std::uintptr_t base = page::page_address(slab);
  const std::size_t bytes = slab->order.bytes();
  std::uintptr_t at = base + std::size_t{s.first_free} * kMinAlign + info_.link % kMinAlign;
  std::uintptr_t last = at;
  for (unsigned n = 0; n < s.free_count; ++n) {
    const std::uintptr_t offset = at - info_.link - base;
    if (offset >= bytes || offset % info_.size != 0 || offset / info_.size >= carved(slab))
      return broken("a free list leads from object to object of its slab", reinterpret_cast<const void*>(last));
    last = at;
    at = reinterpret_cast<std::uintptr_t>(reinterpret_cast<const Object*>(at)->next);
  }
  if ((last - base) / kMinAlign != s.last_free)
    return broken("a free list ends with the object that its slab names", slab);
  return {};
}

Broken PartCheck::check_slab(const Page* slab) const {
  const auto& s = slab->slab;
  if (slab->state != page::PageState::kSlab || s.size_class != info_.size_class)
    return broken("a cache's slab is one of its class", slab);
  if (s.capacity != slab->order.bytes() / info_.size) return broken("a slab has as many objects as fit", slab);
  if (carved(slab) > s.capacity) return broken("a slab has no more objects than fit", slab);
  return check_free_list(slab);
}

Broken PartCheck::check_partial() const {
  for (unsigned bucket = 0; bucket < kBuckets; ++bucket) {
    const Page* before = nullptr;
    std::uint64_t n = 0;
    for (const Page* slab = part_.partial[bucket].front(); slab != nullptr; before = slab, slab = slab->next) {
      if (slab->prev != before) return broken("the links of a partial list lead to and fro", slab);
      if (slab->slab.bucket != bucket) return broken("a slab is on the partial list of its bucket", slab);
      if (slab->slab.free_count == 0 || slab->slab.in_use == 0)
        return broken("a partial slab has free objects and others in use", slab);
      if (++n > part_.slabs) return broken("the partial lists hold no more slabs than are counted", slab);
    }
    if ((part_.nonempty >> bucket & 1) != (before != nullptr ? 1u : 0u))
      return broken("a cache knows which partial lists are empty", &part_);
  }
  return {};
}

Broken PartCheck::check_spare() const {
  for (const Page* slab = part_.spare; slab != nullptr; slab = slab->next) {
    if (slab->slab.in_use != 0) return broken("a spare slab has no object in use", slab);
    const unsigned others = slab->next != nullptr ? slab->next->slab.bucket + 1u : 0u;
    if (slab->slab.bucket != others) return broken("a spare slab counts those after it", slab);
  }
  return {};
}

bool PartCheck::is_spare(const Page* slab) const {
  for (const Page* spare = part_.spare; spare != nullptr; spare = spare->next) {
    if (spare == slab) return true;
  }
  return false;
}

// The slabs of a stride. One that ended keeps its marks until its pages are free: it has no object in use, and is on no
// list. Other parts' slabs change meanwhile: only what stays is read of them.
__attribute__((no_sanitize("thread"))) Broken PartCheck::check_stride(const page::Section& section,
                                                                      std::size_t stride) {
  const Page* const first = section.descriptors[stride];
  const auto is_marked = [&](std::size_t at) {
    return info_.number != 0 ? section.named[at] == info_.number : section.classes[at] == info_.size_class.raw;
  };
  for (std::size_t i = 0; first != nullptr && i < page::kPagesPerStride; ++i) {
    const std::size_t at = stride * page::kPagesPerStride + i;
    if (!is_marked(at)) continue;
    const std::size_t pages = Order(section.orders[at]).pages().raw;
    if (at % pages != 0) continue;
    const Page* const slab = first + i;
    if (slab->state != page::PageState::kSlab || slab->slab.size_class != info_.size_class) continue;
    if (&part_of(cache_, slab) != &part_) continue;
    if (slab->slab.in_use == 0 && slab != part_.current && !is_spare(slab)) continue;
    for (std::size_t p = 0; p < pages; ++p) {
      if (!is_marked(at + p) || section.orders[at + p] != slab->order.raw)
        return broken("all pages of a slab have its class and order in the section table", slab);
    }
    if (const Broken b = check_slab(slab)) return b;
    ++slabs_;
    pages_ += pages;
    capacity_ += slab->slab.capacity;
    out_ += slab->slab.in_use;
  }
  return {};
}

Broken PartCheck::run() {
  part_.lock.assert_held();
  if (const Broken b = check_partial()) return b;
  if (const Broken b = check_spare()) return b;
  for (std::uintptr_t s = 0; part_.slabs != 0 && s < page::kSections; ++s) {
    const page::Section* const section = page::section_of(s << page::kSectionShift);
    if (section == nullptr) continue;
    for (std::size_t stride = 0; stride < page::kSectionStrides; ++stride) {
      if (const Broken b = check_stride(*section, stride)) return b;
    }
  }
  if (slabs_ != part_.slabs || pages_ != part_.pages) return broken("a cache counts its slabs and their pages", &part_);
  if (capacity_ != part_.capacity) return broken("a cache counts the objects that fit into its slabs", &part_);
  if (out_ != part_.out) return broken("a cache counts the objects that are out of its slabs", &part_);
  return {};
}

// One that no other thread has in hand; `place` is where it lies.
Broken check_magazine(Magazine magazine, const ClassInfo& info, const void* place) {
  std::uint32_t n = 0;
  for (const Object* object = magazine.first; object != nullptr; object = object->next) {
    const bool owned = reinterpret_cast<std::uintptr_t>(object) >> kAddressBits == 0 &&
                       page::class_of(object) == info.size_class && page::named_of(object) == info.number;
    if (!owned) return broken("a magazine holds objects of its class", place);
    if (++n > magazine.count + 1) break;
  }
  // or one more or less: a signal handler may have interrupted the thread that filled it
  if (n + 1 < magazine.count || n > magazine.count + 1) return broken("a magazine is as long as it counts", place);
  return {};
}

Broken check_depot(const Cache& part, const ClassInfo& info) ASHLAR_REQUIRES(part.depot_lock) {
  if (part.depot_count > part.depot_slots || part.depot_min > part.depot_count)
    return broken("a depot has no more magazines than slots, nor less than its least", &part);
  std::uint64_t objects = 0;
  for (std::uint32_t i = 0; i < part.depot_count; ++i) {
    if (const Broken b = check_magazine(part.depot[i], info, &part.depot[i])) return b;
    objects += part.depot[i].count;
  }
  return objects == part.depot_objects ? Broken{} : broken("a depot counts the objects of its magazines", &part);
}

Broken validate(Cache& cache, const ClassInfo& info) {
  Broken found;
  for_parts(cache, [&](Cache& part) {
    if (found) return;
    {
      const Guard guard(part.lock);
      found = PartCheck(cache, part, info).run();
    }
    const Guard guard(part.depot_lock);
    if (!found) found = check_depot(part, info);
  });
  return found;
}

Broken validate_named() {
  const Guard guard(registry.lock);  // a number may just be getting another cache
  for (unsigned number = 1; number < numbers_in_use(); ++number) {
    // pairs with new_number's release
    WholeNamedCache* const named = named_caches[number].load(std::memory_order_acquire);
    if (const Broken b = validate(named->cache, named->info)) return b;
  }
  return {};
}

// A magazine is taken out while it is looked at, so that no other thread has it in hand; its bytes stay counted.
Broken check_place(Stock& stock, SizeClass c, Place& place) {
  if (place.load(std::memory_order_relaxed) == 0) return {};
  const Packed packed = place.exchange(0, std::memory_order_acquire);  // pairs with the release that put it there
  if (packed == 0) return {};
  const Magazine magazine = unpack(packed);
  Broken found = check_magazine(magazine, info_of(c), &place);
  if (!found && page::node_of(page::slab_of(magazine.first)) != stock.node)
    found = broken("a stock's objects lie on its node", &place);
  Packed expected = 0;
  // release: pairs with the acquire of the thread that takes it out
  if (place.compare_exchange_strong(expected, packed, std::memory_order_release, std::memory_order_relaxed))
    return found;
  // another thread filled the place meanwhile
  stock.bytes.fetch_sub(magazine.count * size_of(c), std::memory_order_relaxed);
  return_to_slabs(c, magazine, "ashlar_validate()");
  return found;
}

// Bytes are counted before a magazine is put into a place and after it is taken out. They are at least the magazines'
// while no other thread exchanges any, and more where a thread was left between the two: by a jump out of a handler, or
// by a fork that could not wait for it.
Broken check_bytes(const Stock& stock) {
  std::size_t bytes = 0;
  for (unsigned c = 1; c < kClasses; ++c) {
    for (const Place& place : stock.shelves[c])
      bytes += count_of(place.load(std::memory_order_relaxed)) * size_of(SizeClass(c));
  }
  const std::size_t counted = stock.bytes.load(std::memory_order_relaxed);
  if (os::single_threaded() && counted < bytes) return broken("a stock counts the bytes of its magazines", &stock);
  return {};
}

Broken check_stock(Stock& stock) {
  for (const Place& place : stock.shelves[0]) {
    if (place.load(std::memory_order_relaxed) != 0) return broken("no magazine is of class 0", &place);
  }
  for (unsigned c = 1; c < kClasses; ++c) {
    if (stock.next[c].load(std::memory_order_relaxed) >= kShelf)
      return broken("the next place of a shelf is one of it", &stock.next[c]);
    for (Place& place : stock.shelves[c]) {
      if (const Broken b = check_place(stock, SizeClass(c), place)) return b;
    }
  }
  return check_bytes(stock);
}

}  // namespace

Broken validate_stocks() {
  Broken found;
  for_stocks([&](Stock& stock) {
    if (!found) found = check_stock(stock);
  });
  return found;
}

Broken validate(SizeClass c) { return validate(cache_of(c), info_of(c)); }

Broken validate() {
  for (unsigned c = 1; c < kClasses; ++c) {
    if (const Broken b = validate(SizeClass(c))) return b;
  }
  if (const Broken b = validate_named()) return b;
  return validate_stocks();
}

}  // namespace ashlar::slab

// slab: slabs and the objects in them. A free list per slab, linked through the objects; fresh objects are carved
// from the slab's start upwards, a page at a time, so that what was never needed is never touched.
#include <bit>
#include <utility>

#include "base/hints.h"
#include "slab/cache.h"

namespace ashlar::slab {

constinit Cache caches[kClasses];

namespace {

// The first slabs of a cache are as small as its objects allow; each doubling of their number doubles the next one.
constexpr unsigned kSmallSlabs = 4;

std::uintptr_t base_of(const Page* slab, const void* object) {
  return round_down(reinterpret_cast<std::uintptr_t>(object), slab->order.bytes());
}

// Links lie at multiples of kMinAlign, or all of a cache 8 bytes behind: what a granule's number leaves out.
Object* object_at(std::uintptr_t base, const ClassInfo& info, std::uint16_t granule) {
  if (granule == page::kNoObject) return nullptr;
  return reinterpret_cast<Object*>(base + std::size_t{granule} * kMinAlign + info.link % kMinAlign);
}

static_assert(detail::largest_order(kMaxSmall).bytes() / kMinAlign <= page::kNoObject,
              "the granules of a size class's slab must have numbers below that of none");

std::uint16_t granule_of(std::uintptr_t base, const Object* object) {
  if (object == nullptr) return page::kNoObject;
  return static_cast<std::uint16_t>((reinterpret_cast<std::uintptr_t>(object) - base) / kMinAlign);
}

// How much is free, in eighths of the next power of two above the capacity: no division.
std::uint8_t bucket_for(const Page* slab) {
  const unsigned free = slab->slab.capacity - unsigned{slab->slab.in_use};
  const unsigned bucket = free * kBuckets >> std::bit_width(unsigned{slab->slab.capacity});
  return static_cast<std::uint8_t>(bucket < kBuckets ? bucket : kBuckets - 1);
}

// The objects ever made of a slab, from its start upwards.
std::uint32_t carved(const Page* slab) { return std::uint32_t{slab->slab.in_use} + slab->slab.free_count; }

[[ASHLAR_ALWAYS_RUN]] void unlist(Cache& cache, Page* slab) ASHLAR_REQUIRES(cache.lock) {
  ASHLAR_ASSERT(cache.lock.held(), "the cache's lock is held");
  ASHLAR_ASSERT(slab->slab.bucket < kBuckets && (cache.nonempty >> slab->slab.bucket & 1u) != 0,
                "a partial slab is on a list that is marked as not empty");
  const unsigned bucket = slab->slab.bucket;
  cache.partial[bucket].remove(slab);
  if (cache.partial[bucket].empty()) cache.nonempty &= ~(1u << bucket);
}

[[ASHLAR_ALWAYS_RUN]] void enlist(Cache& cache, Page* slab) ASHLAR_REQUIRES(cache.lock) {
  ASHLAR_ASSERT(cache.lock.held(), "the cache's lock is held");
  ASHLAR_ASSERT(slab->slab.free_count > 0 && carved(slab) <= slab->slab.capacity,
                "a partial slab has free objects, and no more objects than fit");
  const std::uint8_t bucket = bucket_for(slab);
  slab->slab.bucket = bucket;
  cache.partial[bucket].push_front(slab);
  cache.nonempty |= 1u << bucket;
}

// Returns the index of the object that starts `offset` bytes into a slab, or kNone if none can.
constexpr std::uint32_t kNone = ~std::uint32_t{0};
std::uint32_t index_at(std::uint32_t offset, std::uint32_t capacity, const ClassInfo& info) {
  const auto index = static_cast<std::uint32_t>(std::uint64_t{offset} * info.inverse >> 32);
  return index * info.size == offset && index < capacity ? index : kNone;
}

// The object behind one of a slab's free list, which is looked at before anything follows it: the program may have
// written to the freed block that the link lies in.
[[ASHLAR_RUN_LATER]] Object* next_free(Cache& cache, Page* slab, const ClassInfo& info, const Object* object)
    ASHLAR_REQUIRES(cache.lock) {
  Object* const next = object->next;
  const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(next) - info.link - page::page_address(slab);
  if (offset >= slab->order.bytes() || index_at(static_cast<std::uint32_t>(offset), carved(slab), info) == kNone)
      [[unlikely]] {
    cache.lock.unlock();  // what handles SIGABRT may allocate
    die_of_link(reinterpret_cast<const char*>(object) - info.link, info.size);
  }
  return next;
}

// Moves up to `want` objects from a slab's free list to a magazine: the whole list at the price of one look at its
// last object, or a part of it by a walk over objects that are about to be used.
[[ASHLAR_RUN_LATER]] void take_free(Cache& cache, Page* slab, const ClassInfo& info, std::uint32_t want, Magazine& into)
    ASHLAR_REQUIRES(cache.lock) {
  auto& s = slab->slab;
  ASHLAR_ASSERT(want > 0 && s.free_count > 0 && s.first_free != page::kNoObject, "the slab has a free object");
  const std::uintptr_t base = page::page_address(slab);
  Object* const first = object_at(base, info, s.first_free);
  std::uint32_t n = s.free_count < want ? s.free_count : want;
  if (n == s.free_count) {
    if (into.first != nullptr) object_at(base, info, s.last_free)->next = into.first;
    s.first_free = page::kNoObject;
  } else {
    Object* last = first;
    for (std::uint32_t i = 1; i < n; ++i) last = next_free(cache, slab, info, last);
    s.first_free = granule_of(base, next_free(cache, slab, info, last));
    last->next = into.first;
  }
  into.first = first;
  into.count += n;
  s.free_count = static_cast<std::uint16_t>(s.free_count - n);
  s.in_use = static_cast<std::uint16_t>(s.in_use + n);
  add(cache.out, n);
}

// Makes objects that never existed before: those that start in the page where the last one ended. Of objects of a
// page and more as many as are wanted: a bin wants one at first, and more only when it misses again and again.
void carve(Cache& cache, Page* slab, const ClassInfo& info, std::uint32_t want, Magazine& into)
    ASHLAR_REQUIRES(cache.lock) {
  auto& s = slab->slab;
  const std::size_t size = info.size;
  const std::uintptr_t base = page::page_address(slab);
  const std::uint32_t before = carved(slab);
  ASHLAR_ASSERT(before < s.capacity && into.count == 0, "the slab has room for more objects, and no others are taken");
  const std::size_t start = before * size;
  const std::size_t page_end = round_up(start + size, kPageBytes);
  std::size_t n = size < kPageBytes ? (page_end - start) / size : want;
  const std::size_t left = s.capacity - before;
  if (n > left) n = left;
  if (n > want) n = want;
  Object* next = into.first;
  for (std::size_t i = n; i-- > 0;) {
    auto* const object = reinterpret_cast<Object*>(base + start + i * size + info.link);
    object->next = next;
    next = object;
  }
  into.first = next;
  into.fresh = true;  // nothing else is in it: see take_from_slabs
  into.count += static_cast<std::uint32_t>(n);
  s.in_use = static_cast<std::uint16_t>(s.in_use + n);
  add(cache.out, n);
}

// Takes pages for a slab, of a larger order the more slabs the cache has, and only of this node: a caller that gets
// none tries the other nodes' parts of the cache, which may have free objects. The lock is released meanwhile, because
// the zone may grow by system calls, or wait for another thread that does. Other threads go on with free objects.
Page* alloc_pages_unlocked(Cache& cache, const ClassInfo& info) ASHLAR_REQUIRES(cache.lock) {
  const unsigned growth = static_cast<unsigned>(std::bit_width(cache.slabs / kSmallSlabs));
  page::Node& node = page::node_at(cache.node);
  cache.lock.unlock();
  Order order(info.min_order.raw + growth);
  if (order > info.max_order) order = info.max_order;
  Page* slab = page::alloc_slab_pages(node, order, page::Fallback::kThisNode);
  if (slab == nullptr && order > info.min_order)
    slab = page::alloc_slab_pages(node, info.min_order, page::Fallback::kThisNode);
  cache.lock.lock();
  return slab;
}

// Makes fresh pages the slab that is carved.
void adopt(Cache& cache, const ClassInfo& info, Page* slab) ASHLAR_REQUIRES(cache.lock) {
  ASHLAR_ASSERT(cache.current == nullptr, "one slab is carved at a time");
  const Order order = slab->order;
  const auto fit = static_cast<std::uint16_t>(order.bytes() / info.size);
  slab->slab = {info.size_class, 0, page::kNoObject, page::kNoObject, 0, 0, fit};
  const PageId first(page::page_address(slab) >> kPageShift);
  page::mark_slab(first, order, info.size_class);
  if (info.number != 0) page::mark_named(first, order, info.number);
  ++cache.slabs;
  cache.pages += order.pages().raw;
  add(cache.capacity, fit);
  cache.current = slab;
}

// Makes sure that there is a slab to carve, unless there is no memory. Another thread may have made one while pages
// were taken for it: then these go back, without the lock as well, and meanwhile that one may have been used up.
void make_current(Cache& cache, const ClassInfo& info) ASHLAR_REQUIRES(cache.lock) {
  ASHLAR_ASSERT(cache.lock.held(), "the cache's lock is held");
  while (cache.current == nullptr) {
    Page* const slab = alloc_pages_unlocked(cache, info);
    if (slab == nullptr) return;
    if (cache.current == nullptr) return adopt(cache, info, slab);
    cache.lock.unlock();
    page::free_slab_pages(slab, PageCount(0));
    cache.lock.lock();
  }
}

// Takes objects from the slab that is being carved, or from a new one.
void take_from_current(Cache& cache, const ClassInfo& info, std::uint32_t want, Magazine& into)
    ASHLAR_REQUIRES(cache.lock) {
  make_current(cache, info);
  Page* const slab = cache.current;
  if (slab == nullptr) return;
  if (slab->slab.free_count > 0) take_free(cache, slab, info, want, into);
  else carve(cache, slab, info, want, into);
  if (carved(slab) == slab->slab.capacity) {
    cache.current = nullptr;
    if (slab->slab.free_count > 0) enlist(cache, slab);
  }
}

// Looks at the first of a slab's free objects, under its cache's lock.
bool is_free(const Page* slab, const ClassInfo& info, const void* p) {
  constexpr unsigned kLooks = 64;
  const std::uintptr_t base = page::page_address(slab);
  const Object* object = object_at(base, info, slab->slab.first_free);
  for (unsigned n = 0; n < kLooks && n < slab->slab.free_count; ++n, object = object->next) {
    if (object == p) return true;
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(object) - base;
    // a link that was overwritten is reported when it is to be followed
    if (offset >= slab->order.bytes() || index_at(static_cast<std::uint32_t>(offset), carved(slab), info) == kNone)
      return false;
  }
  return false;
}

// Objects of one slab, in a row of a list that is given back: linked to each other already.
struct Piece {
  Page* slab;
  Object* first;
  Object* last;
  std::uint32_t count;
  std::uint32_t highest;  // index in the slab of the object that lies furthest back
};
// Sorted out without the lock, then put back under it. They lie on the stack, and malloc may be called on a small one.
constexpr unsigned kPieces = 16;

// True when an address lies in pages of the cache's slabs: a link that a program overwrote is not to be followed.
[[ASHLAR_ALWAYS_RUN]] bool in_slabs(const ClassInfo& info, const Object* object) {
  const auto address = reinterpret_cast<std::uintptr_t>(object);
  return address >> kAddressBits == 0 && page::class_of(object) == info.size_class &&
         (info.number == 0 || page::named_of(object) == info.number);
}

bool is_slab_of(const Page* slab, const ClassInfo& info) {
  return slab->state == page::PageState::kSlab && slab->slab.size_class == info.size_class;
}

[[noreturn]] void die_of_object(const char* caller, const ClassInfo& info, const Object* object) {
  die_of_invalid(caller, reinterpret_cast<const char*>(object) - info.link);
}

// Starts a piece with an object of a slab that the ones before do not lie in. Reads without the lock what an object's
// owner may: the slab that it lies in, which stays as long as the object is out.
Piece start_piece(const ClassInfo& info, Object* object, const char* caller) {
  if (!in_slabs(info, object)) [[unlikely]]
    die_of_object(caller, info, object);
  Page* const slab = page::slab_of(object);
  const auto offset =
      static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(object) - info.link - base_of(slab, object));
  const std::uint32_t index = is_slab_of(slab, info) ? index_at(offset, slab->slab.capacity, info) : kNone;
  if (index == kNone) [[unlikely]]
    die_of_object(caller, info, object);
  return {slab, object, object, 1, index};
}

// Adds the objects that follow to a piece as long as they lie in its slab; the first that does not.
Object* extend_piece(const ClassInfo& info, Piece& piece, const char* caller) {
  const std::uint32_t capacity = piece.slab->slab.capacity;
  const std::uintptr_t start = base_of(piece.slab, piece.first) + info.link;
  const std::size_t bytes = piece.slab->order.bytes();
  Object* object = piece.last->next;
  // a list with a loop, of objects freed twice, ends here as well: more than the slab has
  for (; piece.count < capacity; object = object->next) {
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(object) - start;
    if (offset >= bytes) break;
    const std::uint32_t index = index_at(static_cast<std::uint32_t>(offset), capacity, info);
    if (index == kNone) [[unlikely]]
      die_of_object(caller, info, object);
    piece.last = object;
    ++piece.count;
    if (index > piece.highest) piece.highest = index;
  }
  return object;
}

// Splits a list into pieces, as many as there is room for, and advances it past them.
unsigned split(const ClassInfo& info, Object*& list, Piece* pieces, const char* caller) {
  unsigned n = 0;
  while (list != nullptr && n < kPieces) {
    // perhaps the one before, whose link this is, was no object to begin with
    if (n > 0 && !in_slabs(info, list)) [[unlikely]]
      break;
    pieces[n] = start_piece(info, list, caller);
    list = extend_piece(info, pieces[n], caller);
    ++n;
  }
  return n;
}

// True when the objects are constructed, and a slab beside the spare ones is worth their memory.
bool keeps_more(const Cache& cache, const ClassInfo& info, const Page* slab) ASHLAR_REQUIRES(cache.lock) {
  const std::size_t spare = cache.spare->slab.bucket + std::size_t{1};
  return info.link != 0 && spare < UINT8_MAX && (spare + 1) * slab->order.bytes() <= kSpareBytes;
}

void keep_spare(Cache& cache, Page* slab) ASHLAR_REQUIRES(cache.lock) {
  slab->next = cache.spare;
  slab->slab.bucket = static_cast<std::uint8_t>(cache.spare != nullptr ? cache.spare->slab.bucket + 1 : 0);
  cache.spare = slab;
}

// Puts a piece's objects back. `freed` collects slabs that became empty and are not kept.
void put(Cache& cache, const ClassInfo& info, const Piece& piece, Page*& freed) ASHLAR_REQUIRES(cache.lock) {
  Page* const slab = piece.slab;
  auto& s = slab->slab;
  const std::uintptr_t base = base_of(slab, piece.first);
  const bool was_listed = s.free_count > 0;
  ASHLAR_ASSERT(cache.lock.held(), "the cache's lock is held");
  ASHLAR_ASSERT(s.in_use >= piece.count && cache.out >= piece.count, "no more objects come back than are out");
  ASHLAR_ASSERT(was_listed == (s.first_free != page::kNoObject), "a slab's free list is as long as it counts");
  piece.last->next = object_at(base, info, s.first_free);
  if (!was_listed) s.last_free = granule_of(base, piece.last);
  s.first_free = granule_of(base, piece.first);
  s.free_count = static_cast<std::uint16_t>(s.free_count + piece.count);
  s.in_use = static_cast<std::uint16_t>(s.in_use - piece.count);
  subtract(cache.out, piece.count);
  if (slab == cache.current) return;
  if (s.in_use == 0) {
    if (was_listed) unlist(cache, slab);
    // one empty slab is kept, so that an object that goes to and fro costs no pages
    if (cache.spare == nullptr || keeps_more(cache, info, slab)) keep_spare(cache, slab);
    else forget_slab(cache, slab, freed);
  } else if (!was_listed) {
    enlist(cache, slab);
  } else if (bucket_for(slab) != s.bucket) {
    unlist(cache, slab);
    enlist(cache, slab);
  }
}

// True when the objects are such that the cache handed out, as far as can be told from their addresses.
bool handed_out(const Piece& piece) {
  return piece.highest < carved(piece.slab) && piece.count <= piece.slab->slab.in_use;
}

// Lets go of one part's lock and takes another's.
Cache* switch_to(Cache* held, Cache* wanted) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  if (held == wanted) return held;
  held->lock.unlock();
  wanted->lock.lock();
  return wanted;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] bool is_out(const void* p, SizeClass size_class) {
  const ClassInfo& info = info_of(size_class);
  const Page* const slab = page::slab_of(p);
  Cache& part = part_of(cache_of(size_class), slab);
  const Guard guard(part.lock);
  const auto offset = reinterpret_cast<std::uintptr_t>(p) - page::page_address(slab);
  return index_at(static_cast<std::uint32_t>(offset), carved(slab), info) != kNone && !is_free(slab, info, p);
}

[[ASHLAR_RUN_LATER]] void forget_slab(Cache& cache, Page* slab, Page*& freed) {
  ASHLAR_ASSERT(cache.lock.held(), "the cache's lock is held");
  ASHLAR_ASSERT(slab->slab.in_use == 0, "a slab that ends has no object in use");
  ASHLAR_ASSERT(cache.slabs > 0 && cache.pages >= slab->order.pages().raw && cache.capacity >= slab->slab.capacity,
                "the cache counts the slab that ends");
  begin_move(cache_of_slab(slab));
  --cache.slabs;
  cache.pages -= slab->order.pages().raw;
  subtract(cache.capacity, slab->slab.capacity);
  slab->next = freed;
  freed = slab;
}

[[ASHLAR_ALWAYS_RUN]] void free_slabs(Page* freed) {
  while (freed != nullptr) {
    Page* const slab = freed;
    freed = slab->next;
    const ClassInfo& info = info_of_slab(slab);
    Cache& cache = cache_of_slab(slab);
    const std::size_t touched = carved(slab) * std::size_t{info.size};
    const PageId first(page::page_address(slab) >> kPageShift);
    page::mark_slab(first, slab->order, SizeClass(0));
    if (info.number != 0) page::mark_named(first, slab->order, 0);
    page::free_slab_pages(slab, PageCount::ceil(touched));
    end_move(cache);
  }
}

[[ASHLAR_ALWAYS_RUN]] Magazine take_from_slabs(Cache& cache, const ClassInfo& info, std::uint32_t want) {
  ASHLAR_ASSERT(cache.lock.held(), "the cache's lock is held");
  ASHLAR_ASSERT(want > 0, "one object is wanted at least");
  Magazine magazine;
  while (magazine.count < want && cache.nonempty != 0) {
    Page* const slab = cache.partial[std::countr_zero(cache.nonempty)].front();
    unlist(cache, slab);
    take_free(cache, slab, info, want - magazine.count, magazine);
    if (slab->slab.free_count > 0) enlist(cache, slab);
  }
  if (magazine.count == 0 && cache.spare != nullptr) {
    Page* const slab = std::exchange(cache.spare, cache.spare->next);
    take_free(cache, slab, info, want, magazine);
    if (slab->slab.free_count > 0) enlist(cache, slab);
  }
  if (magazine.count == 0) take_from_current(cache, info, want, magazine);
  // Without pages for a slab, objects may have come back while it dropped the lock: they are taken before it is again.
  tally::count(tally::Event::kFromSlabs, magazine.count != 0 ? 1 : 0);
  const bool came_back = magazine.count == 0 && (cache.nonempty != 0 || cache.spare != nullptr);
  return came_back ? take_from_slabs(cache, info, want) : magazine;
}

[[ASHLAR_ALWAYS_RUN]] void return_to_slabs(Cache& cache, const ClassInfo& info, Magazine magazine, const char* caller) {
  const bool one_node = page::node_count() == 1;
  tally::count(tally::Event::kToSlabs);
  os::hand_over(&cache);
  Page* freed = nullptr;
  for (Object* list = magazine.first; list != nullptr;) {
    Piece pieces[kPieces];
    const unsigned n = split(info, list, pieces, caller);
    Cache* part = &part_of(cache, pieces[0].slab);
    part->lock.lock();
    for (unsigned i = 0; i < n; ++i) {
      if (!one_node) part = switch_to(part, &part_of(cache, pieces[i].slab));
      if (!handed_out(pieces[i])) [[unlikely]] {
        part->lock.unlock();
        die_of_object(caller, info, pieces[i].first);
      }
      put(*part, info, pieces[i], freed);
    }
    part->lock.unlock();
  }
  free_slabs(freed);
}

namespace {

const void* object_around(const void* p, const Page* slab, std::size_t size) {
  const std::uintptr_t base = page::page_address(slab);
  const std::size_t offset = (reinterpret_cast<std::uintptr_t>(p) - base) / size * size;
  return reinterpret_cast<const void*>(base + offset);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] const void* object_around(const void* p) {
  const Page* const slab = page::slab_of(p);
  return object_around(p, slab, size_of(slab->slab.size_class));
}

[[ASHLAR_SELDOM_RUN]] const void* named_object_around(const void* p) {
  const Page* const slab = page::slab_of(p);
  return object_around(p, slab, info_of_slab(slab).size);
}

namespace {

template <class Visit>
void for_all_parts(Visit visit) {
  for_caches([&](Cache& cache, const ClassInfo&) { for_parts(cache, visit); });
}

}  // namespace

void lock_for_fork() {
  lock_named_for_fork();
  for_all_parts([](Cache& part) ASHLAR_NO_THREAD_SAFETY_ANALYSIS { part.lock.lock_beside_same_rank(); });
  for_all_parts([](Cache& part) ASHLAR_NO_THREAD_SAFETY_ANALYSIS { part.depot_lock.lock_beside_same_rank(); });
}

void unlock_in_parent() {
  for_all_parts([](Cache& part) ASHLAR_NO_THREAD_SAFETY_ANALYSIS { part.depot_lock.unlock(); });
  for_all_parts([](Cache& part) ASHLAR_NO_THREAD_SAFETY_ANALYSIS { part.lock.unlock(); });
  unlock_named_in_parent();
}

void reset_in_child() {
  for_all_parts([](Cache& part) {
    part.depot_lock.reset();
    part.lock.reset();
  });
  reset_named_in_child();
}

}  // namespace ashlar::slab

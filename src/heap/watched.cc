// heap: bins whose calls are watched, see the header.
#include "heap/watched.h"

#include "base/hints.h"
#include "heap/bins.h"

namespace ashlar::heap {

namespace {

// Objects of the list that are compared with one that is freed.
constexpr unsigned kLooks = 64;

bool is_listed(const Bin& bin, const void* p) {
  const Object* object = bin.previous;
  for (unsigned n = 0; n < kLooks && n < bin.previous_count && object != nullptr; ++n, object = object->next) {
    if (object == p) return true;
  }
  return false;
}

bool may_be_link(const Object* object, SizeClass c) {
  return reinterpret_cast<std::uintptr_t>(object) >> kAddressBits == 0 && page::class_of(object) == c &&
         slab::starts_object(object, c);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void watch(Heap& heap, SizeClass c, std::uint8_t calls) {
  Bin& bin = heap.bins[c.raw];
  bin.watched = calls;
  bin.capacity = 0;
  heap.loaded.set_room(c.raw, 0);
}

[[ASHLAR_ALWAYS_RUN]] void* take_watched(Heap& heap, SizeClass c) {
  Bin& bin = heap.bins[c.raw];
  Object* const object = bin.previous;
  Object* const next = object->next;
  const std::uint16_t left = static_cast<std::uint16_t>(bin.previous_count - 1);
  if ((next != nullptr) != (left != 0) || (next != nullptr && !may_be_link(next, c))) [[unlikely]]
    slab::die_of_link(object, slab::size_of(c));
  bin.previous = next;
  bin.previous_count = left;
  --bin.watched;
  return object;
}

[[ASHLAR_ALWAYS_RUN]] bool put_watched(Heap& heap, SizeClass c, void* p, const char* caller) {
  Bin& bin = heap.bins[c.raw];
  if (is_listed(bin, p)) [[unlikely]]
    die_of_double_free(p, caller);
  if (!slab::is_out(p, c)) [[unlikely]]
    slab::die_of_invalid(caller, p);
  if (bin.limit == 0) {  // it has no size yet, or lost it to another
    make_room(heap, c, caller);
    watch(heap, c, bin.watched);
  }
  if (bin.previous_count >= 2 * bin.limit) {
    bin.watched = 0;
    return false;
  }
  auto* const object = static_cast<Object*>(p);
  object->next = bin.previous;
  bin.previous = object;
  ++bin.previous_count;
  --bin.watched;
  return true;
}

}  // namespace ashlar::heap

// heap: misuse that shows in a thread's magazines. The fast paths look at nothing, so a block that is freed twice makes
// a list with a loop, and a pointer that is no block's lies in a list: seen here, when a free misses, now and then, and
// when the process ends.
#include "base/hints.h"
#include "base/misuse.h"
#include "heap/bins.h"
#include "heap/lost.h"
#include "heap/named_bins.h"
#include "heap/redzone.h"

namespace ashlar::heap {

namespace {

constexpr unsigned kLooks = 64;  // objects of each magazine that are compared with those of the other at exit

// Whose objects a list holds: of a size class, or of a named cache. Where an object starts, whether a link can be one,
// and what is said of it.
struct OfClass {
  SizeClass size_class;

  [[nodiscard]] static const void* start_of(const Object* link) { return link; }
  [[nodiscard, gnu::always_inline]] bool owns(const Object* link) const { return page::class_of(link) == size_class; }
  [[nodiscard]] static const void* around(const void* p) { return slab::object_around(p); }
  static constexpr const char* kCaller = "free()";
  [[noreturn, gnu::cold]] void die(const Object* link, std::string_view what) const;
};

struct OfCache {
  const slab::NamedCache& named;

  [[nodiscard]] const void* start_of(const Object* link) const {
    return reinterpret_cast<const char*>(link) - named.info.link;
  }
  [[nodiscard]] bool owns(const Object* link) const { return page::named_of(link) == named.info.number; }
  [[nodiscard]] static const void* around(const void* p) { return slab::named_object_around(p); }
  static constexpr const char* kCaller = "ashlar_cache_free()";
  [[noreturn, gnu::cold]] void die(const Object* link, std::string_view what) const;
};

void OfClass::die(const Object* link, std::string_view what) const {
  Text<300> line;
  line << "free(): corrupt list of free blocks of " << slab::size_of(size_class) << " bytes at ";
  line.pointer(link) << ": a block was " << what;
  os::say(line.view());
  os::die();
}

void OfCache::die(const Object* link, std::string_view what) const {
  char names[100];
  slab::write_names_of_misuse(named.info.number, names, sizeof names);
  Text<300> line;
  line << "ashlar_cache_free(): corrupt list of free objects of the cache \"" << std::string_view(names) << "\" at ";
  line.pointer(start_of(link)) << ": an object was " << what;
  os::say(line.view());
  os::die();
}

// Aborts if an object, which a list leads to, is none.
template <class Of>
[[gnu::always_inline]] inline void check_object(const Of& of, const Object* link) {
  if (reinterpret_cast<std::uintptr_t>(link) >> kAddressBits != 0 || !of.owns(link)) [[unlikely]]
    of.die(link, "written to after it was freed");
  const void* const start = of.start_of(link);
  if (of.around(start) != start) [[unlikely]]
    slab::die_of_invalid(Of::kCaller, start);
}

// A list of `count` objects, or of one more or less, as a signal handler may have interrupted malloc or free.
template <class Of>
[[gnu::always_inline]] inline void verify_list(const Of& of, const Object* link, std::uint32_t count) {
  for (std::uint32_t n = 0; link != nullptr; ++n, link = link->next) {
    if (n > count) of.die(link, "freed twice");
    check_object(of, link);
  }
}

// A block that was freed twice may lie in both magazines.
template <class Of>
void compare_lists(const Of& of, const Object* loaded, const Object* previous) {
  for (unsigned i = 0; i < kLooks && loaded != nullptr; ++i, loaded = loaded->next) {
    const Object* other = previous;
    for (unsigned k = 0; k < kLooks && other != nullptr; ++k, other = other->next) {
      if (other == loaded) die_of_double_free(of.start_of(loaded), Of::kCaller);
    }
  }
}

bool more_room_than_it_has(const Heap& heap, unsigned c) {
  return heap.loaded.room(c) > heap.bins[c].capacity + std::uint32_t{1};
}

}  // namespace

void die_of_double_free(const void* p, const char* caller) {
  const CacheNumber number = page::named_of(p);
  MisuseLine line = double_free(caller, p, number != 0 ? "object" : "block");
  line << " (it is in this thread's free list)";
  if (number != 0) {
    char names[100];
    slab::write_names_of_misuse(number, names, sizeof names);
    line << " in the cache \"" << std::string_view(names) << "\"";
  }
  os::say(line.view());
  os::die();
}

[[ASHLAR_ALWAYS_RUN]] void check_rooms(const Heap& heap) {
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    if (more_room_than_it_has(heap, c)) OfClass{SizeClass(c)}.die(heap.loaded.first(c), "freed twice");
  }
}

[[ASHLAR_ALWAYS_RUN]] bool may_lack_pages() { return in_forked_child && !page::arenas_are_whole(); }

void verify_named(const Heap& heap, const slab::NamedCache& named, bool lacks_pages) {
  NamedBins* const bins = __atomic_load_n(&heap.named, __ATOMIC_ACQUIRE);  // pairs with the release in open_bins
  if (bins == nullptr) return;
  const std::size_t n = named.info.number;
  NamedBin& bin = bins->bins[n];
  if (lacks_pages) {
    bins->first[n] = readable_part(bins->first[n]);
    bin.previous = readable_part(bin.previous);
  }
  const std::uint32_t loaded = bin.capacity > bins->room[n] ? bin.capacity - std::uint32_t{bins->room[n]} : 0u;
  const OfCache of{named};
  verify_list(of, bins->first[n], loaded);
  verify_list(of, bin.previous, bin.previous_count);
  compare_lists(of, bins->first[n], bin.previous);
}

[[ASHLAR_ALWAYS_RUN]] void verify() {
  Heap& heap = *current;
  // nobody's page, which a process that allocates nothing has no other use for, is not read
  const bool has_none = &heap == &nobody;
  // a page may not be there in a child (MADV_DONTFORK)
  if ((has_none || !heap.busy) && !in_forked_child) check_freed_runs();
  if (has_none || heap.kind != Kind::kLive || heap.busy) return;
  check_rooms(heap);
  const bool lacks_pages = may_lack_pages();
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    Bin& bin = heap.bins[c];
    if (lacks_pages) {
      heap.loaded.first(c) = readable_part(heap.loaded.first(c));
      bin.previous = readable_part(bin.previous);
      heap.loaded.first(slab::kClasses + c) = readable_part(heap.loaded.first(slab::kClasses + c));
    }
    const std::uint32_t loaded =
        bin.capacity > heap.loaded.room(c) ? bin.capacity - std::uint32_t{heap.loaded.room(c)} : 0u;
    const OfClass of{SizeClass(c)};
    verify_list(of, heap.loaded.first(c), loaded);
    verify_list(of, bin.previous, bin.previous_count);
    verify_list(of, heap.loaded.first(drained(of.size_class)), drained_count(heap, of.size_class));
    compare_lists(of, heap.loaded.first(c), bin.previous);
  }
  for (unsigned n = 1; n < slab::numbers_in_use(); ++n) {
    verify_named(heap, *slab::named_at(static_cast<CacheNumber>(n)), lacks_pages);
  }
}

}  // namespace ashlar::heap

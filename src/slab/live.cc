// slab: the search for objects in use, for the message of a cache that cannot be destroyed, and the messages of misuse.
#include "base/misuse.h"
#include "slab/cache.h"

namespace ashlar::slab {

namespace {

constexpr unsigned kMaxObjects = 2048;  // of a slab: 32 KiB of the smallest, as detail::largest_order has it

struct Search {
  Cache& cache;
  const Cache* part;  // whose lock is held
  const ClassInfo& info;
  bool (*cached)(const Object* object);
  const void** objects;
  unsigned max;
  unsigned found = 0;

  void look_into(const Page* slab);
  void look_through(const page::Section& section, std::size_t stride);
};

// Under the lock of the slab's part. What was carved, and is neither on the slab's list nor cached, is in use.
void Search::look_into(const Page* slab) {
  std::uint64_t is_free[kMaxObjects / 64] = {};
  const std::uintptr_t base = page::page_address(slab);
  const std::uint32_t carved = std::uint32_t{slab->slab.in_use} + slab->slab.free_count;
  std::uintptr_t at = base + std::size_t{slab->slab.first_free} * kMinAlign + info.link % kMinAlign;
  for (unsigned n = slab->slab.free_count; n > 0; --n) {
    const std::size_t index = (at - base) / info.size;
    if (index < kMaxObjects) is_free[index / 64] |= std::uint64_t{1} << (index % 64);
    at = reinterpret_cast<std::uintptr_t>(reinterpret_cast<const Object*>(at)->next);
  }
  for (std::uint32_t i = 0; i < carved && i < kMaxObjects && found < max; ++i) {
    if ((is_free[i / 64] >> (i % 64) & 1) != 0) continue;
    const std::uintptr_t start = base + std::size_t{i} * info.size;
    if (!cached(reinterpret_cast<const Object*>(start + info.link))) {
      objects[found++] = reinterpret_cast<const void*>(start);
    }
  }
}

void Search::look_through(const page::Section& section, std::size_t stride) {
  const Page* const first = section.descriptors[stride];
  if (first == nullptr) return;
  for (std::size_t i = 0; i < page::kPagesPerStride && found < max; ++i) {
    const std::size_t page = stride * page::kPagesPerStride + i;
    if (section.named[page] != info.number || page % Order(section.orders[page]).pages().raw != 0) continue;
    if (&part_of(cache, first + i) == part) look_into(first + i);
  }
}

}  // namespace

unsigned find_live(NamedCache& named, bool (*cached)(const Object* object), const void** objects, unsigned max) {
  Cache& cache = static_cast<WholeNamedCache&>(named).cache;
  Search search{cache, nullptr, named.info, cached, objects, max};
  for_parts(cache, [&](Cache& part) {
    const Guard guard(part.lock);
    search.part = &part;
    for (std::uintptr_t s = 0; s < page::kSections && search.found < max; ++s) {
      const page::Section* const section = page::section_of(s << page::kSectionShift);
      if (section == nullptr) continue;
      for (std::size_t stride = 0; stride < page::kSectionStrides; ++stride) search.look_through(*section, stride);
    }
  });
  return search.found;
}

void die_of_invalid(const char* caller, const void* p) {
  const CacheNumber number = page::named_of(p);
  const std::string_view kind = number != 0 ? "object" : "block";
  MisuseLine line = not_a_start(caller, p, kind);
  const void* const start = number != 0 || page::class_of(p).raw != 0 ? named_object_around(p) : nullptr;
  if (start == nullptr) {
    line << " (nothing is allocated there)";
  } else if (start == p) {
    line << " (no " << kind << " was allocated there, or it was freed before)";
  } else {
    add_inside(line, p, reinterpret_cast<std::uintptr_t>(start), info_of_slab(page::slab_of(p)).size, kind);
  }
  if (number != 0) {
    char names[100];
    write_names_of_misuse(number, names, sizeof names);
    line << " of the cache \"" << std::string_view(names) << "\"";
  }
  os::say(line.view());
  os::die();
}

void die_of_link(const void* object, std::size_t size) {
  Text<200> line;
  line << "malloc(): corrupt list of free blocks of " << size << " bytes at ";
  line.pointer(object) << ": the block was written to after it was freed";
  os::say(line.view());
  os::die();
}

}  // namespace ashlar::slab

// heap: misuse that shows in a thread's magazines. The fast paths look at nothing, so a block that is freed twice makes
// a list with a loop, and a pointer that is no block's lies in a list: seen here, when a free misses, now and then, and
// when the process ends.
#include "heap/bins.h"
#include "heap/redzone.h"

namespace ashlar::heap {

namespace {

constexpr unsigned kLooks = 64;  // objects of each magazine that are compared with those of the other at exit

[[noreturn, gnu::cold]] void die_of_list(SizeClass c, const void* object, const char* what) {
  Text<300> line;
  line << "free(): corrupt list of free blocks of " << slab::size_of(c) << " bytes at ";
  line.pointer(object) << ": " << what;
  os::say(line.view());
  os::die();
}

bool is_object_of(const Object* object, SizeClass c) {
  const auto address = reinterpret_cast<std::uintptr_t>(object);
  return address >> kAddressBits == 0 && page::class_of(object) == c;
}

// Aborts if an object, which a list leads to, is none.
void check_object(SizeClass c, const Object* object) {
  if (!is_object_of(object, c)) [[unlikely]]
    die_of_list(c, object, "a block was written to after it was freed");
  if (!slab::starts_object(object, c)) [[unlikely]]
    slab::die_of_invalid("free()", object);
}

// A list of `count` objects, or of one more or less, as a signal handler may have interrupted malloc or free.
void verify_list(SizeClass c, const Object* object, std::uint32_t count) {
  for (std::uint32_t n = 0; object != nullptr; ++n, object = object->next) {
    if (n > count) die_of_list(c, object, "a block was freed twice");
    check_object(c, object);
  }
}

// A block that was freed twice may lie in both magazines.
void compare_lists(const Object* loaded, const Object* previous) {
  for (unsigned i = 0; i < kLooks && loaded != nullptr; ++i, loaded = loaded->next) {
    const Object* other = previous;
    for (unsigned k = 0; k < kLooks && other != nullptr; ++k, other = other->next) {
      if (other == loaded) die_of_double_free(loaded, "free()");
    }
  }
}

bool more_room_than_it_has(const Heap& heap, unsigned c) {
  return heap.room[c] > heap.bins[c].capacity + std::uint32_t{1};
}

}  // namespace

void die_of_double_free(const void* p, const char* caller) {
  Text<200> line;
  line << caller << ": double free of ";
  line.pointer(p) << ": the block is already free (it is at hand for this thread)";
  os::say(line.view());
  os::die();
}

void check_rooms(const Heap& heap) {
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    if (more_room_than_it_has(heap, c)) die_of_list(SizeClass(c), heap.first[c], "a block was freed twice");
  }
}

void verify() {
  const Heap& heap = *current;
  if (!heap.busy) check_freed_runs();
  if (heap.kind != Kind::kLive || heap.busy) return;
  check_rooms(heap);
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    const Bin& bin = heap.bins[c];
    const std::uint32_t loaded = bin.capacity > heap.room[c] ? bin.capacity - std::uint32_t{heap.room[c]} : 0u;
    verify_list(SizeClass(c), heap.first[c], loaded);
    verify_list(SizeClass(c), bin.previous, bin.previous_count);
    compare_lists(heap.first[c], bin.previous);
  }
}

}  // namespace ashlar::heap

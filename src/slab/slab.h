// slab: caches of equal objects in slabs of 2^order pages, one cache a size class and node; and the depot, which
// exchanges whole magazines between threads. A slab belongs to its cache, never to a thread.
//
//   thread's bins ◄── magazines ──► depot ──► slabs (partial lists, fullest first) ──► pages
//
// All functions are thread-safe. Locking: each cache has a lock for its slabs (kCache) and one for its depot
// (kDepot); neither may be held by the caller.
//
// Defined in depot.cc, slabs.cc, live.cc and validate_slab.cc.
#pragma once

#include "page/page.h"
#include "slab/named_cache.h"
#include "slab/size_class.h"

namespace ashlar::slab {

// The link of a free object. It lies in the object's first word; if the program's bytes must be kept while the object
// is free, it lies in a word after those bytes (ClassInfo::link).
struct Object {
  Object* next;
};

// A list of free objects of one class, ended by null.
struct Magazine {
  Object* first = nullptr;
  std::uint32_t count = 0;
  bool fresh = false;  // all were just carved: no constructor ran yet
  explicit operator bool() const { return first != nullptr; }
};

// Returns free objects of a class: a magazine of any size from the node's depot, or up to `want` objects from its
// slabs. If the node has no memory, they come from the nearest node that has (page/nodes.h). Empty when there is none.
Magazine take(SizeClass size_class, std::uint32_t want, NodeId node = NodeId(0));

// How well a cache's slabs are filled. After frees in random order, a few cached objects may pin most slabs. Then
// magazines should not grow (kThin), or become smaller (kSparse).
enum class Filled : std::uint8_t { kWell, kThin, kSparse };

// Returns a magazine to the depot of the node that its first object lies on, or if that depot is full, each object to
// its slab. Aborts with a message that names `caller` if one of them is not an object of the class. With `hot`, a
// magazine whose objects were freed after those: if there is no room, small objects of that one go to the slabs, while
// they are in the processor's caches, and `*hot` is what the caller keeps in its place.
Filled return_to_depot(SizeClass size_class, Magazine magazine, const char* caller, Magazine* hot = nullptr);

// Returns objects to their slabs, bypassing the depot.
void return_to_slabs(SizeClass size_class, Magazine magazine, const char* caller);

// Empties all depots into the slabs and frees the empty slabs.
void shrink();

// The same in steps that are small enough for a call of malloc: `page::signals.shrink_epoch` asks for it. Returns
// whether there is more to do. A thread that reaps does all that is left.
void begin_shrink();
bool shrink_step();

// Empties the part of each depot that nobody needed since the last call (Bonwick & Adams 2001, 3.5: the working set).
// Called by kswapd. Returns whether a later call may free more.
[[gnu::cold]] bool reap();

// The state of a cache, for reports.
struct CacheCounts {
  std::size_t object_size = 0;
  std::uint64_t slabs = 0;
  std::uint64_t pages = 0;
  std::uint64_t capacity = 0;       // objects that fit in all slabs
  std::uint64_t out = 0;            // objects outside of slabs: live, in magazines, in the depot
  std::uint64_t depot_objects = 0;  // of these, those in the depot and in processors' stocks
  std::uint64_t depot_magazines = 0;
};
CacheCounts counts(SizeClass size_class);  // on all nodes
CacheCounts counts(SizeClass size_class, NodeId node);

// The first rule that does not hold, of a size class's cache, or of all and the named ones: lists, free lists, counts,
// the section table's marks, depots.
[[nodiscard, gnu::cold]] Broken validate(SizeClass size_class);
[[nodiscard, gnu::cold]] Broken validate();

// Returns whether an object starts at p, an address in a slab of the class.
inline bool starts_object(const void* p, SizeClass size_class) {
  const ClassInfo& info = info_of(size_class);
  const std::size_t bytes = page::slab_order(p).bytes();
  const auto offset = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(p) & (bytes - 1));
  return static_cast<std::uint32_t>(std::uint64_t{offset} * info.inverse >> 32) * info.size == offset;
}

// Returns whether p, in a slab of the class, starts an object that was handed out: it is not among the first of the
// slab's free objects.
bool is_out(const void* p, SizeClass size_class);

// Returns the start of the object around p. Precondition: class_of(p) is not 0.
const void* object_around(const void* p);
// The same for named caches. Precondition: named_of(p) is not 0.
const void* named_object_around(const void* p);

// Aborts with the message for a free of an address that is not the start of an object.
[[noreturn, gnu::cold]] void die_of_invalid(const char* caller, const void* p);

// Aborts because the link in a free object does not lead to an object.
[[noreturn, gnu::cold]] void die_of_link(const void* object, std::size_t size);

[[gnu::cold]] void lock_for_fork();
[[gnu::cold]] void unlock_in_parent();
[[gnu::cold]] void reset_in_child();

}  // namespace ashlar::slab

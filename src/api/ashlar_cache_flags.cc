// api: objects of named caches with the flags of an allocation, and from a node (include/ashlar/cache.h).
#include <cerrno>

#include "api/ashlar_cache.h"
#include "api/notices.h"
#include "api/refusal.h"
#include "base/bytes.h"
#include "base/hints.h"
#include "base/text.h"
#include "os/os.h"
#include "profile/profile.h"

namespace api = ashlar::api;
namespace slab = ashlar::slab;

namespace {

using Line = ashlar::Text<300>;

constexpr unsigned kAllocationFlags = ASHLAR_GFP_ZERO | ASHLAR_GFP_THISNODE | ASHLAR_GFP_NORETRY;

std::nullptr_t say(const Line& line) {
  ashlar::os::say(line.view());
  errno = EINVAL;
  return nullptr;
}

// Null, and a line with the function, the cache and what is wrong.
[[ASHLAR_ALWAYS_RUN]] std::nullptr_t refuse_allocation(const char* caller, const slab::Handle& handle,
                                                       std::string_view why) {
  Line line;
  line << caller << "(\"" << handle.name << "\"): " << why;
  return say(line);
}

// Of a cache that is not checked. Null: the calling thread's node.
void* allocate_flagged(slab::Handle& handle, const ashlar::page::Node* node, unsigned flags) {
  const bool this_node = (flags & ASHLAR_GFP_THISNODE) != 0 && ashlar::page::node_count() > 1;
  if (node == nullptr && !this_node) {
    if (void* const object = ashlar::heap::pop(handle)) return object;
  }
  const ashlar::NodeId there = node != nullptr ? node->id : ashlar::heap::own_node().id;
  void* const object =
      ashlar::heap::allocate_wished(*handle.named, {there, this_node, (flags & ASHLAR_GFP_NORETRY) == 0});
  if (object == nullptr) return api::out_of_memory(handle.size, ashlar::kMinAlign);
  if (ashlar::profile::active()) ashlar::profile::note_object(handle, object);
  return object;
}

// What all that take a node or flags have in common.
[[ASHLAR_ALWAYS_RUN]] void* allocate_by(const char* caller, ashlar_cache* cache, int node, unsigned flags) {
  if (cache == nullptr) {
    Line line;
    return say(line << caller << "(): the cache must not be NULL");
  }
  slab::Handle& handle = api::handle_of(cache);
  if (handle.number == 0) return ashlar_cache_alloc(cache);  // which refuses it
  if ((flags & ~kAllocationFlags) != 0) {
    ashlar::Text<100> why;
    why << "unknown flags ";
    why.hex(flags & ~kAllocationFlags) << ": expected ASHLAR_GFP_ZERO, THISNODE or NORETRY";
    return refuse_allocation(caller, handle, why.view());
  }
  const bool zero = (flags & ASHLAR_GFP_ZERO) != 0;
  if (zero && handle.named->ctor != nullptr)
    return refuse_allocation(caller, handle, "the cache has a constructor, whose work zeros would undo");
  const ashlar::page::Node* there = node != -1 ? ashlar::page::node_by_number(node) : nullptr;
  if (node != -1 && there == nullptr) {
    Line line;
    line << caller << "(\"" << handle.name << "\"): there is no node ";
    return say(api::write_signed(line, node));
  }
  if (ashlar::page::node_count() == 1) there = nullptr;
  const bool plain = there == nullptr && (flags & ~ASHLAR_GFP_ZERO) == 0;
  void* const object =
      plain || handle.checked != nullptr ? ashlar_cache_alloc(cache) : allocate_flagged(handle, there, flags);
  return object != nullptr && zero ? ashlar::clear_block(object, handle.size) : object;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void* ashlar_cache_zalloc(ashlar_cache* cache) noexcept {
  return allocate_by("ashlar_cache_zalloc", cache, -1, ASHLAR_GFP_ZERO);
}

[[ASHLAR_ALWAYS_RUN]] void* ashlar_cache_alloc_node(ashlar_cache* cache, int node) noexcept {
  return allocate_by("ashlar_cache_alloc_node", cache, node, 0);
}

[[ASHLAR_ALWAYS_RUN]] void* ashlar_cache_alloc_flags(ashlar_cache* cache, unsigned flags) noexcept {
  return allocate_by("ashlar_cache_alloc_flags", cache, -1, flags);
}

[[ASHLAR_ALWAYS_RUN]] void* ashlar_cache_alloc_node_flags(ashlar_cache* cache, int node, unsigned flags) noexcept {
  return allocate_by("ashlar_cache_alloc_node_flags", cache, node, flags);
}

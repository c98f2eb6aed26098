// api: the rest of realloc: blocks that grow or shrink in place, blocks that move, and those of checks and profiles.
#include "api/realloc.h"

#include <cerrno>

#include "api/foreign.h"
#include "api/notices.h"
#include "api/profiled.h"
#include "api/recorded.h"
#include "api/sanitizer.h"
#include "base/bytes.h"
#include "base/hints.h"
#include "heap/gate.h"
#include "heap/realm_calls.h"
#include "heap/scope.h"

namespace ashlar::api {

namespace {

// Moves a checked block to a new one on realloc, so that any further use of the old one is caught.
void* move_checked(void* p, std::size_t old_bytes, std::size_t size) {
  void* const fresh = api::malloc(size);
  if (fresh == nullptr) return nullptr;
  copy_block(fresh, p, old_bytes < size ? old_bytes : size);
  const int saved = errno;
  if (profile::active()) release_profiled(p);
  check::release(p, Form::kMalloc, kNoSize, "realloc()");
  errno = saved;
  return fresh;
}

// Moves the contents to a new block, and frees the old one.
[[ASHLAR_ALWAYS_RUN]] void* move(void* p, std::size_t old_bytes, std::size_t size) {
  const bool may_grow_on = size > old_bytes && !check::active() && (!profile::active() || size > slab::kMaxSmall);
  void* const copied = may_grow_on && old_bytes >= heap::kMinSparse ? heap::copy_sparse(p, size) : nullptr;
  void* const fresh = copied != nullptr ? copied : may_grow_on ? heap::allocate_growing(size) : api::malloc(size);
  if (fresh == nullptr) return may_grow_on ? out_of_memory(size, kMinAlign) : nullptr;
  if (may_grow_on && profile::active()) [[unlikely]]
    note_profiled(fresh, size);
  if (copied == nullptr) copy_block(fresh, p, old_bytes < size ? old_bytes : size);
  api::free(p);
  return fresh;
}

void* resize_in_place(void* p, std::size_t size) {
  return profile::active() ? resize_profiled(p, size) : heap::resize(p, size);
}

[[ASHLAR_ALWAYS_RUN]] void* realloc_plain(void* p, std::size_t size) {
  if (profile::active()) [[unlikely]] {
    void* moved = nullptr;
    if (page::class_of(p).raw == 0 && profile::reallocate_in(p, size, moved))
      return moved != nullptr ? moved : out_of_memory(size, kMinAlign);
  }
  if (void* const same = resize_in_place(p, size)) return same;
  const std::size_t bytes = heap::usable_bytes(p, "realloc()");
  if (bytes == 0) {
    if (heap::has_no_bytes(p)) return move(p, 0, size);
    void* const fresh = api::malloc(size);
    if (fresh == nullptr) return nullptr;
    const std::size_t old_bytes = foreign::usable_bytes(p, "realloc()");
    copy_block(fresh, p, old_bytes < size ? old_bytes : size);
    foreign::free(p, "realloc()");
    return fresh;
  }
  if (void* moved = nullptr; page::class_of(p).raw == 0 && heap::reallocate_in_realm(p, size, moved))
    return moved != nullptr ? moved : out_of_memory(size, kMinAlign);
  // a block that shrinks by more stays too, if there is no memory for a smaller one
  if (stays(bytes, size)) return p;
  if (size > bytes) return move(p, bytes, size);
  const Quiet quiet;
  if (void* const fresh = move(p, bytes, size)) return fresh;
  heap::tell_usable_bytes(p, "realloc()");  // it stays for lack of memory, whatever its requested size was
  return p;
}

[[gnu::noinline, gnu::cold]] void* realloc_checked(void* p, std::size_t size) {
  std::size_t bytes = 0;
  if (!check::find(p, bytes, "realloc()")) return realloc_plain(p, size);
  void* const same = profile::active() ? resize_checked_profiled(p, size) : check::resize(p, size);
  return same != nullptr ? same : move_checked(p, bytes, size);
}

// Serves a thread that may not enter: in place if the block shrinks, otherwise from the emergency memory.
[[gnu::noinline, gnu::cold]] void* realloc_apart(void* p, std::size_t size) {
  std::size_t bytes = 0;
  if (profile::active()) bytes = usable_of_sample(p, true);
  const bool known = bytes != 0 || (check::may_have_blocks() && check::find(p, bytes, "realloc()"));
  if (!known) bytes = heap::peek_usable_bytes(p);
  if (bytes == 0 && !known && !heap::has_no_bytes(p)) return out_of_memory(size, kMinAlign);
  if (size <= bytes) return p;
  void* const fresh = heap::allocate_emergency(size);
  if (fresh == nullptr) return out_of_memory(size, kMinAlign);
  copy_block(fresh, p, bytes);
  heap::defer(p);
  return fresh;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void* realloc_entered(void* p, std::size_t size) {
  if (sanitizer::has(p)) [[unlikely]]
    return sanitizer::realloc(p, size);
  if (record::Thread* const thread = record::begin()) [[unlikely]]
    return realloc_recorded(*thread, p, size);
  if (!check::active() && !profile::active() && heap::stays_in_run(p, size)) return p;
  const heap::DefaultHeap in_its_heap;  // a block that moves stays malloc's
  const heap::Entry entry;
  if (!entry || heap::interrupted() || check::interrupted()) [[unlikely]]
    return realloc_apart(p, size);
  if (profile::active() && profile::may_be_sample(p)) [[unlikely]] {
    if (void* same = nullptr; realloc_sample(p, size, same)) return same;
  }
  if (check::may_have_blocks()) [[unlikely]]
    return realloc_checked(p, size);
  return realloc_plain(p, size);
}

}  // namespace ashlar::api

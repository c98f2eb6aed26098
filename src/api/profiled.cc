// api: blocks that are samples of a profile.
#include "api/profiled.h"

#include <cerrno>

#include "base/bytes.h"
#include "heap/gate.h"
#include "heap/realm_calls.h"
#include "page/request.h"

namespace ashlar::api {

void* allocate_watched(std::size_t size, std::size_t alignment, Form form, bool& zeroed) {
  if (alignment <= kMinAlign) {
    if (void* const object = profile::allocate_unsampled(size)) {
      zeroed = false;
      return object;
    }
  }
  void* const p = profile::active() ? profile::allocate(size, alignment, form, zeroed)
                                    : check::allocate(size, alignment, form, zeroed);
  // samples and checked blocks do not come from the heap, which checks for requests on each of its misses
  if (page::request_waits() && !heap::interrupted() && !check::interrupted()) [[unlikely]]
    page::take_request();
  return p;
}

bool release_profiled(void* p) { return profile::release(p, "free()"); }

void note_profiled(void* p, std::size_t size) { profile::note(p, size); }

void* resize_profiled(void* p, std::size_t size) {
  if (page::class_of(p).raw != 0) return heap::resize(p, size);
  const profile::Moving moving = profile::begin_move(p);
  void* const same = heap::resize(p, size);
  profile::end_move(moving, same, size);
  return same;
}

void* resize_checked_profiled(void* p, std::size_t size) {
  const profile::Moving moving = profile::begin_move(p);
  void* const same = check::resize(p, size);
  profile::end_move(moving, same, size);
  return same;
}

bool realloc_sample(void* p, std::size_t size, void*& now) {
  std::size_t bytes = 0;
  if (!profile::find(p, bytes)) return false;
  const bool stays = size <= bytes && size > bytes / 2;
  if (heap::stays_in_slab(bytes, size) || stays) {
    profile::note_size(p, size);
    now = p;
    return true;
  }
  now = api::malloc(size);
  if (now == nullptr) return true;
  copy_block(now, p, bytes < size ? bytes : size);
  const int saved = errno;
  profile::release(p, "realloc()");
  errno = saved;
  return true;
}

std::size_t usable_of_sample(const void* p, bool apart) {
  std::size_t bytes = 0;
  const bool found = apart ? profile::find_apart(p, bytes) : profile::find(p, bytes);
  return found ? bytes : 0;
}

void* allocate_in_heap(heap::Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed) {
  return profile::active() ? profile::allocate_in(realm, size, alignment, zeroed)
                           : heap::allocate_in(realm, size, alignment, zeroed);
}

int profile_start(std::size_t rate) {
  const heap::Entry entry;  // no fork sees half of it
  if (!entry || heap::interrupted()) return EAGAIN;
  return profile::start(rate != 0 ? rate : kUsualRate) ? 0 : ENOMEM;
}

void profile_stop() { profile::stop(); }

int profile_dump(const char* path) {
  if (path == nullptr) return EINVAL;
  return profile::dump(path);
}

}  // namespace ashlar::api

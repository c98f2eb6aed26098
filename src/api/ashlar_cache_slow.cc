// api: allocating and freeing objects of named caches where the fast paths do not serve (include/ashlar/cache.h).
#include <cerrno>

#include "api/ashlar_cache.h"
#include "api/notices.h"
#include "api/refusal.h"
#include "check/check.h"
#include "os/os.h"
#include "profile/profile.h"

namespace ashlar::api {

namespace {

using slab::Handle;
using Line = Text<300>;

// Writes what p is instead of an object of the cache.
void say_wrong(const Handle& cache, const void* p) {
  Line line;
  line << "ashlar_cache_free(\"" << cache.name << "\"): ";
  line.pointer(p);
  if (const slab::NamedCache* const named = heap::named_around(p)) {
    char names[100];
    write_cache_names(named->info.number, names, sizeof names);
    line << " is an object of \"" << names << "\"";
  } else if (page::class_of(p).raw != 0) {
    line << " is a block of malloc's";
  } else {
    line << " is not an object of a cache";
  }
  os::say(line.view());
  errno = EINVAL;
}

// Off the profile first: another thread may get the address at once.
check::Taken release_checked(Handle& cache, void* object) {
  if (!profile::active()) return check::release_object(cache, object);
  const profile::Moving moving = profile::begin_move(object);
  const check::Taken taken = check::release_object(cache, object);
  if (taken == check::Taken::kDone) profile::end_freed(moving);
  else profile::end_move(moving, nullptr, 0);
  return taken;
}

}  // namespace

void* cache_alloc_miss(Handle& cache) {
  if (cache.fast_number == slab::kSeenNumber && cache.checked == nullptr) {
    if (void* const object = profile::take_object(cache)) return object;
  }
  if (cache.number == 0) {
    expect_cache("ashlar_cache_alloc()", &cache);
    return nullptr;
  }
  if (cache.checked != nullptr) {
    void* const checked = check::allocate_object(cache);
    if (checked != nullptr && profile::active()) profile::note(checked, cache.size);
    return checked != nullptr ? checked : out_of_memory(cache.size, kMinAlign);
  }
  void* const object = heap::allocate(*cache.named);
  if (object == nullptr) return out_of_memory(cache.size, kMinAlign);
  if (profile::active()) profile::note_object(cache, object);
  return object;
}

void cache_free_miss(Handle& cache, void* object) {
  if (object == nullptr) return;
  if (cache.fast_number == slab::kSeenNumber && profile::put_object(cache, object)) return;
  if (cache.number == 0) {
    expect_cache("ashlar_cache_free()", &cache);
    return;
  }
  if (check::may_have_blocks()) [[unlikely]] {
    const int kept = errno;
    const check::Taken taken = release_checked(cache, object);
    errno = taken == check::Taken::kOfAnother ? EINVAL : kept;
    if (taken != check::Taken::kUnchecked) return;
  }
  if (page::named_of(object) != cache.number || !page::is_address(object)) {
    say_wrong(cache, object);
    if (cache.checked != nullptr) check::end_of_misuse();
    return;
  }
  const int saved = errno;
  if (profile::active()) profile::release_object(object);
  heap::release(*cache.named, object, "ashlar_cache_free()");
  errno = saved;
}

}  // namespace ashlar::api

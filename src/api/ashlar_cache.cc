// api: named caches, as documented in include/ashlar/cache.h: their arguments, errors and messages.
#include "api/ashlar_cache.h"

#include <bit>
#include <cerrno>

#include "api/notices.h"
#include "api/refusal.h"
#include "check/check.h"
#include "heap/quiet.h"
#include "os/os.h"

namespace ashlar::api {

namespace {

using slab::Handle;
using Line = Text<300>;

static_assert(ASHLAR_CACHE_NAME_MAX == slab::kMaxName && ASHLAR_CACHE_SIZE_MAX == slab::kMaxNamedSize &&
              ASHLAR_CACHE_HANDLES_MAX == slab::kMaxHandles && ASHLAR_CACHE_DISTINCT_MAX == slab::kNumbers - 1);

constexpr unsigned kChecks =
    ASHLAR_CACHE_CONSISTENCY_CHECKS | ASHLAR_CACHE_RED_ZONE | ASHLAR_CACHE_POISON | ASHLAR_CACHE_STORE_USER;
constexpr unsigned kFlags = ASHLAR_CACHE_HWALIGN | ASHLAR_CACHE_NO_MERGE | kChecks;
constexpr std::string_view kKnownFlags =
    ": it takes ASHLAR_CACHE_HWALIGN, NO_MERGE, CONSISTENCY_CHECKS, RED_ZONE, POISON and STORE_USER";
// The flags of checks are the letters of slab_debug, shifted.
constexpr unsigned kChecksShift = 2;
static_assert(ASHLAR_CACHE_CONSISTENCY_CHECKS >> kChecksShift == static_cast<unsigned>(SlabDebug::kConsistency) &&
              ASHLAR_CACHE_RED_ZONE >> kChecksShift == static_cast<unsigned>(SlabDebug::kRedZone) &&
              ASHLAR_CACHE_POISON >> kChecksShift == static_cast<unsigned>(SlabDebug::kPoison) &&
              ASHLAR_CACHE_STORE_USER >> kChecksShift == static_cast<unsigned>(SlabDebug::kUser));
constexpr unsigned kShownObjects = 3;

void say(const Line& line, int error) {
  os::say(line.view());
  errno = error;
}

// Writes a line with the name and what is wrong with it. Returns null.
std::nullptr_t refuse_creation(const char* name, std::string_view why, int error) {
  Line line;
  line << "ashlar_cache_create(\"" << first(name != nullptr ? name : "", 40) << "\"): " << why;
  say(line, error);
  return nullptr;
}

std::nullptr_t refuse_cache_flags(const char* name, unsigned flags) {
  Text<150> why;
  why << "unknown flags ";
  why.hex(flags) << kKnownFlags;
  return refuse_creation(name, why.view(), EINVAL);
}

bool printable(std::string_view name) {
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return false;
  }
  return true;
}

// Returns why reports and the option slab_debug could not tell a name from others, or null. mm/slab_common.c likewise
// refuses names that confuse parsers.
const char* ambiguity(std::string_view name) {
  for (const char c : name) {
    if (c == ',' || c == ' ') return "the name has a comma or a space, which separate names in reports and in options";
  }
  if (has_prefix(name, "malloc-")) return "the name starts with \"malloc-\", like those of malloc's size classes";
  return nullptr;
}

// Returns what is wrong with a name of valid length, or null.
const char* fault_of_name(std::string_view name) {
  return printable(name) ? ambiguity(name) : "the name has control characters";
}

const char* reason(slab::Made made) {
  switch (made) {
    case slab::Made::kTooMany: return "there are too many caches: at most 4096";
    default: return "out of memory";
  }
}

int error_of(slab::Made made) { return made == slab::Made::kTooMany ? ENOSPC : ENOMEM; }

void say_held(const Handle& cache, unsigned pools) {
  Line line;
  line << "ashlar_cache_destroy(\"" << cache.name << "\"): " << std::uint64_t{pools}
       << (pools == 1 ? " memory pool takes" : " memory pools take") << " elements from it";
  say(line, EBUSY);
}

void say_busy(const Handle& cache, std::uint64_t live) {
  const void* objects[kShownObjects] = {};
  unsigned found = kShownObjects;
  if (cache.checked == nullptr) found = heap::find_live(*cache.named, objects, kShownObjects);
  else if (check::live_objects(cache, objects, kShownObjects) < found) found = static_cast<unsigned>(live);
  Line line;
  line << "ashlar_cache_destroy(\"" << cache.name << "\"): " << live << (live == 1 ? " object is" : " objects are")
       << " still in use";
  for (unsigned i = 0; i < found; ++i) {
    line << (i == 0 ? ", at " : ", ");
    line.pointer(objects[i]);
  }
  if (live > found && found != 0) line << ", ...";
  say(line, EBUSY);
}

[[gnu::noinline]] Handle* known_cache(const void* cache) {
  const heap::Quiet quiet;
  return slab::known(cache);
}

}  // namespace

Handle* expect_cache(const char* caller, const void* cache) {
  Handle* const handle = known_cache(cache);
  if (handle == nullptr) refuse_address(caller, cache, "is not a cache, or was destroyed");
  return handle;
}

[[gnu::noinline]] void write_cache_names(CacheNumber number, char* name, std::size_t bytes) {
  const heap::Quiet quiet;
  slab::write_names(number, name, bytes);
}

[[gnu::noinline]] bool hold_cache(const void* cache) {
  const heap::Quiet quiet;
  return slab::hold(cache);
}

[[gnu::noinline]] void let_cache_go(const void* cache) {
  const heap::Quiet quiet;
  slab::let_go(cache);
}

namespace {

[[gnu::noinline]] Handle* create(const slab::Wanted& wanted, slab::Made& made) {
  const heap::Quiet quiet;
  return slab::create(wanted, made);
}

[[gnu::noinline]] void destroy_empty(Handle& cache) {
  const heap::Quiet quiet;
  slab::destroy(&cache, UINT64_MAX);  // it has no slabs
}

[[gnu::noinline]] unsigned pools_holding(const Handle& cache) {
  const heap::Quiet quiet;
  return slab::pools_of(cache);
}

[[gnu::noinline]] bool open_checked(Handle& cache, unsigned letters) {
  const heap::Quiet quiet;
  return check::open_cache(cache, letters);
}

// Has a new cache checked, if its flags or the options want it. False without memory: then there is no cache.
bool open(Handle& cache, unsigned flags) {
  const unsigned letters = (flags & kChecks) >> kChecksShift;
  if (letters == 0 && !check::active()) return true;
  if (open_checked(cache, letters)) return true;
  destroy_empty(cache);
  return false;
}

int destroy_checked(Handle& cache) {
  if (const unsigned pools = pools_holding(cache)) {
    say_held(cache, pools);
    return -1;
  }
  if (const std::uint64_t live = check::live_objects(cache, nullptr, 0)) {
    say_busy(cache, live);
    return -1;
  }
  check::close_cache(cache);
  destroy_empty(cache);
  return 0;
}

// How long ashlar_cache_destroy waits for other threads that move free objects of the cache to its slabs. A move takes
// microseconds; only a stopped thread takes longer.
constexpr std::uint64_t kMaxMovingMs = 1000;

[[gnu::noinline]] slab::InUse try_to_destroy(Handle& cache) {
  const heap::Quiet quiet;
  return slab::destroy(&cache, heap::cached_objects(*cache.named));
}

slab::InUse destroy_unchecked(Handle& cache) {
  const std::uint64_t start = os::now_ms();
  for (;;) {
    heap::shrink(*cache.named);
    const slab::Moves moves = slab::moves_of(*cache.named);
    const slab::InUse in_use = try_to_destroy(cache);
    if (in_use.objects == 0) return in_use;
    if (moves.settled() && slab::moves_of(*cache.named) == moves) return in_use;
    if (os::now_ms() - start > kMaxMovingMs) return in_use;
    os::pause();
  }
}

}  // namespace

}  // namespace ashlar::api

namespace api = ashlar::api;
namespace slab = ashlar::slab;

ashlar_cache* ashlar_cache_create(const char* name, size_t size, size_t align, unsigned flags,
                                  void (*constructor)(void*)) noexcept {
  const std::string_view text = name != nullptr ? name : "";
  if (text.empty()) return api::refuse_creation(name, "a cache needs a name", EINVAL);
  if (text.size() > slab::kMaxName)
    return api::refuse_creation(name, "the name has more than 31 characters", ENAMETOOLONG);
  if (const char* const fault = api::fault_of_name(text))
    return api::refuse_creation(api::printable(text) ? name : "?", fault, EINVAL);
  if (size == 0) return api::refuse_creation(name, "the size is 0", EINVAL);
  if (size > slab::kMaxNamedSize) return api::refuse_creation(name, "the size is above 256 KiB", EINVAL);
  if (align != 0 && !std::has_single_bit(align))
    return api::refuse_creation(name, "the alignment is not a power of two", EINVAL);
  if (align > slab::kMaxNamedSize) return api::refuse_creation(name, "the alignment is above 256 KiB", EINVAL);
  if ((flags & ~api::kFlags) != 0) return api::refuse_cache_flags(name, flags & ~api::kFlags);
  slab::Wanted wanted{text, size, align, constructor};
  wanted.line_aligned = (flags & ASHLAR_CACHE_HWALIGN) != 0;
  wanted.may_merge = (flags & (ASHLAR_CACHE_NO_MERGE | api::kChecks)) == 0;
  slab::Made made = slab::Made::kDone;
  slab::Handle* const handle = api::create(wanted, made);
  if (handle == nullptr) return api::refuse_creation(name, api::reason(made), api::error_of(made));
  if (!api::open(*handle, flags)) return api::refuse_creation(name, "out of memory for its checks", ENOMEM);
  return reinterpret_cast<ashlar_cache*>(handle);
}

int ashlar_cache_destroy(ashlar_cache* cache) noexcept {
  if (cache == nullptr) return 0;
  slab::Handle* const handle = api::expect_cache("ashlar_cache_destroy()", cache);
  if (handle == nullptr) return -1;
  if (handle->checked != nullptr) return api::destroy_checked(*handle);
  const slab::InUse in_use = api::destroy_unchecked(*handle);
  if (!in_use) return 0;
  if (in_use.pools != 0) api::say_held(*handle, in_use.pools);
  else api::say_busy(*handle, in_use.objects);
  return -1;
}

int ashlar_cache_shrink(ashlar_cache* cache) noexcept {
  slab::Handle* const handle = api::expect_cache("ashlar_cache_shrink()", cache);
  if (handle == nullptr) return -1;
  if (handle->checked != nullptr) ashlar::check::shrink_cache(*handle);
  else ashlar::heap::shrink(*handle->named);
  return 0;
}

size_t ashlar_cache_size(const ashlar_cache* cache) noexcept {
  const slab::Handle* const handle = api::expect_cache("ashlar_cache_size()", cache);
  return handle != nullptr ? handle->size : 0;
}

const char* ashlar_cache_name(const ashlar_cache* cache) noexcept {
  const slab::Handle* const handle = api::expect_cache("ashlar_cache_name()", cache);
  return handle != nullptr ? handle->name : nullptr;
}

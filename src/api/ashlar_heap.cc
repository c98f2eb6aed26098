// api: heaps with a lifetime, as documented in include/ashlar/heap.h: their arguments, errors and messages.
#include "api/ashlar_heap.h"

#include <bit>
#include <cerrno>

#include "api/api.h"
#include "api/profiled.h"
#include "api/refusal.h"
#include "base/bytes.h"
#include "heap/gate.h"
#include "heap/scope.h"
#include "os/os.h"

namespace ashlar::api {

namespace {

using heap::Realm;
using heap::RealmBlock;

static_assert(ASHLAR_HEAP_NAME_MAX == heap::kMaxRealmName && ASHLAR_HEAP_PUSH_MAX == 64);

Realm* check(const char* caller, const ashlar_heap* handle) {
  auto* const realm = reinterpret_cast<Realm*>(const_cast<ashlar_heap*>(handle));
  if (heap::is_live(realm)) return realm;
  if (handle == nullptr) refuse(caller, "the heap must not be NULL");
  else refuse_address(caller, handle, "is not a heap, or was ended");
  return nullptr;
}

void* out_of_memory() {
  errno = ENOMEM;
  return nullptr;
}

std::nullptr_t refuse_creation(std::string_view why, int error) {
  refuse("ashlar_heap_create()", why);
  errno = error;
  return nullptr;
}

bool is_printable(std::string_view name) {
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return false;
  }
  return true;
}

// Allocates a block of a heap. Writes a line if another thread ended the heap meanwhile.
void* take_block(const char* caller, Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed) {
  if (size > PTRDIFF_MAX || alignment > PTRDIFF_MAX - size) return out_of_memory();
  if (void* const p = allocate_in_heap(realm, size, alignment, zeroed)) return p;
  return check(caller, reinterpret_cast<ashlar_heap*>(&realm)) != nullptr ? out_of_memory() : nullptr;
}

// Returns the block of a realm that contains p. Returns null, and writes a line, if it is another realm's, or none.
RealmBlock* check_block(const char* caller, const Realm& realm, const void* p) {
  RealmBlock* const block = heap::realm_block_around(p);
  const Realm* const owner = block != nullptr ? &heap::realm_of(*block) : nullptr;
  if (owner == &realm) return block;
  Text<300> line;
  line << caller << ": ";
  line.pointer(p) << " is not a block of the heap \"" << realm.name << "\"";
  if (heap::is_live(owner)) line << ", but of \"" << owner->name << "\"";
  else line << (owner != nullptr || page::class_of(p).raw != 0 ? ", but of the default heap" : "");
  line << ": nothing is done";
  os::say(line.view());
  errno = EINVAL;
  return nullptr;
}

// Frees blocks that were deferred during a fork: some may be the heap's, and must not be freed after its end. Like the
// heap's lock, this waits for the end of a fork.
[[gnu::noinline]] bool try_to_free_deferred() {
  const heap::Entry entry;
  if (!entry) return false;
  heap::for_deferred([](void* p, std::uint8_t how) { free_as(p, static_cast<Form>(how), kNoSize); });
  return true;
}

void free_deferred() {
  if (heap::interrupted()) return;
  while (heap::has_deferred() && !try_to_free_deferred()) os::pause();
  while (heap::frees_deferred()) os::pause();  // another thread frees them
}

int refuse_busy(const char* caller, const ashlar_heap* handle) {
  refuse_address(caller, handle, "is pushed by a thread: pop it first");
  errno = EBUSY;
  return -1;
}

int end(const char* caller, ashlar_heap* handle, heap::End how) {
  if (handle == nullptr) return 0;
  Realm* const realm = check(caller, handle);
  if (realm == nullptr) return -1;
  free_deferred();
  // one that is pushed does not end
  if (how == heap::End::kFree && profile::active() && !heap::is_pushed(*realm)) profile::forget_all_in(*realm);
  return heap::finish_realm(*realm, how) ? 0 : refuse_busy(caller, handle);
}

}  // namespace

void* heap_malloc_miss(ashlar_heap* handle, std::size_t size) {
  Realm* const realm = check(kMalloc, handle);
  bool zeroed = false;
  return realm != nullptr ? take_block(kMalloc, *realm, size, kMinAlign, zeroed) : nullptr;
}

void* allocate_of(const char* caller, ashlar_heap* handle, std::size_t size, std::size_t alignment, bool& zeroed) {
  Realm* const realm = check(caller, handle);
  if (realm == nullptr) return nullptr;
  void* const p = alignment <= kMinAlign ? heap::pop(*realm, size) : nullptr;
  return p != nullptr ? p : take_block(caller, *realm, size, alignment, zeroed);
}

bool owns_block(const char* caller, ashlar_heap* handle, const void* block) {
  const Realm* const realm = check(caller, handle);
  return realm != nullptr && check_block(caller, *realm, block) != nullptr;
}

void* resize_of(void* block, std::size_t size) {
  void* moved = nullptr;
  if (size <= PTRDIFF_MAX) {
    if (profile::active()) profile::reallocate_in(block, size, moved);
    else heap::reallocate_in_realm(block, size, moved);
  }
  return moved != nullptr ? moved : out_of_memory();
}

void heap_free_miss(ashlar_heap* handle, void* p) {
  const int saved = errno;
  Realm* const realm = p != nullptr ? check(kFree, handle) : nullptr;
  if (realm == nullptr) return;
  RealmBlock* const found = check_block(kFree, *realm, p);
  if (found == nullptr) return;
  const bool waits = profile::active() && release_profiled(p);  // in a signal handler
  if (!waits && !heap::release_in(*found, p, kFree)) heap::defer(p);
  errno = saved;
}

}  // namespace ashlar::api

namespace api = ashlar::api;
namespace heap = ashlar::heap;

ashlar_heap* ashlar_heap_create(const char* name, unsigned flags) noexcept {
  const std::string_view text = name != nullptr ? name : "";
  if (flags != 0) return api::refuse_flags("ashlar_heap_create()", flags, "0");
  if (text.size() > ASHLAR_HEAP_NAME_MAX)
    return api::refuse_creation("the name has more than 31 characters", ENAMETOOLONG);
  if (!api::is_printable(text)) return api::refuse_creation("the name has control characters", EINVAL);
  heap::Realm* const realm = heap::begin_realm(text);
  if (realm == nullptr) errno = ENOMEM;
  return reinterpret_cast<ashlar_heap*>(realm);
}

int ashlar_heap_destroy(ashlar_heap* heap) noexcept {
  return api::end("ashlar_heap_destroy()", heap, heap::End::kFree);
}

int ashlar_heap_delete(ashlar_heap* heap) noexcept { return api::end("ashlar_heap_delete()", heap, heap::End::kLeave); }

int ashlar_heap_reset(ashlar_heap* heap) noexcept {
  heap::Realm* const realm = api::check("ashlar_heap_reset()", heap);
  if (realm == nullptr) return -1;
  api::free_deferred();
  if (ashlar::profile::active()) ashlar::profile::forget_all_in(*realm);
  heap::reset(*realm);
  return 0;
}

void* ashlar_heap_zalloc(ashlar_heap* heap, size_t size) noexcept {
  constexpr const char* kCaller = "ashlar_heap_zalloc()";
  bool zeroed = false;
  void* const p = api::allocate_of(kCaller, heap, size, ashlar::kMinAlign, zeroed);
  return p == nullptr || zeroed ? p : ashlar::clear_block(p, size);
}

void* ashlar_heap_memalign(ashlar_heap* heap, size_t alignment, size_t size) noexcept {
  constexpr const char* kCaller = "ashlar_heap_memalign()";
  heap::Realm* const realm = api::check(kCaller, heap);
  if (realm == nullptr) return nullptr;
  if (!std::has_single_bit(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  bool zeroed = false;
  return api::take_block(kCaller, *realm, size, alignment, zeroed);
}

void* ashlar_heap_realloc(ashlar_heap* heap, void* block, size_t size) noexcept {
  constexpr const char* kCaller = "ashlar_heap_realloc()";
  bool zeroed = false;
  if (block == nullptr) return api::allocate_of(kCaller, heap, size, ashlar::kMinAlign, zeroed);
  if (!api::owns_block(kCaller, heap, block)) return nullptr;
  if (size == 0) {
    ashlar_heap_free(heap, block);
    return nullptr;
  }
  return api::resize_of(block, size);
}

int ashlar_heap_push(ashlar_heap* heap) noexcept {
  constexpr const char* kCaller = "ashlar_heap_push()";
  heap::Realm* const realm = api::check(kCaller, heap);
  if (realm == nullptr) return -1;
  const heap::Pushed pushed = heap::push_realm(*realm);
  if (pushed == heap::Pushed::kDone) return 0;
  if (pushed == heap::Pushed::kTooMany) api::refuse(kCaller, "this thread has pushed 64 heaps: pop one first");
  if (pushed == heap::Pushed::kTooMany || pushed == heap::Pushed::kNoRoom) errno = ENOMEM;
  else api::check(kCaller, heap);
  return -1;
}

int ashlar_heap_pop() noexcept {
  if (heap::pop_realm()) return 0;
  api::refuse("ashlar_heap_pop()", "this thread has pushed no heap");
  return -1;
}

size_t ashlar_heap_trim(ashlar_heap* heap) noexcept {
  heap::Realm* const realm = api::check("ashlar_heap_trim()", heap);
  return realm != nullptr ? heap::trim(*realm) : 0;
}

int ashlar_heap_set_limit(ashlar_heap* heap, size_t bytes, ashlar_heap_limit_fn* reached, void* data) noexcept {
  heap::Realm* const realm = api::check("ashlar_heap_set_limit()", heap);
  if (realm == nullptr) return -1;
  heap::set_limit(*realm, bytes, reached, data);
  return 0;
}

int ashlar_heap_adopt(ashlar_heap* heap) noexcept {
  heap::Realm* const realm = api::check("ashlar_heap_adopt()", heap);
  if (realm == nullptr) return -1;
  heap::adopt(*realm);
  return 0;
}

int ashlar_heap_stats(ashlar_heap* heap, struct ashlar_heap_figures* figures) noexcept {
  constexpr const char* kCaller = "ashlar_heap_stats()";
  heap::Realm* const realm = api::check(kCaller, heap);
  if (realm == nullptr) return -1;
  if (figures == nullptr) {
    api::refuse(kCaller, "the pointer to the figures must not be NULL");
    return -1;
  }
  const heap::RealmCounts n = heap::count(*realm);
  *figures = {n.bytes, n.max_bytes, n.limit, n.live_blocks, n.live_bytes, n.bins_bytes, n.chunks, n.larges};
  return 0;
}

int ashlar_heap_visit(ashlar_heap* heap, ashlar_heap_visit_fn* visit, void* data) noexcept {
  constexpr const char* kCaller = "ashlar_heap_visit()";
  heap::Realm* const realm = api::check(kCaller, heap);
  if (realm == nullptr) return -1;
  if (visit == nullptr) {
    api::refuse(kCaller, "the function to visit blocks must not be NULL");
    return -1;
  }
  return heap::visit_realm(*realm, visit, data);
}

ashlar_heap* ashlar_heap_of(const void* block) noexcept {
  const heap::RealmBlock* const found = heap::realm_block_around(block);
  heap::Realm* const realm = found != nullptr ? &heap::realm_of(*found) : nullptr;
  return heap::is_live(realm) ? reinterpret_cast<ashlar_heap*>(realm) : nullptr;
}

const char* ashlar_heap_name(const ashlar_heap* heap) noexcept {
  const heap::Realm* const realm = api::check("ashlar_heap_name()", heap);
  return realm != nullptr ? realm->name : nullptr;
}

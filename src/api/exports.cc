// api: the ashlar_ functions of include/ashlar/ashlar.h.
#include "ashlar/ashlar.h"

#include "api/notices.h"
#include "api/profiled.h"

namespace api = ashlar::api;

// Referred to by preload/malloc.cc. A program and a library that both link the archive share one heap only if the
// library has these functions too.
extern "C" {
[[gnu::visibility("hidden")]] extern const char ashlar_exports_member = 0;
}

const char* ashlar_version() noexcept { return ASHLAR_VERSION; }

void* ashlar_malloc(std::size_t size) noexcept { return api::malloc(size); }
void ashlar_free(void* block) noexcept { api::free(block); }
void* ashlar_calloc(std::size_t count, std::size_t size) noexcept { return api::calloc(count, size); }
void* ashlar_realloc(void* block, std::size_t size) noexcept { return api::realloc(block, size); }
void* ashlar_reallocarray(void* block, std::size_t count, std::size_t size) noexcept {
  return api::reallocarray(block, count, size);
}
void* ashlar_aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return api::aligned_alloc(alignment, size);
}
void* ashlar_memalign(std::size_t alignment, std::size_t size) noexcept { return api::memalign(alignment, size); }
int ashlar_posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept {
  return api::posix_memalign(block, alignment, size);
}
void* ashlar_valloc(std::size_t size) noexcept { return api::valloc(size); }
void* ashlar_pvalloc(std::size_t size) noexcept { return api::pvalloc(size); }
std::size_t ashlar_malloc_usable_size(void* block) noexcept { return api::malloc_usable_size(block); }
void ashlar_cfree(void* block) noexcept { api::free(block); }
void ashlar_free_sized(void* block, std::size_t size) noexcept { api::free_as(block, api::Form::kMalloc, size); }
void ashlar_free_aligned_sized(void* block, std::size_t, std::size_t size) noexcept {
  api::free_as(block, api::Form::kMalloc, size);
}
int ashlar_profile_start(std::size_t rate) noexcept { return api::profile_start(rate); }
void ashlar_profile_stop() noexcept { api::profile_stop(); }
int ashlar_profile_dump(const char* path) noexcept { return api::profile_dump(path); }
int ashlar_on_failure(ashlar_failure_function* function, void* argument) noexcept {
  return api::add_listener(function, argument);
}
int ashlar_on_pressure(ashlar_pressure_function* function, void* argument) noexcept {
  return api::add_listener(function, argument);
}
int ashlar_off_failure(ashlar_failure_function* function, void* argument) noexcept {
  return api::remove_listener(function, argument);
}
int ashlar_off_pressure(ashlar_pressure_function* function, void* argument) noexcept {
  return api::remove_listener(function, argument);
}
std::size_t ashlar_validate() noexcept { return api::validate(); }
int ashlar_mallopt(int parameter, int value) noexcept { return api::mallopt(parameter, value); }
struct mallinfo ashlar_mallinfo() noexcept {
  return api::mallinfo();
}
struct mallinfo2 ashlar_mallinfo2() noexcept {
  return api::mallinfo2();
}
int ashlar_malloc_info(int options, std::FILE* stream) noexcept { return api::malloc_info(options, stream); }
void ashlar_malloc_stats() noexcept { api::malloc_stats(); }
int ashlar_malloc_trim(std::size_t) noexcept { return api::malloc_trim(); }
int ashlar_stats_snapshot(struct ashlar_stats* stats, std::size_t size) noexcept {
  return api::stats_snapshot(stats, size);
}

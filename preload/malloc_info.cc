// preload: the parameters and reports of malloc. They are weak, since a program may define some of them itself.
#include <malloc.h>

#include "api/api.h"

#define EXPORT extern "C" __attribute__((visibility("default"), weak))

namespace api = ashlar::api;

extern "C" {
[[gnu::visibility("hidden")]] extern const char ashlar_info_member = 0;
}

#pragma GCC diagnostic ignored \
    "-Wshadow"  // functions and structures with the same name, which musl's headers do not declare

EXPORT int mallopt(int parameter, int value) noexcept { return api::mallopt(parameter, value); }
EXPORT struct mallinfo mallinfo() noexcept { return api::mallinfo(); }
EXPORT struct mallinfo2 mallinfo2() noexcept { return api::mallinfo2(); }
EXPORT int malloc_info(int options, std::FILE* stream) noexcept { return api::malloc_info(options, stream); }
EXPORT void malloc_stats() noexcept { api::malloc_stats(); }
EXPORT int malloc_trim(std::size_t) noexcept { return api::malloc_trim(); }

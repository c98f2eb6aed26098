// api, private: blocks that are not Ashlar's. glibc's own allocator returned them to a library that was linked past us
// (RTLD_DEEPBIND, a direct binding) or before we were loaded (dlmopen, a late dlopen).
#pragma once

#include <cstddef>

// Returns the next definition of a symbol after this library's, for freeing such blocks, or null if there is none. Not
// defined in ashlar_core.
extern "C" __attribute__((weak)) void* ashlar_libc_symbol(const char* name);

namespace ashlar::api::foreign {

// Frees a block of glibc's. Aborts, and names the caller, if p does not look like one.
void free(void* p, const char* caller);

// Returns the usable bytes of a block of glibc's. Aborts like free.
std::size_t usable_bytes(const void* p, const char* caller);

}  // namespace ashlar::api::foreign

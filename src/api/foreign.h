// api, private: blocks that are not Ashlar's: glibc's own allocator handed them out to a library that was linked
// past us (RTLD_DEEPBIND, a direct binding) or before we were there (dlmopen, a late dlopen).
#pragma once

#include <cstddef>

// The next definition of a symbol after this library's, for handing such blocks back; null if there is none. Not
// defined in ashlar_core.
extern "C" __attribute__((weak)) void* ashlar_libc_symbol(const char* name);

namespace ashlar::api::foreign {

// Frees a block of glibc's. Aborts, naming the caller, if p does not look like one.
void free(void* p, const char* caller);

// The bytes usable at a block of glibc's. Aborts as free does.
std::size_t usable_bytes(const void* p, const char* caller);

}  // namespace ashlar::api::foreign

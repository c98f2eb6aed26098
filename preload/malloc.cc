// preload: malloc, free, calloc and realloc under their own names. A program that brings its own malloc defines at
// least these. There is no logic here; include/ashlar/ashlar.h says what each does.
#include <stdlib.h>

#include "api/api.h"
#include "base/hints.h"
#include "preload/replaced.h"

#define EXPORT extern "C" [[ASHLAR_ALWAYS_RUN]] __attribute__((visibility("default")))

namespace api = ashlar::api;

// Tells api/init.cc that malloc is replaced here.
extern "C" {
[[gnu::visibility("hidden")]] extern const char ashlar_malloc_member = 0;
}

// Pulls in the members of an archive that come with malloc: libraries of the program may call these even if the program
// does not. In a section of its own, as in api/api.cc.
asm(".pushsection .rodata.ashlar_members, \"a\", %progbits\n"
    "\t.hidden ashlar_aligned_member, ashlar_derived_member, ashlar_info_member, ashlar_exports_member\n"
    "\t.hidden ashlar_libc_symbol_member\n"
    "\t.byte 0\n"
    "\t.reloc 0, BFD_RELOC_NONE, ashlar_aligned_member\n"
    "\t.reloc 0, BFD_RELOC_NONE, ashlar_derived_member\n"
    "\t.reloc 0, BFD_RELOC_NONE, ashlar_info_member\n"
    "\t.reloc 0, BFD_RELOC_NONE, ashlar_exports_member\n"
    "\t.reloc 0, BFD_RELOC_NONE, ashlar_libc_symbol_member\n"
    "\t.popsection");

EXPORT void* malloc(std::size_t size) noexcept { return api::malloc(size); }
EXPORT void free(void* block) noexcept { api::free(block); }
EXPORT void* calloc(std::size_t count, std::size_t size) noexcept { return api::calloc(count, size); }
EXPORT void* realloc(void* block, std::size_t size) noexcept { return api::realloc(block, size); }

ASHLAR_OWN_NAME("ashlar_own_malloc", "malloc");
ASHLAR_OWN_NAME("ashlar_own_free", "free");
ASHLAR_OWN_NAME("ashlar_own_realloc", "realloc");

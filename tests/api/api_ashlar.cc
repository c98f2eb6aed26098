// Runs the interface's tests on the ashlar_ functions. These need no interposition, so this program runs under the
// sanitizers.
#include <ashlar/ashlar.h>

#include "api.h"

namespace ashlar_test {

const Api api = {
    "ashlar_malloc",       &ashlar_malloc,       &ashlar_free,
    &ashlar_calloc,        &ashlar_realloc,      &ashlar_reallocarray,
    &ashlar_aligned_alloc, &ashlar_memalign,     &ashlar_posix_memalign,
    &ashlar_valloc,        &ashlar_pvalloc,      &ashlar_malloc_usable_size,
    &ashlar_mallopt,       &ashlar_mallinfo,     &ashlar_mallinfo2,
    &ashlar_malloc_info,   &ashlar_malloc_stats, &ashlar_malloc_trim,
    &ashlar_cfree,         &ashlar_free_sized,   &ashlar_free_aligned_sized,
};

}  // namespace ashlar_test

// slab, private: the names of named caches. write_names and write_names_of_misuse are declared in named_cache.h.
#pragma once

#include "slab/cache.h"
#include "slab/named_cache.h"

namespace ashlar::slab {

// Gives a handle that is not listed yet a name that no other one has.
void set_name(Handle& handle, std::string_view given) ASHLAR_REQUIRES(registry.lock);

}  // namespace ashlar::slab

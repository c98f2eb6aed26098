// api, private: what realloc does in line, and what it leaves to realloc_slow.cc.
#pragma once

#include "api/api.h"

namespace ashlar::api {

// A block that shrinks by less than half stays.
inline bool stays(std::size_t bytes, std::size_t size) {
  return size <= bytes && size > bytes / 2 && bytes <= slab::kMaxSmall;
}

// The rest of realloc, once nothing in line serves it.
void* realloc_entered(void* p, std::size_t size);

}  // namespace ashlar::api

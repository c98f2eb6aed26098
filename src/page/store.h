// page, private: the store of Ashlar's own structures: memory is taken from the front of a mapping, and a new mapping
// made when it is used up. Nothing is given back. The mappings are chained, so that a reader from outside can tell
// which memory is metadata.
#pragma once

#include "page/page.h"

namespace ashlar::page {

// Stands at the start of each mapping.
struct StoreMapping {
  StoreMapping* older;
  std::size_t bytes;
};

struct Store {
  Lock<LockRank::kMetadata> lock;
  std::uintptr_t next = 0;  // protected by lock, like all below
  std::uintptr_t end = 0;
  std::size_t mapped = 0;
  StoreMapping* newest = nullptr;
};
extern Store store;

}  // namespace ashlar::page

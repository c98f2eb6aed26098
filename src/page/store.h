// page, private: the store of Ashlar's own structures: memory is taken from the front of a mapping, and a new mapping
// made when it is used up. Nothing is freed. The mappings are chained, so that a reader from outside can tell
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
  std::uintptr_t next ASHLAR_GUARDED_BY(lock) = 0;
  std::uintptr_t end ASHLAR_GUARDED_BY(lock) = 0;
  std::size_t mapped ASHLAR_GUARDED_BY(lock) = 0;
  StoreMapping* newest ASHLAR_GUARDED_BY(lock) = nullptr;
};
extern Store store;

}  // namespace ashlar::page

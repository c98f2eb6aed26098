// check, private: the records, pages and addresses of guarded blocks, and the quarantine of freed ones.
#pragma once

#include "check/regions.h"

namespace ashlar::check {

struct GuardedBlocks {
  Lock<LockRank::kGuarded> lock;
  Guarded* oldest ASHLAR_GUARDED_BY(lock) = nullptr;  // the quarantine
  Guarded* newest ASHLAR_GUARDED_BY(lock) = nullptr;
  Guarded* unused ASHLAR_GUARDED_BY(lock) = nullptr;
  std::uint32_t quarantined ASHLAR_GUARDED_BY(lock) = 0;
  std::size_t quarantined_bytes ASHLAR_GUARDED_BY(lock) = 0;
  // Blocks that have no place. Relaxed: a hint for messages.
  std::atomic<std::uint32_t> others{0};
  // All that ever were, linked by next_of_all; the unused have start 0. Release, acquire: each publishes what the new
  // first record holds. A reader from outside starts here, too.
  std::atomic<Guarded*> every{nullptr};
};
extern GuardedBlocks guarded_blocks;

// What a block takes, or nothing if its record is in use for no block, or for another one, by the end of the look.
struct Extent {
  std::uintptr_t start = 0;
  std::size_t bytes = 0;
  Guarded::Pages pages{};
  explicit operator bool() const { return start != 0; }
};
Extent extent_of(const Guarded& block);

// A record with pages for a block; null without memory, or in a signal handler.
Guarded* make_block(const Checks& checks, std::size_t size, std::size_t alignment, bool sampled, bool& tick_due);

// Enters a block into the map of regions, or takes it out, its start last and once: others see by it whether the place
// is taken, and may have entered a block of theirs there at once. The first returns
// false when there is no memory for the map.
bool enter_pages(Guarded* block);
void leave_pages(Guarded* block);

// Ends a block whose pages are not to be accessed again; those of a place are unmapped already. No search by address
// finds it from before they are unmapped, as the address may be another block's at once.
void end_block(Guarded* block);

// Keeps the addresses of a freed block for a while; what is too much ends.
void quarantine(Guarded* block);

}  // namespace ashlar::check

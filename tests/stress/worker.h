// The work of one thread in the stress tests: it allocates, hands blocks to other threads, resizes and frees. Every
// block carries a payload that is checked before it moves and before it is freed. The same seed gives the same choices.
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <array>
#include <utility>

#include "api/api.h"
#include "support/check.h"
#include "support/payload.h"

namespace ashlar_test {

constexpr size_t kSlots = 256;
constexpr size_t kShelves = 32;

// The place where blocks change owners. Each shelf has a lock, because ThreadSanitizer must see the test's
// synchronisation.
struct Shelf {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  std::array<Block, 8> blocks;
};
inline Shelf shelves[kShelves];

[[noreturn]] inline void fail(const char* what, const Block& block, size_t offset) {
  dprintf(2, "%s: block %p of %zu bytes, seed %#lx: wrong at offset %zu\n", what, static_cast<void*>(block.p),
          block.size, static_cast<unsigned long>(block.seed), offset);
  abort();
}

class Worker {
 public:
  // With `lifetimes`, some slots are used a thousand times as often as others.
  Worker(size_t number, uint64_t seed, bool lifetimes = false)
      : random_(seed * 1000 + number + 1), lifetimes_(lifetimes) {}

  void work(size_t operations) {
    for (size_t i = 0; i < operations; ++i) step();
  }
  void release_all() {
    for (Block& block : slots_) release(block);
  }
  // For the child of a fork, in which a shelf's lock may be held by a thread that no longer exists.
  void keep_to_itself() { exchanges_ = false; }

 private:
  // Runs one operation on one slot. The weights keep about half of the slots full.
  void step() {
    Block& slot = slots_[lifetimes_ ? random_.below(kSlots) * random_.below(kSlots) / kSlots : random_.below(kSlots)];
    switch (random_.below(32)) {
      default: slot.p == nullptr ? allocate(slot) : release(slot); break;
      case 0 ... 3: resize(slot); break;
      case 4 ... 9: exchange(slot); break;
      case 10 ... 12: allocate_zeroed(slot); break;
      case 13 ... 14: allocate_aligned(slot); break;
      case 15: query(slot); break;
    }
  }

  size_t pick_size() { return random_.below(2000) == 0 ? 1 + random_.below(4 << 20) : usual_size(random_); }

  void put(Block& slot, void* p, size_t size) {
    if (p == nullptr || reinterpret_cast<uintptr_t>(p) % 16 != 0)
      fail("allocation", {static_cast<unsigned char*>(p), size, 0}, 0);
    slot = {static_cast<unsigned char*>(p), size, random_.next()};
    fill_payload(slot);
  }
  void check(const Block& slot, const char* what) {
    if (slot.p != nullptr && !payload_intact(slot)) fail(what, slot, check_payload(slot, slot.size));
  }

  void allocate(Block& slot) {
    const size_t size = pick_size();
    put(slot, api.malloc(size), size);
  }
  void release(Block& slot) {
    check(slot, "free");
    api.free(slot.p);
    slot = {};
  }
  void resize(Block& slot) {
    check(slot, "before realloc");
    const size_t size = pick_size();
    const Block old = slot;
    slot.p = static_cast<unsigned char*>(api.realloc(slot.p, size));
    if (slot.p != nullptr && old.p != nullptr) {
      const Block moved = {slot.p, old.size, old.seed};
      const size_t wrong = check_payload(moved, size);
      if (wrong != old.size) fail("after realloc", moved, wrong);
    }
    put(slot, slot.p, size);
  }
  void allocate_zeroed(Block& slot) {
    release(slot);
    const size_t size = pick_size();
    void* p = api.calloc(1, size);
    if (p != nullptr && !all_zero(static_cast<unsigned char*>(p), size))
      fail("calloc is not zero", {static_cast<unsigned char*>(p), size, 0}, 0);
    put(slot, p, size);
  }
  void allocate_aligned(Block& slot) {
    release(slot);
    const size_t alignment = size_t{16} << random_.below(10), size = pick_size();
    void* p = api.memalign(alignment, size);
    if (reinterpret_cast<uintptr_t>(p) % alignment != 0)
      fail("memalign", {static_cast<unsigned char*>(p), size, 0}, alignment);
    put(slot, p, size);
  }
  void query(Block& slot) {
    if (slot.p != nullptr && api.malloc_usable_size(slot.p) < slot.size) fail("malloc_usable_size", slot, 0);
    if (random_.below(500) == 0) api.malloc_trim(random_.below(1 << 20));
    if (random_.below(200) == 0) CHECK(api.mallinfo2().arena + api.mallinfo2().hblkhd > 0);
  }
  // Swaps a block with a shelf, so that this thread checks and frees what another thread allocated.
  void exchange(Block& slot) {
    if (!exchanges_) return;
    Shelf& shelf = shelves[random_.below(kShelves)];
    const size_t place = random_.below(shelf.blocks.size());
    pthread_mutex_lock(&shelf.lock);
    std::swap(slot, shelf.blocks[place]);
    pthread_mutex_unlock(&shelf.lock);
  }

  Random random_;
  bool lifetimes_ = false, exchanges_ = true;
  std::array<Block, kSlots> slots_;
};

// Frees the blocks on the shelves. No thread may use them.
inline void clear_shelves() {
  for (Shelf& shelf : shelves) {
    for (Block& block : shelf.blocks) {
      if (block.p != nullptr && !payload_intact(block)) fail("at the end", block, check_payload(block, block.size));
      api.free(block.p);
      block = {};
    }
  }
}

}  // namespace ashlar_test

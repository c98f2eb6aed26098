// heap, private: memory for a thread that may not enter the allocator now: a signal handler that interrupted its thread
// there, or a thread that meets a fork which may be waiting for it (gate.h). What such a thread frees waits on a list
// until any thread frees it in the usual way.
//
//   chunk 0  256 KiB, static         each is bumped; one whose blocks are all free is empty again
//   chunk 1  512 KiB, mapped when the ones before are full or too small, and never unmapped
//   …        twice the one before
//
// Freed blocks are used again for blocks of their size. A fork that gets no processor takes long, and other threads may
// allocate and free gigabytes meanwhile beside a few blocks that stay. So no more is taken than lives at once.
//
// Thread-safe without a lock, and callable at any moment. All pages have class 0.
#pragma once

#include <atomic>

#include "heap/heap.h"

namespace ashlar::heap {

struct Emergency {
  static constexpr std::size_t kFirstChunk = 256_KiB;
  static constexpr unsigned kChunks = 20;  // the last has 128 GiB
  static constexpr unsigned kSizes = 128;  // of slots

  // The headers of free slots of one size, linked by their marks. Bit 0 is set while a thread takes one out; only that
  // thread follows links. Others may return slots meanwhile, and take none.
  using FreeList = std::atomic<std::uintptr_t>;

  struct Chunk {
    std::atomic<char*> start{nullptr};  // of a mapping. Release, acquire: publishes it
    std::atomic<std::uint64_t> fill{0};
    FreeList freed[kSizes] = {};
  };

  Chunk chunks[kChunks];
  alignas(kMinAlign) char first_chunk[kFirstChunk] = {};
};
extern constinit Emergency emergency;

// The usable bytes of a block from there; 0 if p is none.
std::size_t usable_emergency(const void* p);

// False if p is no block from there.
bool release_emergency(void* p);

// The calling thread left for_deferred by a jump, or is the one that a fork left.
void forget_deferring();

}  // namespace ashlar::heap

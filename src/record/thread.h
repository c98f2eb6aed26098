// record: what each thread writes to. It is a header of its own for record.h, whose inline functions use it. Nothing
// above this layer does.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "heap/aside.h"

namespace ashlar::record {

struct Thread : heap::Aside {
  // The chunk: records go to [at, end). Null: no chunk yet.
  unsigned char* at = nullptr;
  unsigned char* end = nullptr;
  std::atomic<void*> chunk{nullptr};  // the thread that takes it out unmaps it
  std::size_t chunk_bytes = 0;
  // The values from which the next record states differences.
  std::uint64_t address = 0;
  std::uint64_t sequence = 0;
  std::uint64_t ns = 0;
  std::uint64_t resize = 0;            // the number that a realloc began with
  std::uint32_t calls_until_time = 1;  // at 1 the next call writes the time first
  std::uint32_t number = 0;
  std::uint32_t generation = 0;        // the generation of its file
  std::uint32_t line = 0;              // the process that has the chunk
  std::uint8_t rounds = 0;             // how often the thread's destructors ran
  bool leased = false;                 // lent for a call to a thread that is past its end
  bool grows = false;                  // it is about to map a chunk
  std::atomic<Thread*> next{nullptr};  // in the list of unused Threads
  Thread* next_of_all = nullptr;
};

}  // namespace ashlar::record

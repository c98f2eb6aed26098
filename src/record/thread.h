// record: what each thread writes to. Here for record.h, whose calls look at it in line; nothing above this layer does.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "heap/aside.h"

namespace ashlar::record {

struct Thread : heap::Aside {
  // The chunk: records go to [at, end); null: none yet.
  unsigned char* at = nullptr;
  unsigned char* end = nullptr;
  std::atomic<void*> chunk{nullptr};  // whoever takes it out unmaps it
  std::size_t chunk_bytes = 0;
  // What the next record differs from.
  std::uint64_t address = 0;
  std::uint64_t sequence = 0;
  std::uint64_t ns = 0;
  std::uint64_t resize = 0;            // the number that a realloc began with
  std::uint32_t calls_until_time = 1;  // the next of so many writes the time first
  std::uint32_t number = 0;
  std::uint32_t generation = 0;        // of the file that it writes to
  std::uint32_t line = 0;              // of the process that has the chunk
  std::uint8_t rounds = 0;             // how often the thread's destructors ran
  bool leased = false;                 // it is a thread's that is past its end, for a call
  bool grows = false;                  // it is about to map a chunk
  std::atomic<Thread*> next{nullptr};  // of those that nobody has
  Thread* next_of_all = nullptr;
};

}  // namespace ashlar::record

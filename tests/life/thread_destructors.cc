// Tests frees and allocations after a thread's heap was released: in C++ thread-local destructors, and in pthread key
// destructors in all PTHREAD_DESTRUCTOR_ITERATIONS rounds, with keys that are made before and after the allocator's
// own. Fails unless the heap revives for the rest of the thread and is flushed again, or is bypassed. Otherwise the
// program crashes, or each thread leaks what it used last.
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

namespace {
using namespace ashlar_test;
pthread_key_t keys[3];

struct Slot {
  int rounds;
  size_t key;
  void* blocks[40];
};

void fill(Slot& slot) {
  for (size_t i = 0; i < 40; ++i) {
    const size_t size = 16 + i * i * 8;
    slot.blocks[i] = malloc(size);
    CHECK(slot.blocks[i] != nullptr);
    memset(slot.blocks[i], static_cast<int>(i), size);
  }
}
void drain(Slot& slot) {
  for (size_t i = 0; i < 40; ++i) {
    CHECK(static_cast<unsigned char*>(slot.blocks[i])[15 + i * i * 8] == i);
    free(slot.blocks[i]);
  }
}

// Comes back in every round: frees what the last round allocated, allocates anew.
void key_destructor(void* value) {
  auto* slot = static_cast<Slot*>(value);
  drain(*slot);
  if (++slot->rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
    fill(*slot);
    CHECK(pthread_setspecific(keys[slot->key], slot) == 0);
  } else {
    free(slot);  // in the last round nothing runs after us
  }
}

struct Local {
  Slot slot{};
  Local() { fill(slot); }
  ~Local() { drain(slot); }
};
thread_local Local local;

void* body(void*) {
  CHECK(local.slot.blocks[0] != nullptr);
  for (size_t i = 0; i < 3; ++i) {
    auto* slot = static_cast<Slot*>(calloc(1, sizeof(Slot)));
    slot->key = i;
    fill(*slot);
    CHECK(pthread_setspecific(keys[i], slot) == 0);
  }
  return nullptr;
}

void run_threads(int count) {
  for (int i = 0; i < count; i += 4) {
    pthread_t threads[4];
    for (pthread_t& thread : threads) CHECK(pthread_create(&thread, nullptr, body, nullptr) == 0);
    for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  }
}
}  // namespace

int main() {
  for (pthread_key_t& key : keys) CHECK(pthread_key_create(&key, key_destructor) == 0);
  run_threads(400);
  const struct mallinfo2 before = mallinfo2();
  const long rss = rss_kib();
  run_threads(4000);
  const struct mallinfo2 after = mallinfo2();
  // A thread touches 150 KiB a round; 64 bytes a thread would be a leak already.
  CHECK(after.uordblks + after.hblkhd < before.uordblks + before.hblkhd + 4000 * 64);
  CHECK(rss_kib() < rss + 2048);
  return 0;
}

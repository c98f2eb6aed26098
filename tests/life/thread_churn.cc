// Creates and joins 10 000 threads, four at a time, each of which uses many classes. Neither the resident memory nor
// the number of mappings grows with them. The limits of depots and free pages are reached after some thousand threads
// (5 MiB). Fails unless the end of a thread returns its magazines and its heap for reuse.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

namespace {
using namespace ashlar_test;

void* body(void* argument) {
  Random random(reinterpret_cast<size_t>(argument));
  void* blocks[60];
  for (size_t i = 0; i < 60; ++i) {
    const size_t size = i == 0 ? 300000 : 16 + random.below(i * 200 + 1);
    blocks[i] = malloc(size);
    CHECK(blocks[i] != nullptr);
    memset(blocks[i], 1, size);
  }
  for (void* p : blocks) free(p);
  return nullptr;
}

void run_threads(size_t count) {
  for (size_t i = 0; i < count; i += 4) {
    pthread_t threads[4];
    for (pthread_t& thread : threads) CHECK(pthread_create(&thread, nullptr, body, reinterpret_cast<void*>(i)) == 0);
    for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  }
}
}  // namespace

int main() {
  run_threads(10000);
  const long rss = rss_kib(), maps = map_count();
  run_threads(10000);
  printf("RSS %ld KiB, then %ld; mappings %ld, then %ld\n", rss, rss_kib(), maps, map_count());
  CHECK(rss_kib() <= rss + 1024);
  CHECK(map_count() <= maps + 16);
  return 0;
}

// Ends the process while 8 threads allocate: by exit, by return from main, by exit from another thread, and by
// pthread_exit of main. Each time there are atexit handlers that allocate. Fails if an exit path destroys something
// that another thread still uses (an unmapped heap, a destroyed lock).
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>

#include "support/process.h"

namespace {
using namespace ashlar_test;
std::atomic<bool> finish{false};

void* busy(void* argument) {
  Random random(reinterpret_cast<size_t>(argument));
  void* blocks[100] = {};
  while (!finish.load(std::memory_order_relaxed)) {
    void*& p = blocks[random.below(100)];
    free(p);
    p = malloc(usual_size(random));
    CHECK(p != nullptr);
  }
  for (void* p : blocks) free(p);
  return nullptr;
}
void* exit_elsewhere(void*) {
  sleep_ms(3);
  exit(3);
}
void* finish_later(void*) {
  sleep_ms(3);
  finish = true;
  return nullptr;
}
void at_exit() {
  for (size_t i = 1; i < 400; ++i) free(malloc(i * 100));
}

int child(char mode) {
  CHECK(atexit(at_exit) == 0);
  pthread_t thread;
  for (size_t i = 0; i < 8; ++i) CHECK(pthread_create(&thread, nullptr, busy, reinterpret_cast<void*>(i + 1)) == 0);
  switch (mode) {
    case 'r': sleep_ms(2); return 3;
    case 'e': sleep_ms(2); exit(3);
    case 'o': CHECK(pthread_create(&thread, nullptr, exit_elsewhere, nullptr) == 0); break;
    case 'p':
      CHECK(pthread_create(&thread, nullptr, finish_later, nullptr) == 0);
      pthread_exit(nullptr);  // the process ends with the last thread, with status 0
    default: CHECK(false);
  }
  for (;;) pause();
}
}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) return child(argv[1][0]);
  for (int i = 0; i < 40; ++i) {
    for (const char* mode : {"r", "e", "o", "p"}) {
      const int status = wait_for(start_self(mode), 20000);
      if (!exited_with(status, *mode == 'p' ? 0 : 3)) dprintf(2, "round %d mode %s: status %#x\n", i, mode, status);
      CHECK(exited_with(status, *mode == 'p' ? 0 : 3));
    }
  }
  return 0;
}

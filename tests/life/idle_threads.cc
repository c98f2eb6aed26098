// Tests what idle threads keep. 100 MiB in blocks of 64 KiB are held for 2 s, 45 MiB are freed, and all threads sleep.
// 40 MiB must return to the system.
//
//   idle_threads held     the main thread frees, after the helper had nothing to do for 2 s
//   idle_threads frees    the thread that frees never allocates
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace {

constexpr size_t kBlock = 64 << 10, kBlocks = 1600, kFreed = 720;
void* blocks[kBlocks];

long resident_mib() {
  long size = 0, pages = 0;
  FILE* const file = fopen("/proc/self/statm", "r");
  if (file == nullptr || fscanf(file, "%ld %ld", &size, &pages) != 2) abort();
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE) >> 20;
}

void* sleeper(void*) {
  void* volatile p = malloc(100);
  (void)p;
  for (;;) pause();
}

void* freer(void*) {
  for (size_t i = 0; i < kFreed; ++i) free(blocks[i]);
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  pthread_t thread;
  pthread_create(&thread, nullptr, sleeper, nullptr);
  usleep(100000);
  for (void*& block : blocks) block = memset(malloc(kBlock), 1, kBlock);
  sleep(2);
  const long held = resident_mib();
  if (strcmp(argv[1], "frees") == 0) {
    pthread_create(&thread, nullptr, freer, nullptr);
  } else {
    for (size_t i = 0; i < kFreed; ++i) free(blocks[i]);
  }
  long after = held;
  for (int i = 0; i < 50 && after > held - 40; ++i) {
    usleep(100000);
    after = resident_mib();
  }
  printf("resident when all was held %ld MiB, after 45 MiB were freed and all threads slept %ld MiB\n", held, after);
  fflush(stdout);
  _exit(after <= held - 40 ? 0 : 1);
}

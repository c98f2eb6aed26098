// What cases about the library's helper thread share.
#pragma once

#include <dirent.h>
#include <pthread.h>

#include "case.h"

static inline int threads_of_process(void) {
  int threads = 0;
  DIR* folder = opendir("/proc/self/task");
  CHECK(folder != NULL);
  for (const struct dirent* entry = readdir(folder); entry != NULL; entry = readdir(folder))
    threads += entry->d_name[0] != '.';
  closedir(folder);
  return threads;
}

// How many threads have the name that the library gives its helper.
static inline int helpers(void) {
  int found = 0;
  DIR* folder = opendir("/proc/self/task");
  CHECK(folder != NULL);
  for (const struct dirent* entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    char path[300], name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
    FILE* file = entry->d_name[0] != '.' ? fopen(path, "r") : NULL;
    if (file == NULL) continue;
    found += fgets(name, sizeof name, file) != NULL && strcmp(name, "ashlar-kswapd\n") == 0;
    fclose(file);
  }
  closedir(folder);
  return found;
}

static inline void* sleep_with_heap(void* unused) {
  keep(malloc(100));
  for (;;) pause();
  return unused;
}

// Starts a second thread and works until the library has started its own. Ends the program if it does not.
static inline void await_helper(void) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, sleep_with_heap, NULL) == 0);
  enum { kBlocks = 200 };
  void* blocks[kBlocks];
  for (int i = 0; i < 500 && helpers() == 0; ++i) {
    for (int k = 0; k < kBlocks; ++k) blocks[k] = filled(65536);
    for (int k = 0; k < kBlocks; ++k) free(blocks[k]);
    usleep(10000);
  }
  CHECK(helpers() == 1 && threads_of_process() == 3);
}

// Waits until the helper has returned what was freed to the system. Ends the program if it does not.
static inline void await_purge(void) {
  enum { kBlocks = 1000 };
  static void* blocks[kBlocks];
  for (int k = 0; k < kBlocks; ++k) blocks[k] = filled(65536);
  const long full = resident_kib();
  for (int k = 0; k < kBlocks; ++k) free(blocks[k]);
  for (int i = 0; i < 300 && resident_kib() > full - 32768; ++i) usleep(100000);
  CHECK(resident_kib() <= full - 32768);
}

// Shared by the cases: checks, and figures that run_case.py compares with glibc's.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

// Ends the program with the place and the condition.
#define CHECK(condition)                                                     \
  do {                                                                       \
    if (!(condition)) {                                                      \
      fprintf(stderr, "%s:%d: CHECK(%s)\n", __FILE__, __LINE__, #condition); \
      _exit(1);                                                              \
    }                                                                        \
  } while (0)

// Prints a figure. Options of run_case.py say which figures it compares.
static inline void figure(const char* name, double value) {
  printf("figure %s %.8g\n", name, value);
  fflush(stdout);
}

// Ends the program as skipped.
static inline void skip(const char* reason) {
  printf("SKIP: %s\n", reason);
  fflush(stdout);
  _exit(77);
}

// Returns MiB, because the second number of /proc/self/statm is off by some pages per thread.
static inline long resident_kib(void) {
  long pages = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

// Returns the number of page faults of this process that needed no disk.
static inline long page_faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

static inline double milliseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}
static inline double now_ms(void) { return milliseconds(CLOCK_MONOTONIC); }
// Returns the processor time that this thread has used, which does not depend on how busy the machine is.
static inline double used_ms(void) { return milliseconds(CLOCK_THREAD_CPUTIME_ID); }

static inline void* filled(size_t size) {
  void* block = malloc(size);
  CHECK(block != NULL);
  return memset(block, 1, size);
}

// Keeps the compiler from dropping writes to the block.
static inline void keep(void* block) { __asm__ volatile("" : : "r"(block) : "memory"); }

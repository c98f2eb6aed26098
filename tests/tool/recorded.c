// Is a program that knows what it allocates: tool_recorded WHAT. It prints a line of JSON with what a trace must
// contain.
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kBlocks = 500, kSteps = 40000, kDestructorRounds = 5 };

static struct { unsigned long malloc, calloc, aligned, realloc, free, bytes, live, peak, blocks; } did;

static void note(size_t before, size_t now) {
  did.bytes += now;
  did.live += now - before;
  if (did.live > did.peak) did.peak = did.live;
}

static uint32_t next_random(void) {
  static uint32_t state = 12345;
  return state = state * 1664525u + 1013904223u, state >> 8;
}

static size_t some_size(void) { return next_random() % 50 == 0 ? next_random() % 300000 : next_random() % 2000; }

static void say(void) {
  char line[400];
  const int n = snprintf(line, sizeof line,
                         "{\"malloc\":%lu,\"calloc\":%lu,\"aligned_alloc\":%lu,\"realloc\":%lu,\"free\":%lu,"
                         "\"bytes\":%lu,\"live\":%lu,\"peak\":%lu,\"blocks\":%lu,\"pid\":%d}\n",
                         did.malloc, did.calloc, did.aligned, did.realloc, did.free, did.bytes, did.live, did.peak,
                         did.blocks, getpid());
  if (write(1, line, (size_t)n) != n) _exit(9);
}

// Each kind of call, with growing, shrinking and failing ones.
static void known(void) {
  static struct {
    void* p;
    size_t size;
  } blocks[kBlocks];
  for (int i = 0; i < kSteps; ++i) {
    const unsigned k = next_random() % kBlocks, what = next_random() % 8;
    const size_t size = some_size(), before = blocks[k].p != NULL ? blocks[k].size : 0;
    if (blocks[k].p == NULL) {
      if (what < 4) blocks[k].p = malloc(size), ++did.malloc;
      else if (what < 6) blocks[k].p = calloc(1, size), ++did.calloc;
      else blocks[k].p = memalign(64u << next_random() % 7, size), ++did.aligned;
      blocks[k].size = size;
      ++did.blocks;
      note(0, size);
    } else if (what < 3 && size != 0) {
      blocks[k].p = realloc(blocks[k].p, size), ++did.realloc;
      blocks[k].size = size;
      note(before, size);
    } else {
      free(blocks[k].p), ++did.free;
      blocks[k].p = NULL;
      --did.blocks;
      did.live -= before;
    }
  }
  volatile size_t too_large = SIZE_MAX / 2;
  if (malloc(too_large) != NULL) _exit(8);
  ++did.malloc;
}

// One thread allocates and another frees. Both end, and a third one frees the remaining blocks.
enum { kHanded = 20000, kLeft = 100 };
static void* handed[kHanded];
static unsigned made;

static void* make(void* unused) {
  for (unsigned i = 0; i < kHanded; ++i) {
    handed[i] = malloc(16 + i % 700);
    __atomic_store_n(&made, i + 1, __ATOMIC_RELEASE);
  }
  return unused;
}

static void* end(void* unused) {
  for (unsigned i = 0; i < kHanded - kLeft; ++i) {
    while (__atomic_load_n(&made, __ATOMIC_ACQUIRE) <= i) sched_yield();
    if (i % 3 == 0) handed[i] = realloc(handed[i], 2000);
    free(handed[i]);
  }
  return unused;
}

static void* end_rest(void* unused) {
  for (unsigned i = kHanded - kLeft; i < kHanded; ++i) free(handed[i]);
  return unused;
}

static void threads(void) {
  pthread_t thread[3];
  pthread_create(&thread[0], NULL, make, NULL);
  pthread_create(&thread[1], NULL, end, NULL);
  pthread_join(thread[0], NULL);
  pthread_join(thread[1], NULL);
  pthread_create(&thread[2], NULL, end_rest, NULL);
  pthread_join(thread[2], NULL);
  did.malloc = did.free = kHanded;
}

// Threads that call malloc only in their last rounds of destructors, with sizes that are in no magazine. Each writes to
// its blocks and reads them again, because a heap that two threads have would hand out blocks twice.
enum { kLateThreads = 600, kLateBlocks = 60, kAtOnce = 24 };
static pthread_key_t late_key;
static unsigned long damaged;

static void late(void* round) {
  const uintptr_t next = (uintptr_t)round + 1;
  if (next < kDestructorRounds) pthread_setspecific(late_key, (void*)next);
  uintptr_t* blocks[kLateBlocks];
  const uintptr_t mark = (uintptr_t)pthread_self() ^ next;
  for (int i = 0; i < kLateBlocks; ++i) {
    blocks[i] = malloc(24 + 40 * (size_t)i);
    blocks[i][0] = blocks[i][2] = mark + (uintptr_t)i;
  }
  sched_yield();
  for (int i = 0; i < kLateBlocks; ++i) {
    const int bad = blocks[i][0] != mark + (uintptr_t)i || blocks[i][2] != mark + (uintptr_t)i;
    __atomic_fetch_add(&damaged, (unsigned long)bad, __ATOMIC_RELAXED);
    free(blocks[i]);
  }
}

static void* end_late(void* unused) {
  pthread_setspecific(late_key, (void*)1);
  return unused;
}

static void destructors(void) {
  pthread_key_create(&late_key, late);
  for (int n = 0; n < kLateThreads; n += kAtOnce) {
    pthread_t thread[kAtOnce];
    for (int i = 0; i < kAtOnce; ++i) pthread_create(&thread[i], NULL, end_late, NULL);
    for (int i = 0; i < kAtOnce; ++i) pthread_join(thread[i], NULL);
  }
  if (damaged != 0) _exit(7);
}

// Makes a child process in each possible way. Each child calls malloc 10 times more than the one before.
static void call(int times) {
  for (int i = 0; i < times; ++i) {
    void* volatile p = malloc(100);
    if (i % 2 == 0) free(p);
  }
}

// Replaces blocks of small sizes in a random order.
static void churn(int times) {
  static void* blocks[4096];
  for (int i = 0; i < times; ++i) {
    const unsigned k = next_random() % 4096;
    free(blocks[k]);
    blocks[k] = malloc(16 + next_random() % 512);
  }
}

static void children(const char* self) {
  call(10);
  pid_t pid = fork();
  if (pid == 0) call(20), _exit(0);
  waitpid(pid, NULL, 0);
  pid = _Fork();
  if (pid == 0) call(30), _exit(0);
  waitpid(pid, NULL, 0);
  pid = vfork();
  if (pid == 0) execl(self, self, "call40", (char*)NULL), _exit(1);
  waitpid(pid, NULL, 0);
  call(50);
  execl(self, self, "call60", (char*)NULL);
}

// A heap that grows, becomes full of holes and grows again. All of it is written to, and the memory that it takes is
// measured.
enum { kMany = 60000 };
static void* many[kMany];

static void grow(unsigned most) {
  for (unsigned i = 0; i < kMany; ++i) {
    if (many[i] != NULL) continue;
    const size_t size = 1 + next_random() % most;
    many[i] = malloc(size);
    memset(many[i], 1, size);
  }
}

static unsigned long resident(const char* name) {
  static char text[8192];
  FILE* const file = fopen("/proc/self/status", "r");
  const size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[n] = '\0';
  return strtoul(strstr(text, name) + strlen(name), NULL, 10) * 1024;
}

static void holes(void) {
  const unsigned long before = resident("VmRSS:");
  grow(1000);
  for (unsigned i = 0; i < kMany; ++i) {
    if (next_random() % 3 != 0) free(many[i]), many[i] = NULL;
  }
  grow(1500);
  did.peak = resident("VmHWM:") - before;
}

// Does nothing for a while, three times.
static void pauses(void) {
  for (int i = 0; i < 3; ++i) {
    call(200);
    usleep(100000);
  }
  call(200);
}

// The main thread waits for one that does nothing for a while.
static void* pause_between(void* unused) {
  call(10000);
  usleep(400000);
  call(10000);
  return unused;
}

static void waits(void) {
  pthread_t thread;
  call(10000);
  pthread_create(&thread, NULL, pause_between, NULL);
  pthread_join(thread, NULL);
  call(10000);
}

// Uses 8 of 64 MiB, 5 of 40 MiB to which realloc grew a block of 1, and until its end 4 of 32 MiB: no more than 12 at
// once.
static void partly(void) {
  char *stays = calloc(1, 32u << 20), *block = malloc(64u << 20);
  memset(stays, 1, 4u << 20);
  memset(block, 1, 8u << 20);
  free(block);
  block = realloc(malloc(1u << 20), 40u << 20);
  memset(block, 1, 5u << 20);
  free(block);
}

int main(int argc, char** argv) {
  const char* const what = argc > 1 ? argv[1] : "known";
  if (strcmp(what, "known") == 0) known(), say();
  else if (strcmp(what, "threads") == 0) threads(), say();
  else if (strcmp(what, "destructors") == 0) destructors();
  else if (strcmp(what, "holes") == 0) holes(), say();
  else if (strcmp(what, "pauses") == 0) pauses();
  else if (strcmp(what, "waits") == 0) waits();
  else if (strcmp(what, "untouched") == 0) free(malloc(64u << 20));
  else if (strcmp(what, "partly") == 0) partly();
  else if (strcmp(what, "children") == 0) children(argv[0]);
  else if (strncmp(what, "call", 4) == 0) call(atoi(what + 4));
  else if (strncmp(what, "churn", 5) == 0) churn(atoi(what + 5));
  else if (strcmp(what, "killed") == 0) known(), say(), raise(SIGKILL);
  return 0;
}

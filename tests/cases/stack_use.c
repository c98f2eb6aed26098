// Shows: how much of the caller's stack malloc and free use: programs call them on coroutines' stacks of 4 KiB.
// Right: less than 2 KiB in any call, the look at the memory cgroup and a thread's first call among them. The argument
// is the limit where calls note their stack, which may be a signal handler's.
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "case.h"

enum { kStack = 64 << 10, kBlocks = 200000 };

static ucontext_t caller, coroutine;
static unsigned char* stack;
static void (*work)(void);
static void* blocks[kBlocks];
static volatile size_t size;
static size_t limit = 2048;

static void enter(void) { work(); }

static size_t used_by(void (*function)(void)) {
  work = function;
  memset(stack, 0xa5, kStack);
  CHECK(getcontext(&coroutine) == 0);
  coroutine.uc_stack.ss_sp = stack;
  coroutine.uc_stack.ss_size = kStack;
  coroutine.uc_link = &caller;
  makecontext(&coroutine, enter, 0);
  CHECK(swapcontext(&caller, &coroutine) == 0);
  size_t untouched = 0;
  while (stack[untouched] == 0xa5) ++untouched;
  return kStack - untouched;
}

static void nothing(void) {}
static void allocate(void) { blocks[0] = malloc(size); }
static void allocate_zeroed(void) { blocks[0] = calloc(1, size); }
static void grow(void) { blocks[0] = realloc(blocks[0], size); }
static void release(void) { free(blocks[0]); }
static void allocate_many(void) {
  for (int i = 0; i < kBlocks; ++i) blocks[i] = malloc(size);
}
static void release_many(void) {
  for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
}

static size_t most, base;

static void look(const char* what, void (*function)(void), size_t bytes) {
  size = bytes;
  const size_t used = used_by(function) - base;
  if (used >= limit) printf("%s of %zu bytes: %zu bytes of stack, less than %zu are right\n", what, bytes, used, limit);
  if (used > most) most = used;
}

static void* look_at_all(void* unused) {
  static const size_t kSizes[] = {100, 5000, 50000, 3 << 20, 64 << 20};
  used_by(nothing);
  base = used_by(nothing);
  for (size_t i = 0; i < sizeof kSizes / sizeof *kSizes; ++i) {
    look("malloc", allocate, kSizes[i]);
    look("realloc", grow, kSizes[i] * 2);
    look("free", release, 0);
    look("calloc", allocate_zeroed, kSizes[i]);
    look("free", release, 0);
  }
  for (int i = 0; i < 2; ++i) {
    look("malloc", allocate_many, i == 0 ? 1000 : 100);
    look("free", release_many, 0);
  }
  return unused;
}

int main(int argc, char** argv) {
  if (argc > 1) limit = strtoul(argv[1], NULL, 10);
  stack = mmap(NULL, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(stack != MAP_FAILED);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, look_at_all, NULL) == 0 && pthread_join(thread, NULL) == 0);
  look_at_all(NULL);
  printf("%zu bytes of stack at most\n", most);
  return most >= limit;
}

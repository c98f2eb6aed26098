// Shows: a handler that leaves by siglongjmp where malloc is not in its fast path: a mark that the thread is within the
// allocator, and locks, stay as they were. An allocator that serves such a thread from a reserve for good grows without
// bound. Formally undefined; glibc aborts in one of some hundred jumps.
// Right: after 2000 jumps memory is bounded, and blocks are nobody else's. Also with the handler on a stack of its own.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>

#include "case.h"

enum { kJumps = 2000, kKept = 256, kBlocks = 20000, kRounds = 20, kBytes = 1000, kMaxKib = 200 << 10 };

static sigjmp_buf out;
static volatile sig_atomic_t armed;
static volatile long jumps;

static void jump(int signal) {
  (void)signal;
  if (!armed) return;
  armed = 0;
  siglongjmp(out, 1);
}

static void churn(unsigned from) {
  static void* kept[kKept];
  for (unsigned i = from;; ++i) {
    void* const fresh = malloc(16 + i * 7919u % 60000);
    CHECK(fresh != NULL);
    void* const old = kept[i % kKept];
    kept[i % kKept] = fresh;
    memset(fresh, (int)i, 16);
    free(old);
  }
}

static void use_blocks(void) {
  static unsigned char* blocks[kBlocks];
  for (int i = 0; i < kBlocks; ++i) {
    CHECK((blocks[i] = malloc(kBytes)) != NULL);
    memset(blocks[i], i, kBytes);
  }
  for (int i = 0; i < kBlocks; ++i) {
    for (int at = 0; at < kBytes; at += 99) CHECK(blocks[i][at] == (unsigned char)i);
  }
  for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
}

int main(int argc, char** argv) {
  const char* const mode = argc > 1 ? argv[1] : "";
  static char stack[1 << 16];
  const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
  CHECK(sigaltstack(&own, NULL) == 0);
  struct sigaction action = {.sa_handler = jump, .sa_flags = strcmp(mode, "stack") == 0 ? SA_ONSTACK : 0};
  CHECK(sigaction(SIGALRM, &action, NULL) == 0);
  struct itimerval every = {{0, 500}, {0, 500}};
  setitimer(ITIMER_REAL, &every, NULL);
  sigsetjmp(out, 1);
  if (jumps++ < kJumps) {
    armed = 1;
    churn((unsigned)jumps * 7);
  }
  memset(&every, 0, sizeof every);
  setitimer(ITIMER_REAL, &every, NULL);
  const long before = resident_kib();
  for (int round = 0; round < kRounds; ++round) use_blocks();
  const long after = resident_kib();
  printf("after %d jumps %ld KiB are resident, after %d rounds of 20 MiB %ld, at most %d is right\n", kJumps, before,
         kRounds, after, kMaxKib);
  return after > kMaxKib;
}

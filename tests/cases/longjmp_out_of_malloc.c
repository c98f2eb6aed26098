// Shows: a SIGALRM handler leaves by siglongjmp while it interrupted malloc or free (time limits with alarm, old
// interpreters). This is undefined. An allocator that keeps a lock or a mark "inside" is dead from then on.
// Right: after 500 jumps the allocator still serves, and no block is handed out twice.
// Reports: https://github.com/sagemath/cysignals/issues/194, https://github.com/nhorman/rng-tools/pull/149,
// https://github.com/ColinIanKing/stress-ng/pull/507
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include "case.h"

enum { kJumps = 500, kHeld = 64, kAfterwards = 100000, kSize = 100 };
static sigjmp_buf out;
static volatile sig_atomic_t armed;
static long jumps;
static void* held[kHeld];
static unsigned char* blocks[kAfterwards];

static void jump(int signal_number) {
  (void)signal_number;
  if (!armed) return;
  armed = 0;
  siglongjmp(out, 1);
}

static void allocate_until_interrupted(void) {
  armed = 1;
  for (unsigned i = (unsigned)jumps * 7;; ++i) {
    char* block = malloc(16 + (i * 37) % 3000);
    CHECK(block != NULL);
    void* old = held[i % kHeld];
    held[i % kHeld] = block;
    *block = 1;
    free(old);
  }
}

int main(void) {
  signal(SIGALRM, jump);
  struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &often, NULL);
  sigsetjmp(out, 1);
  if (jumps++ < kJumps) allocate_until_interrupted();
  setitimer(ITIMER_REAL, &never, NULL);
  for (int i = 0; i < kAfterwards; ++i) {
    blocks[i] = malloc(kSize);
    CHECK(blocks[i] != NULL);
    memset(blocks[i], i, kSize);
  }
  for (int i = 0; i < kAfterwards; ++i) {
    for (int k = 0; k < kSize; k += 33) CHECK(blocks[i][k] == (unsigned char)i);
  }
  for (int i = 0; i < kAfterwards; ++i) free(blocks[i]);
  return 0;
}

// Tests a seccomp filter that allows only mmap, munmap and futex, and the calls by which this program reports how it
// ended: write and exit_group. It is installed before the first allocation, or while four threads use the heap. Then
// allocation, frees, growth, aligned and large blocks and purging continue. Fails unless each call that may be refused
// has a substitute, and unless no other call is made under the option mmap_only, where such a call ends the process.
//
// It is in C, since the C++ runtime allocates before main. Arguments: the effect of another call, "errno" (EPERM),
// "trap" (SIGSYS) or "kill"; and "fresh", "early" (the same where an option makes the library allocate at start) or
// "midway".
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))

// No stdio: it would ask for more than the filter allows.
static void tell(const char* text) {
  if (write(2, text, strlen(text)) < 0) _exit(3);
}

static void tell_number(unsigned n) {
  char digits[12];
  size_t at = sizeof digits - 1;
  digits[at] = 0;
  do {
    digits[--at] = (char)('0' + n % 10);
    n /= 10;
  } while (n != 0);
  tell(digits + at);
}

static void fail(int line, const char* condition) {
  tell("seccomp_strict.c:");
  tell_number((unsigned)line);
  tell(": CHECK(");
  tell(condition);
  tell(") failed, errno ");
  tell_number((unsigned)errno);
  tell("\n");
  _exit(1);
}

static void on_forbidden_call(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)context;
  tell("forbidden system call ");
  tell_number((unsigned)info->si_syscall);
  tell("\n");
  _exit(2);
}

static void install(const char* action) {
  const uint32_t otherwise = strcmp(action, "errno") == 0  ? SECCOMP_RET_ERRNO | EPERM
                             : strcmp(action, "trap") == 0 ? SECCOMP_RET_TRAP
                                                           : SECCOMP_RET_KILL_PROCESS;
  const uint32_t allowed[] = {SYS_mmap, SYS_munmap, SYS_futex, SYS_write, SYS_exit_group};
  enum { kAllowed = sizeof allowed / sizeof allowed[0] };
  struct sock_filter program[kAllowed + 3];
  size_t n = 0;
  program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (size_t i = 0; i < kAllowed; ++i) {
    program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], (uint8_t)(kAllowed - i), 0);
  }
  program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, otherwise);
  program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const struct sock_fprog filter = {(unsigned short)n, program};
  struct sigaction trap;
  memset(&trap, 0, sizeof trap);
  trap.sa_sigaction = on_forbidden_call;
  trap.sa_flags = SA_SIGINFO;
  CHECK(sigaction(SIGSYS, &trap, NULL) == 0);
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  // for all threads
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0) {
    tell("SKIP: no seccomp filters here\n");
    _exit(77);
  }
}

enum { kBlocks = 600 };

static size_t size_at(size_t i) {
  static const size_t large[] = {40000, 150000, 700000, 3 << 20, 12 << 20, 34 << 20};
  if (i % 100 == 99) return large[i / 100];
  return i % 3 == 0 ? 1 + i * 53 % 32768 : 1 + i * 7 % 600;
}

static void work(unsigned rounds) {
  void** blocks = calloc(kBlocks, sizeof *blocks);
  CHECK(blocks != NULL);
  for (unsigned round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < kBlocks; ++i) {
      const size_t size = size_at(i);
      unsigned char* p = i % 2 == 0 ? calloc(1, size) : memalign((size_t)16 << i % 18, size);
      CHECK(p != NULL);
      if (i % 2 == 0) {
        for (size_t at = 0; at < size; at += 509) CHECK(p[at] == 0);
      }
      memset(p, (int)(i | 1), size < 100000 ? size : 100000);
      blocks[i] = p;
    }
    for (size_t i = 0; i < kBlocks; ++i) {
      CHECK(*(unsigned char*)blocks[i] == (unsigned char)(i | 1));
      errno = 4711;
      free(blocks[i]);
      CHECK(errno == 4711);
    }
    unsigned char* p = malloc(10);
    for (size_t size = 10; size < ((size_t)80 << 20); size = size * 3 + 1) {
      p = realloc(p, size);
      CHECK(p != NULL && (size == 10 || p[size / 3 - 4] == 0x33));
      memset(p + size / 2, 0x33, size - size / 2);
    }
    for (size_t size = (size_t)30 << 20; size > 100; size /= 9) CHECK((p = realloc(p, size)) != NULL);
    free(p);
    malloc_trim(0);
  }
  free(blocks);
}

static pthread_barrier_t filtered, finished;

static void* thread_body(void* unused) {
  (void)unused;
  work(1);
  pthread_barrier_wait(&filtered);
  pthread_barrier_wait(&filtered);
  work(2);
  pthread_barrier_wait(&finished);
  pthread_barrier_wait(&filtered);  // for ever: a thread's end needs other calls
  return NULL;
}

int main(int argc, char** argv) {
  CHECK(argc == 3);
  const int fresh = strcmp(argv[2], "fresh") == 0;
  if (fresh || strcmp(argv[2], "early") == 0) {
    CHECK(!fresh || (mallinfo2().uordblks == 0 && mallinfo2().arena == 0));
    install(argv[1]);
    work(3);
    exit(0);
  }
  pthread_barrier_init(&filtered, NULL, 4);
  pthread_barrier_init(&finished, NULL, 4);
  for (int i = 0; i < 3; ++i) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, thread_body, NULL) == 0);
  }
  work(1);
  pthread_barrier_wait(&filtered);
  install(argv[1]);
  pthread_barrier_wait(&filtered);
  work(2);
  pthread_barrier_wait(&finished);
  exit(0);
}

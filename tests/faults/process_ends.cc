// Runs a process with 8 threads that allocate all the time, and does one of the following.
//   exec    executes the program again, 30 times
//   daemon  calls daemon(3): the child has one thread, allocates, starts threads and forks
//   clone   makes children by the system call clone without CLONE_VM, like _Fork: no fork handler runs. In a process
//           with threads such a child may execute a program or exit (fork(2), signal-safety(7)), and the parent
//           continues. In a process without threads the child may allocate as well
//   spawn   makes children by vfork and exec, and by posix_spawn
//   signal  gets signals at any moment, whose handler returns, and at the end one whose handler calls _exit
// Fails unless the heap depends on no handler that may not run, and on no state except the process's own memory.
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <atomic>

#include "support/payload.h"
#include "support/process.h"

namespace {
using namespace ashlar_test;

std::atomic<bool> stop{false};

void churn(Random& random, int rounds) {
  Block blocks[40];
  for (int i = 0; i < rounds; ++i) {
    Block& block = blocks[random.below(40)];
    if (block.p != nullptr) CHECK(payload_intact(block));
    free(block.p);
    const size_t size = random.below(300) == 0 ? 3 << 20 : usual_size(random);
    block = {static_cast<unsigned char*>(malloc(size)), size, random.next()};
    CHECK(block.p != nullptr);
    fill_payload(block);
  }
  for (Block& block : blocks) free(block.p);
}

void* busy(void* seed) {
  Random random(reinterpret_cast<size_t>(seed));
  while (!stop.load(std::memory_order_relaxed)) churn(random, 100);
  return nullptr;
}

constexpr size_t kThreads = 8;
pthread_t threads[kThreads];
void start_threads() {
  for (size_t i = 0; i < kThreads; ++i) {
    CHECK(pthread_create(&threads[i], nullptr, busy, reinterpret_cast<void*>(i + 1)) == 0);
  }
}
void end_threads() {
  stop = true;
  for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  stop = false;
}

char program[] = "/proc/self/exe";

void* execute(void* generation) {
  char mode[] = "exec", digits[16];
  snprintf(digits, sizeof digits, "%zu", reinterpret_cast<size_t>(generation) + 1);
  char* argv[] = {program, mode, digits, nullptr};
  sleep_ms(3 + static_cast<long>(reinterpret_cast<size_t>(generation)) % 7);
  execv(program, argv);
  CHECK(false);
  return nullptr;
}

int exec_again(size_t generation) {
  if (generation == 30) return 0;
  start_threads();
  pthread_t thread;
  CHECK(pthread_create(&thread, nullptr, execute, reinterpret_cast<void*>(generation)) == 0);
  pthread_join(thread, nullptr);
  return 1;  // never reached: the process became another
}

// In the daemon: it has one thread, and a heap as after fork.
[[noreturn]] void live_on(int to) {
  Random random(99);
  churn(random, 3000);
  start_threads();
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    churn(random, 1000);
    exit(17);
  }
  CHECK(exited_with(wait_for(pid, 20000), 17));
  end_threads();
  const char done = 'd';
  CHECK(write(to, &done, 1) == 1);
  exit(0);
}

int become_daemons() {
  for (int i = 0; i < 10; ++i) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
      close(ends[0]);
      start_threads();
      sleep_ms(2 + i % 5);
      CHECK(daemon(1, 1) == 0);  // the parent ends by _exit
      live_on(ends[1]);
    }
    close(ends[1]);
    CHECK(exited_with(wait_for(pid, 20000), 0));
    char told = 0;
    alarm(30);
    CHECK(read(ends[0], &told, 1) == 1 && told == 'd');
    alarm(0);
    close(ends[0]);
  }
  return 0;
}

pid_t raw_clone(bool by_libc) {
  return by_libc ? _Fork() : static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

int clone_without_handlers() {
  Random random(3);
  for (int i = 0; i < 40; ++i) {
    const pid_t pid = raw_clone(i % 2 == 0);
    CHECK(pid >= 0);
    if (pid == 0) {
      churn(random, 200);
      _exit(6);
    }
    CHECK(exited_with(wait_for(pid, 20000), 6));
    churn(random, 100);
  }
  start_threads();
  char path[] = "/bin/true";
  char* argv[] = {path, nullptr};
  for (int i = 0; i < 100; ++i) {
    const pid_t pid = raw_clone(i % 2 == 0);
    CHECK(pid >= 0);
    if (pid == 0) {
      if (i % 4 < 2) execve(path, argv, environ);
      _exit(0);
    }
    churn(random, 20);
    CHECK(exited_with(wait_for(pid, 20000), 0));
  }
  end_threads();
  return 0;
}

int spawn_children() {
  start_threads();
  Random random(5);
  char path[] = "/bin/true";
  char* argv[] = {path, nullptr};
  for (int i = 0; i < 100; ++i) {
    pid_t pid = 0;
    if (i % 2 == 0) {
      CHECK(posix_spawn(&pid, path, nullptr, nullptr, argv, environ) == 0);
    } else {
      pid = vfork();
      CHECK(pid >= 0);
      if (pid == 0) {
        execve(path, argv, environ);
        _exit(99);
      }
    }
    churn(random, 20);
    CHECK(exited_with(wait_for(pid, 20000), 0));
  }
  end_threads();
  return 0;
}

std::atomic<unsigned> signals{0};
void on_signal(int) { ++signals; }
void on_last_signal(int) { _exit(31); }

[[noreturn]] void until_the_last_signal(unsigned seed) {
  struct sigaction action = {};
  action.sa_handler = on_last_signal;
  CHECK(sigaction(SIGALRM, &action, nullptr) == 0);
  struct itimerval timer = {{0, 0}, {0, 2000 + static_cast<long>(seed) * 97 % 4000}};
  Random random(seed);
  start_threads();
  CHECK(setitimer(ITIMER_REAL, &timer, nullptr) == 0);
  for (;;) churn(random, 100);
}

int interrupted() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  CHECK(sigaction(SIGPROF, &action, nullptr) == 0);
  const struct itimerval often = {{0, 200}, {0, 200}};
  CHECK(setitimer(ITIMER_PROF, &often, nullptr) == 0);
  start_threads();
  Random random(11);
  for (int i = 0; i < 100; ++i) {
    churn(random, 200);
    CHECK(pthread_kill(threads[random.below(kThreads)], SIGPROF) == 0);
  }
  end_threads();
  const struct itimerval never = {};
  CHECK(setitimer(ITIMER_PROF, &never, nullptr) == 0);
  printf("%u signals\n", signals.load());
  CHECK(signals >= 100);
  for (unsigned i = 0; i < 30; ++i) {
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) until_the_last_signal(i);
    CHECK(exited_with(wait_for(pid, 20000), 31));
  }
  return 0;
}
}  // namespace

int main(int argc, char** argv) {
  CHECK(argc >= 2);
  if (strcmp(argv[1], "exec") == 0) return exec_again(argc > 2 ? strtoul(argv[2], nullptr, 10) : 0);
  if (strcmp(argv[1], "daemon") == 0) return become_daemons();
  if (strcmp(argv[1], "clone") == 0) return clone_without_handlers();
  if (strcmp(argv[1], "spawn") == 0) return spawn_children();
  if (strcmp(argv[1], "signal") == 0) return interrupted();
  return 2;
}

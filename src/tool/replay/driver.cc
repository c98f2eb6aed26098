// tool: ashlar-replay PLAN: calls malloc as a recorded program did (plan.h). Linked with libc alone; what it needs
// itself is mapped before the first step. Started by `ashlar replay`, with an allocator preloaded.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tool/replay/plan.h"

namespace {

using namespace ashlar::replay;

constexpr std::uint64_t kEnded = UINT64_MAX;
constexpr std::uint64_t kPage = 4096;

// One that runs, on lines of its own.
struct alignas(128) Runner {
  std::uint64_t progress;  // the number of the call at its last mark; atomic
  const PlanThread* plan;
  pthread_t thread;
  std::uint64_t failed, waits;
};

struct Driver {
  const PlanHeader* plan;
  const PlanThread* threads;
  const Step* steps;
  std::uint64_t* slots;  // atomic
  Runner* runners;
};
Driver driver;

[[noreturn]] void fail(const char* what) {
  char line[200] = "ashlar-replay: ";
  strncat(line, what, sizeof line - strlen(line) - 2);
  strcat(line, "\n");
  if (write(STDERR_FILENO, line, strlen(line)) < 0) _exit(3);
  _exit(2);
}

void* map(size_t bytes) {
  void* const p =
      mmap(nullptr, bytes + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (p == MAP_FAILED) fail("there is no memory for its tables");
  return p;
}

void open_plan(const char* path) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) fail("the plan cannot be opened");
  const auto bytes = static_cast<size_t>(status.st_size);
  if (bytes < sizeof(PlanHeader)) fail("the plan is too short");
  void* const p = mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
  if (p == MAP_FAILED) fail("the plan cannot be mapped");
  close(file);
  driver.plan = static_cast<const PlanHeader*>(p);
  driver.threads = reinterpret_cast<const PlanThread*>(driver.plan + 1);
  driver.steps = reinterpret_cast<const Step*>(driver.threads + driver.plan->threads);
  const size_t whole =
      sizeof(PlanHeader) + driver.plan->threads * sizeof(PlanThread) + driver.plan->steps * sizeof(Step);
  if (driver.plan->magic != kMagic || bytes != whole) fail("it is no plan");
}

// --- Waiting

void pause_for(unsigned turn) {
  if (turn % 64 == 63) sched_yield();
}

// How far the last of all threads is.
std::uint64_t least_progress() {
  std::uint64_t least = kEnded;
  for (unsigned i = 0; i < driver.plan->threads; ++i) {
    const std::uint64_t progress = __atomic_load_n(&driver.runners[i].progress, __ATOMIC_ACQUIRE);
    if (progress < least) least = progress;
  }
  return least;
}

void reach(Runner& own, std::uint64_t number) {
  if (driver.plan->threads == 1) return;
  __atomic_store_n(&own.progress, number, __ATOMIC_RELEASE);
  if (number <= kWindow || least_progress() >= number - kWindow) return;
  ++own.waits;
  for (unsigned turn = 0; least_progress() < number - kWindow; ++turn) pause_for(turn);
}

// The block, when the step that gave it this tag was done.
void* take(Runner& own, const Step& step) {
  const std::uint64_t* const slot = &driver.slots[step.slot];
  std::uint64_t value = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
  if (static_cast<std::uint16_t>(value) != step.tag) {
    ++own.waits;
    for (unsigned turn = 0; static_cast<std::uint16_t>(value) != step.tag; ++turn) {
      pause_for(turn);
      value = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    }
  }
  return reinterpret_cast<void*>(value >> kTagBits);
}

void put(const Step& step, std::uint16_t tag, void* block) {
  const std::uint64_t value = reinterpret_cast<std::uintptr_t>(block) << kTagBits | tag;
  __atomic_store_n(&driver.slots[step.slot], value, __ATOMIC_RELEASE);
}

// --- Steps

void touch_new(void* block, std::uint64_t size) {
  if (size == 0) return;
  if (driver.plan->touch == Touch::kAll) memset(block, 1, size);
  else *static_cast<volatile char*>(block) = 1;
}

// What was there is resident already.
void touch_resized(void* block, std::uint64_t size) {
  volatile char* const bytes = static_cast<volatile char*>(block);
  if (size == 0) return;
  bytes[0] = 1;
  if (driver.plan->touch != Touch::kAll) return;
  for (std::uint64_t i = kPage; i < size; i += kPage) bytes[i] = 1;
  bytes[size - 1] = 1;
}

void make(Runner& own, const Step& step, void* block) {
  if (block == nullptr) ++own.failed;
  else touch_new(block, step.size);
  put(step, step.tag, block);
}

void resize(Runner& own, const Step& step) {
  void* const before = take(own, step);
  void* const now = realloc(before, step.size);
  if (now == nullptr) ++own.failed;
  else touch_resized(now, step.size);
  put(step, static_cast<std::uint16_t>(step.tag + 1), now != nullptr ? now : before);
}

void* run(void* argument) {
  Runner& own = *static_cast<Runner*>(argument);
  const Step* step = driver.steps + own.plan->first;
  for (const Step* const end = step + own.plan->steps; step != end; ++step) {
    switch (step->kind) {
      case StepKind::kMalloc: make(own, *step, malloc(step->size)); break;
      case StepKind::kCalloc: make(own, *step, calloc(1, step->size)); break;
      case StepKind::kAligned: make(own, *step, aligned_alloc(size_t{1} << step->alignment, step->size)); break;
      case StepKind::kRealloc: resize(own, *step); break;
      case StepKind::kFree: free(take(own, *step)); break;
      case StepKind::kMark: reach(own, step->size); break;
    }
  }
  __atomic_store_n(&own.progress, kEnded, __ATOMIC_RELEASE);
  return nullptr;
}

// The first thread of the trace is the driver's own. Others start when the last of all is near their first call.
void* start_others(void*) {
  for (unsigned i = 1; i < driver.plan->threads; ++i) {
    Runner& runner = driver.runners[i];
    for (unsigned turn = 0; least_progress() + kWindow < runner.plan->number; ++turn) {
      if (turn > 100) usleep(100);
    }
    if (pthread_create(&runner.thread, nullptr, run, &runner) != 0) fail("a thread cannot be started");
  }
  for (unsigned i = 1; i < driver.plan->threads; ++i) pthread_join(driver.runners[i].thread, nullptr);
  return nullptr;
}

// --- Measuring

std::uint64_t now_ns() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000u + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t microseconds(const struct timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1000000u + static_cast<std::uint64_t>(time.tv_usec);
}

// A figure of proc_pid_status(5), in bytes.
std::uint64_t status_of(const char* name) {
  static char text[8192];
  const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  const ssize_t n = file >= 0 ? read(file, text, sizeof text - 1) : -1;
  if (file >= 0) close(file);
  if (n <= 0) return 0;
  text[n] = '\0';
  const char* at = strstr(text, name);
  if (at == nullptr) return 0;
  std::uint64_t kib = 0;
  for (at += strlen(name); *at == ' ' || *at == '\t' || *at == ':'; ++at) {
  }
  for (; *at >= '0' && *at <= '9'; ++at) kib = kib * 10 + static_cast<std::uint64_t>(*at - '0');
  return kib * 1024;
}

std::uint64_t difference(std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; }

Outcome measure() {
  struct rusage before, after;
  const std::uint64_t resident = status_of("VmRSS");
  getrusage(RUSAGE_SELF, &before);
  const std::uint64_t start = now_ns();
  pthread_t others;
  const bool several = driver.plan->threads > 1;
  if (several && pthread_create(&others, nullptr, start_others, nullptr) != 0) fail("a thread cannot be started");
  run(&driver.runners[0]);
  if (several) pthread_join(others, nullptr);
  Outcome outcome = {};
  outcome.ns = now_ns() - start;
  getrusage(RUSAGE_SELF, &after);
  outcome.user_us = microseconds(after.ru_utime) - microseconds(before.ru_utime);
  outcome.system_us = microseconds(after.ru_stime) - microseconds(before.ru_stime);
  outcome.faults = static_cast<std::uint64_t>(after.ru_minflt - before.ru_minflt);
  outcome.peak_bytes = difference(resident, status_of("VmHWM"));
  outcome.final_bytes = difference(resident, status_of("VmRSS"));
  for (unsigned i = 0; i < driver.plan->threads; ++i) {
    outcome.failed += driver.runners[i].failed;
    outcome.waits += driver.runners[i].waits;
  }
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) fail("it is started by ashlar replay, with a plan");
  open_plan(argv[1]);
  if (driver.plan->threads == 0) fail("the plan has no thread");
  driver.slots = static_cast<std::uint64_t*>(map(driver.plan->slots * sizeof *driver.slots));
  driver.runners = static_cast<Runner*>(map(driver.plan->threads * sizeof(Runner)));
  for (unsigned i = 0; i < driver.plan->threads; ++i) {
    driver.runners[i].plan = &driver.threads[i];
    driver.runners[i].progress = driver.threads[i].number;
  }
  status_of("VmRSS");  // its page is resident from here on
  const Outcome outcome = measure();
  if (write(STDOUT_FILENO, &outcome, sizeof outcome) != static_cast<ssize_t>(sizeof outcome)) return 3;
  return 0;
}

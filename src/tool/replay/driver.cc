// tool: ashlar-replay [WORD …] PLAN: calls malloc as a recorded program did (plan.h). It is linked with libc alone, and
// maps its own memory before the first step. `ashlar replay` starts it with an allocator preloaded.
#include "tool/replay/driver.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ashlar::replay {

Driver driver;

void fail(const char* what) {
  char line[200] = "ashlar-replay: ";
  strncat(line, what, sizeof line - strlen(line) - 2);
  strcat(line, "\n");
  if (write(STDERR_FILENO, line, strlen(line)) < 0) _exit(3);
  _exit(2);
}

void* map(std::uint64_t bytes) {
  void* const p =
      mmap(nullptr, bytes + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (p == MAP_FAILED) fail("there is no memory for its tables");
  return p;
}

namespace {

constexpr std::uint64_t kExtentBytes = kStepsPerExtent * sizeof(Step);

std::uint64_t extents_of(std::uint64_t steps) { return (steps + kStepsPerExtent - 1) / kStepsPerExtent; }

const void* map_plan(int file, void* at, std::uint64_t offset, std::uint64_t bytes) {
  void* const p = mmap(at, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE | (at != nullptr ? MAP_FIXED : 0), file,
                       static_cast<off_t>(offset));
  if (p == MAP_FAILED) fail("the plan cannot be mapped");
  return p;
}

// Checks the slots of steps, as a bad one would cause a write beyond the table.
void check_steps(const Step* steps, std::uint64_t count) {
  for (const Step* step = steps; step != steps + count; ++step) {
    if (step->kind > StepKind::kTouch || step->alignment >= 64) fail("the plan has a step of an unknown kind");
    if (step->kind < StepKind::kMark && step->slot >= driver.plan.slots) fail("the plan has a block beyond its slots");
  }
}

// Maps a thread's extents one after another.
const Step* map_steps(int file, std::uint64_t file_bytes, const std::uint64_t* extents, std::uint64_t steps) {
  const std::uint64_t bytes = steps * sizeof(Step);
  void* const room = mmap(nullptr, bytes + kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) fail("there is no room for the plan");
  for (std::uint64_t i = 0; i < extents_of(steps); ++i) {
    const std::uint64_t rest = bytes - i * kExtentBytes, part = rest < kExtentBytes ? rest : kExtentBytes;
    if (extents[i] % kPage != 0 || extents[i] > file_bytes || file_bytes - extents[i] < part) fail("it is no plan");
    map_plan(file, static_cast<char*>(room) + i * kExtentBytes, extents[i], part);
  }
  check_steps(static_cast<const Step*>(room), steps);
  return static_cast<const Step*>(room);
}

void read_header(int file, std::uint64_t file_bytes) {
  if (file_bytes < sizeof(PlanHeader)) fail("the plan is too short");
  PlanHeader& plan = driver.plan;
  if (pread(file, &plan, sizeof plan, 0) != static_cast<ssize_t>(sizeof plan) || plan.magic != kMagic)
    fail("it is no plan");
  // each slot has a step that makes its block
  if (plan.tables > file_bytes || plan.tables % alignof(PlanThread) != 0 || plan.extents > file_bytes / kPage ||
      plan.slots > file_bytes / sizeof(Step))
    fail("it is no plan");
  if (plan.threads > kMaxThreads) fail("the plan has too many threads");
  if (file_bytes - plan.tables != plan.threads * sizeof(PlanThread) + plan.extents * sizeof(std::uint64_t))
    fail("it is no plan");
  if (plan.threads == 0) fail("the plan has no thread");
}

void open_plan(const char* path) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) fail("the plan cannot be opened");
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  read_header(file, bytes);
  const std::uint64_t start = driver.plan.tables & ~(kPage - 1);
  const char* const base = static_cast<const char*>(map_plan(file, nullptr, start, bytes - start));
  const auto* const threads = reinterpret_cast<const PlanThread*>(base + (driver.plan.tables - start));
  const auto* extents = reinterpret_cast<const std::uint64_t*>(threads + driver.plan.threads);
  const std::uint64_t* const end = extents + driver.plan.extents;
  driver.runners = static_cast<Runner*>(map(driver.plan.threads * sizeof(Runner)));
  for (std::uint64_t i = 0; i < driver.plan.threads; ++i) {
    if (threads[i].steps > bytes / sizeof(Step)) fail("the plan has more steps than its file");
    const std::uint64_t count = extents_of(threads[i].steps);
    if (count > static_cast<std::uint64_t>(end - extents)) fail("it is no plan");
    Runner& runner = driver.runners[i];
    runner.plan = &threads[i];
    runner.progress = threads[i].number;
    runner.steps = map_steps(file, bytes, extents, threads[i].steps);
    if (driver.latency) runner.latencies = static_cast<Latencies*>(map(sizeof(Latencies)));
    extents += count;
  }
  close(file);
}

// The trace's first thread is the driver's own. Each other thread starts when all threads are near its first call.
void* start_others(void*) {
  for (std::uint64_t i = 1; i < driver.plan.threads; ++i) {
    Runner& runner = driver.runners[i];
    for (unsigned turn = 0; min_progress() + kWindow < runner.plan->number; ++turn) {
      if (turn > 100) usleep(100);
    }
    if (pthread_create(&runner.thread, nullptr, run, &runner) != 0) fail("a thread cannot be started");
  }
  for (std::uint64_t i = 1; i < driver.plan.threads; ++i) pthread_join(driver.runners[i].thread, nullptr);
  return nullptr;
}

void run_all() {
  pthread_t others;
  const bool several = driver.plan.threads > 1;
  if (several && pthread_create(&others, nullptr, start_others, nullptr) != 0) fail("a thread cannot be started");
  run(&driver.runners[0]);
  if (several) pthread_join(others, nullptr);
}

void note_word(const char* word) {
  const struct {
    const char* word;
    bool* wanted;
  } words[] = {{kTouchFirst, &driver.touch_first},
               {kAsRecorded, &driver.as_recorded},
               {kMemory, &driver.memory},
               {kLatency, &driver.latency},
               {kLines, &driver.lines}};
  for (const auto& known : words) {
    if (strcmp(word, known.word) == 0) {
      *known.wanted = true;
      return;
    }
  }
  fail("it is started by ashlar replay, with a plan");
}

bool put_bytes(const void* data, std::uint64_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = write(STDOUT_FILENO, at, bytes);
    if (n <= 0) return false;
    at += n;
    bytes -= static_cast<std::uint64_t>(n);
  }
  return true;
}

bool put_lines(const Outcome& outcome) {
  char text[200];
  if (outcome.failed != 0) fail("allocations failed that did not when the trace was recorded");
  const int n =
      snprintf(text, sizeof text, "metric replay %.6f s lower\npeak %llu\n", static_cast<double>(outcome.ns) / 1e9,
               static_cast<unsigned long long>(outcome.peak_bytes / 1024));
  return put_bytes(text, static_cast<std::uint64_t>(n));
}

}  // namespace

int work(int argc, char** argv) {
  if (argc < 2) fail("it is started by ashlar replay, with a plan");
  for (int i = 1; i < argc - 1; ++i) note_word(argv[i]);
  open_plan(argv[argc - 1]);
  driver.slots = static_cast<std::uint64_t*>(map(driver.plan.slots * sizeof *driver.slots));
  Latencies* const sum = driver.latency ? static_cast<Latencies*>(map(sizeof(Latencies))) : nullptr;
  prepare_measuring();
  const Outcome outcome = measure(run_all);
  if (driver.lines) return put_lines(outcome) ? 0 : 3;
  bool whole = put_bytes(&outcome, sizeof outcome);
  if (driver.memory) whole = whole && put_bytes(driver.samples, sizeof *driver.samples);
  if (sum != nullptr) {
    add_latencies(*sum);
    whole = whole && put_bytes(sum, sizeof *sum);
  }
  return whole ? 0 : 3;
}

}  // namespace ashlar::replay

int main(int argc, char** argv) { return ashlar::replay::work(argc, argv); }

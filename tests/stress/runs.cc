// Stresses runs of many lengths. Threads on as many fake processors take and free them, hand them to one another, and
// stamp each page. The pcps cut and join runs without the zone's lock. Meanwhile the structures are validated, memory
// is trimmed, and children are forked that continue. Usage: runs [threads [operations per thread]].
#include <ashlar/ashlar.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>
#include <vector>

#include "support/check.h"
#include "support/payload.h"

namespace {
using namespace ashlar_test;

constexpr size_t kPage = 4096, kSlots = 6, kShortest = 33000, kLongest = 400000, kForks = 5;

struct Run {
  unsigned char* p = nullptr;
  size_t size = 0;
  uint64_t stamp = 0;
};

void write_stamps(const Run& run) {
  for (size_t at = 0; at + sizeof run.stamp <= run.size; at += kPage) memcpy(run.p + at, &run.stamp, sizeof run.stamp);
}

void check_stamps(const Run& run, size_t size) {
  for (size_t at = 0; at + sizeof run.stamp <= size; at += kPage) {
    CHECK(memcmp(run.p + at, &run.stamp, sizeof run.stamp) == 0);
  }
}

struct Shelf {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  Run run;
};
std::array<Shelf, 16> shelves;

void release(Run& run) {
  check_stamps(run, run.size);
  ashlar_free(run.p);
  run = {};
}

class Worker {
 public:
  explicit Worker(size_t number) : random_(number + 1) {}

  void work(size_t operations) {
    for (size_t i = 0; i < operations; ++i) step(slots_[random_.below(kSlots)]);
  }
  void release_all() {
    for (Run& run : slots_) release(run);
  }
  // For the child of a fork, in which a shelf's lock may be held by a thread that no longer exists.
  void keep_to_itself() { exchanges_ = false; }

 private:
  void step(Run& slot) {
    const uint64_t what = random_.below(16);
    if (what == 0 && exchanges_) return exchange(slot);
    const size_t size = kShortest + random_.below(kLongest - kShortest);
    const size_t before = slot.size;
    if (what == 1) {
      slot.p = static_cast<unsigned char*>(ashlar_realloc(slot.p, size));
      CHECK(slot.p != nullptr);
      check_stamps(slot, std::min(before, size));
    } else {
      release(slot);
      slot.p = static_cast<unsigned char*>(ashlar_malloc(size));
      CHECK(slot.p != nullptr);
    }
    slot.size = size;
    slot.stamp = random_.next();
    write_stamps(slot);
  }
  void exchange(Run& slot) {
    Shelf& shelf = shelves[random_.below(shelves.size())];
    pthread_mutex_lock(&shelf.lock);
    std::swap(slot, shelf.run);
    pthread_mutex_unlock(&shelf.lock);
  }

  Random random_;
  bool exchanges_ = true;
  std::array<Run, kSlots> slots_;
};

struct Task {
  Worker worker;
  size_t operations;
};
std::atomic<size_t> running{0};

void* run_task(void* argument) {
  auto* const task = static_cast<Task*>(argument);
  task->worker.work(task->operations);
  task->worker.release_all();
  running.fetch_sub(1);
  return nullptr;
}

// A child has the contents of the lists, except what another thread was changing.
void fork_and_go_on(size_t number) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    Worker worker(1000 + number);
    worker.keep_to_itself();
    worker.work(300);
    CHECK(ashlar_validate() == 0);
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

int main(int argc, char** argv) {
  const size_t threads = argc > 1 ? strtoul(argv[1], nullptr, 10) : 16;
  const size_t operations = argc > 2 ? strtoul(argv[2], nullptr, 10) : 3000;
  std::vector<Task> tasks;
  tasks.reserve(threads);
  for (size_t i = 0; i < threads; ++i) tasks.push_back({Worker(i), operations});
  std::vector<pthread_t> handles(threads);
  running = threads;
  for (size_t i = 0; i < threads; ++i) CHECK(pthread_create(&handles[i], nullptr, run_task, &tasks[i]) == 0);
  size_t looks = 0;
  for (; running.load() != 0 || looks < kForks; ++looks) {
    CHECK(ashlar_validate() == 0);
    if (looks < kForks) fork_and_go_on(looks);
    if (looks % 8 == 7) ashlar_malloc_trim(0);
    usleep(1000);
  }
  for (const pthread_t handle : handles) CHECK(pthread_join(handle, nullptr) == 0);
  for (Shelf& shelf : shelves) release(shelf.run);
  CHECK(ashlar_validate() == 0);
  printf("%zu threads, %zu operations each, %zu looks\n", threads, operations, looks);
  return 0;
}

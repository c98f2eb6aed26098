// Runs many threads that allocate, hand blocks to one another, resize and free. Every block has a payload that is
// checked before it moves and before it is freed. Threads end, and their successors take over what they held (thread
// churn). Usage: stress [threads [operations per thread [seed [generations]]]]. The same seed gives each thread the
// same choices.
#include <pthread.h>
#include <stdlib.h>

#include <memory>
#include <vector>

#include "stress/worker.h"

namespace {
using namespace ashlar_test;

struct Task {
  Worker* worker;
  size_t operations;
};

void* run(void* task) {
  static_cast<Task*>(task)->worker->work(static_cast<Task*>(task)->operations);
  return nullptr;
}

size_t argument(int argc, char** argv, int index, size_t otherwise) {
  return argc > index ? strtoul(argv[index], nullptr, 10) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const size_t threads = argument(argc, argv, 1, 8), operations = argument(argc, argv, 2, 100000);
  const size_t seed = argument(argc, argv, 3, 1), generations = argument(argc, argv, 4, 10);
  printf("%s: %zu threads, %zu operations each in %zu generations, seed %zu\n", api.name, threads, operations,
         generations, seed);
  fflush(stdout);
  std::vector<std::unique_ptr<Worker>> workers;
  for (size_t i = 0; i < threads; ++i) workers.push_back(std::make_unique<Worker>(i, seed));
  std::vector<pthread_t> handles(threads);
  std::vector<Task> tasks(threads);
  const size_t before = bytes_in_use();
  for (size_t generation = 0; generation < generations; ++generation) {
    for (size_t i = 0; i < threads; ++i) {
      tasks[i] = {workers[i].get(), operations / generations};
      CHECK(pthread_create(&handles[i], nullptr, run, &tasks[i]) == 0);
    }
    for (pthread_t handle : handles) CHECK(pthread_join(handle, nullptr) == 0);
  }
  for (auto& worker : workers) worker->release_all();
  clear_shelves();
  // Checked blocks wait for their next use after they are freed, so the amount in use says nothing.
  if (getenv("STRESS_WITH_QUARANTINE") != nullptr) return 0;
  const size_t after = bytes_in_use();
  if (after > before + (2u << 20)) {
    dprintf(2, "%zu bytes in use at the start, %zu at the end, with every block freed\n", before, after);
    return 1;
  }
  return 0;
}

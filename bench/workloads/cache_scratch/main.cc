// Passive false sharing.
// Idea: cache-scratch of the Hoard allocator, after E. Berger, K. McKinley, R. Blumofe, P. Wilson, "Hoard: A scalable
// memory allocator for multithreaded applications", ASPLOS 2000. One thread allocates a few small neighbouring objects
// and gives one to each worker; the worker frees it and then allocates and writes its own. An allocator that hands each
// worker its received object again keeps all of them on one cache line.
//   --threads N   (default 2)    --size N   (default 8)

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

void run(void* given, std::size_t size, std::size_t rounds, std::size_t repetitions) {
  release(given, size);
  for (std::size_t round = 0; round < rounds; ++round) {
    void* object = allocate(size);
    write_often(object, size, repetitions);
    touch(object, size);
    release(object, size);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 2);
  const std::size_t size = args.count("size", 8);
  const std::size_t rounds = args.scaled(24'000) / threads;
  args.finish();
  constexpr std::size_t kRepetitions = 20'000;
  std::vector<void*> given(threads);
  for (void*& object : given) object = allocate(size);
  run_threads(threads, [&](std::size_t index) { run(given[index], size, rounds, kRepetitions); });
}

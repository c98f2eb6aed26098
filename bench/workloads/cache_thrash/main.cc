// Active false sharing.
// Idea: cache-thrash of the Hoard allocator, after E. Berger, K. McKinley, R. Blumofe, P. Wilson, "Hoard: A scalable
// memory allocator for multithreaded applications", ASPLOS 2000. Every thread repeatedly allocates a small object,
// writes it many times and frees it. An allocator that serves neighbouring objects to different threads makes their
// writes compete for a cache line.
//   --threads N   (default 2)    --size N   (default 8)

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

void run(std::size_t size, std::size_t rounds, std::size_t repetitions) {
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
  const std::size_t rounds = args.scaled(2'400'000) / threads;
  args.finish();
  constexpr std::size_t kRepetitions = 200;
  run_threads(threads, [=](std::size_t) { run(size, rounds, kRepetitions); });
}

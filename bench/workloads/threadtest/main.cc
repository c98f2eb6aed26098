// Threads that allocate and free large groups of equal objects, each its own.
// Idea: threadtest, E. Berger et al., "Hoard: A scalable memory allocator for multithreaded applications", ASPLOS 2000.
// All threads repeatedly build an array of objects and delete it. The groups exceed every thread cache. Shows how the
// layer behind the caches scales.
//   --threads N   (default 2)    --objects N   in all (default 100000)    --size N   (default 64)

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

void run(std::size_t rounds, std::size_t objects, std::size_t size) {
  std::vector<void*> own(objects);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (void*& object : own) object = allocate(size);
    for (void* object : own) release(object, size);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 2);
  const std::size_t objects = args.positive("objects", 100'000) / threads;
  const std::size_t size = args.count("size", 64);
  const std::size_t rounds = args.scaled(500);
  args.finish();
  run_threads(threads, [=](std::size_t) { run(rounds, objects, size); });
}

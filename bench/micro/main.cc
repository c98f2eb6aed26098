// The entry of the micro benchmarks: prints which allocator is measured, then runs Google Benchmark. Two programs are
// built from these sources. micro measures the preloaded allocator, and micro_ashlar has Ashlar linked in statically.

#include <dlfcn.h>

#include "common.h"

namespace {

// Returns the file that malloc comes from, which is this program itself if the allocator is linked in statically.
const char* origin_of_malloc() {
  Dl_info info{};
  void* address = dlsym(RTLD_DEFAULT, "malloc");
  if (address == nullptr || dladdr(address, &info) == 0) return "unknown";
  return info.dli_fname;
}

// A check before any figure is taken: a block must hold what is written to it, and two live ones must differ.
bool allocator_works() {
  auto* first = static_cast<volatile unsigned char*>(std::malloc(64));
  auto* second = static_cast<volatile unsigned char*>(std::malloc(64));
  if (first == nullptr || second == nullptr || first == second) return false;
  first[63] = 1;
  second[63] = 2;
  const bool works = first[63] == 1;
  std::free(const_cast<unsigned char*>(first));
  std::free(const_cast<unsigned char*>(second));
  return works;
}

}  // namespace

int main(int argc, char** argv) {
  if (!allocator_works()) {
    std::fprintf(stderr, "micro: the allocator from %s hands out unusable memory\n", origin_of_malloc());
    return 1;
  }
  benchmark::AddCustomContext("malloc", origin_of_malloc());
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}

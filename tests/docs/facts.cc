// Prints a table for a document from the library's own constants: facts classes|limits.
#include <cstdio>
#include <cstring>

#include "page/nodes.h"
#include "page/zone.h"
#include "slab/named_cache.h"
#include "slab/size_class.h"
#include "slab/slob.h"

namespace {

using namespace ashlar;

std::size_t kib(Order order) { return order.bytes() >> 10; }

void print_classes() {
  std::puts(
      "| class | bytes of an object | KiB of the first slabs | KiB of the largest slabs | objects of a full magazine "
      "|");
  std::puts("| ---: | ---: | ---: | ---: | ---: |");
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    const slab::ClassInfo& info = slab::kClassTable[c];
    std::printf("| %u | %u | %zu | %zu | %u |\n", c, info.size, kib(info.min_order), kib(info.max_order),
                unsigned{info.magazine});
  }
}

void print_limits() {
  std::puts("| limit | value |\n| --- | ---: |");
  const auto bytes = [](const char* what, std::size_t n) {
    const bool whole_mib = n % (std::size_t{1} << 20) == 0;
    const bool whole_kib = n % 1024 == 0;
    std::printf("| %s | %zu%s |\n", what,
                whole_mib   ? n >> 20
                : whole_kib ? n >> 10
                            : n,
                whole_mib   ? " MiB"
                : whole_kib ? " KiB"
                            : "");
  };
  const auto count = [](const char* what, std::size_t n) { std::printf("| %s | %zu |\n", what, n); };
  bytes("alignment of every block", kMinAlign);
  bytes("largest small block", slab::kMaxSmall);
  bytes("largest block of slob", slob::kMaxBytes);
  bytes("largest run of pages", page::kMaxRun.bytes());
  count("arenas", page::kMaxArenas);
  count("NUMA nodes", page::kMaxNodes);
  count("handles of named caches", slab::kMaxHandles);
  bytes("largest object of a named cache", slab::kMaxNamedSize);
  count("bytes of a cache's name", slab::kMaxName);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (std::strcmp(argv[1], "classes") == 0) print_classes();
  else if (std::strcmp(argv[1], "limits") == 0) print_limits();
  else return 2;
  return 0;
}

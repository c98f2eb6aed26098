// Measures what the option slob saves in a program with few objects of many sizes, compared with the default and with
// glibc. Usage: slob_rss LIBRARY. With "many-sizes" it is that program.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "figures.h"

namespace {

constexpr int kRuns = 5;
constexpr long kMinSavedKib = 32;

// Three objects of each of some hundred sizes from 16 bytes to 8 KiB.
int many_sizes() {
  for (int round = 0; round < 3; ++round) {
    for (size_t size = 16; size <= 8192; size += 16 + size / 16) {
      void* volatile p = malloc(size);
      if (p == nullptr) return 1;
      memset(p, 1, size);
    }
  }
  return 0;
}

long private_pages(const std::string& library, const char* options) {
  setenv("ASHLAR_OPTIONS", options, 1);
  std::vector<long> figures;
  for (int i = 0; i < kRuns; ++i) {
    figures.push_back(budget::observe({"/proc/self/exe", "many-sizes"}, library).at_exit.private_kib);
  }
  return budget::median(figures);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (strcmp(argv[1], "many-sizes") == 0) return many_sizes();
  budget::ask_for_steady_figures();
  try {
    const long glibc = private_pages("", ""), usual = private_pages(argv[1], ""), slob = private_pages(argv[1], "slob");
    printf("few objects of many sizes, private pages at exit: glibc %ld KiB, default %ld KiB, slob %ld KiB\n", glibc,
           usual, slob);
    return budget::within("private pages under slob, less the default's", static_cast<double>(slob - usual),
                          -kMinSavedKib, "KiB")
               ? 0
               : 1;
  } catch (const std::exception& error) {
    fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

// Gives the model random bytes from a seed, up to a number of cases or a time, whichever ends first. Usage: fuzz [cases
// [seconds [seed]]]. A failure prints its case's seed first, and "fuzz 1 60 SEED" repeats it.
#include <stdlib.h>
#include <time.h>

#include <vector>

#include "model.h"
#include "support/check.h"

namespace {

double now() {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Lengths differ between cases: short ones often start from an empty heap, long ones fill it.
std::vector<uint8_t> bytes_of(unsigned long seed) {
  ashlar_test::Random random(seed);
  for (int i = 0; i < 8; ++i) random.next();  // neighbouring seeds start with similar numbers
  std::vector<uint8_t> bytes(size_t{64} << random.below(9));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next() >> 24);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned long cases = argc > 1 ? strtoul(argv[1], nullptr, 10) : 1000;
  const double seconds = argc > 2 ? strtod(argv[2], nullptr) : 10;
  const unsigned long first = argc > 3 ? strtoul(argv[3], nullptr, 10) : 1;
  const double start = now();
  unsigned long done = 0;
  for (; done < cases && (done == 0 || now() - start < seconds); ++done) {
    const std::vector<uint8_t> bytes = bytes_of(first + done);
    printf("seed %lu\r", first + done);  // in the output of a case that aborts, this is the last line
    fflush(stdout);
    ashlar_test::Model().run({bytes.data(), bytes.size()});
  }
  printf("%lu cases in %.1f s, seeds %lu to %lu\n", done, now() - start, first, first + done - 1);
  return 0;
}

// Factoring with big integers on the heap.
// Idea: cfrac by Dave Barrett (in mimalloc-bench): integer factoring in which every intermediate number is a small
// block of its own. Here Pollard's rho method finds the small factor of numbers of 90 to 290 bits. A single thread,
// almost all blocks below 100 bytes and extremely short-lived, at most a few dozen alive: shows the bare fast path.

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "natural.h"

namespace {

using namespace ashlar::workload;

bool is_prime(std::uint64_t n) {
  for (std::uint64_t d = 3; d * d <= n; d += 2) {
    if (n % d == 0) return false;
  }
  return n % 2 == 1;
}

std::uint64_t prime_above(std::uint64_t n) {
  while (!is_prime(n)) ++n;
  return n;
}

// A factor of n found by Brent's variant of the rho method; differences are multiplied up so
// that a gcd is due only every kStride steps. Equals n if the two factors were met at once.
Natural find_factor(const Natural& n, std::uint64_t constant) {
  constexpr std::size_t kStride = 32;
  Natural slow(2);
  Natural fast(2);
  for (std::size_t power = 1;; power *= 2) {
    slow = fast;
    for (std::size_t done = 0; done < power;) {
      Natural product(1);
      for (std::size_t i = 0; i < kStride && done < power; ++i, ++done) {
        fast = (fast * fast + constant) % n;
        product = product * (slow < fast ? fast - slow : slow - fast) % n;
      }
      Natural factor = gcd(product, n);
      if (!(factor == Natural(1))) return factor;
    }
  }
}

Natural random_cofactor(Rng& rng, std::size_t digits) {
  Natural result(1);
  for (std::size_t i = 0; i < digits; ++i) result = result * prime_above((1u << 31) + rng.below(1u << 30));
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t numbers = args.scaled(160);
  args.finish();
  Rng rng(43);
  for (std::size_t i = 0; i < numbers; ++i) {
    const Natural small(prime_above((1u << 24) + rng.below(1u << 24)));
    const Natural n = small * random_cofactor(rng, rng.between(2, 8));
    const Natural factor = find_factor(n, 1 + rng.below(100));
    const auto [cofactor, rest] = divide(n, factor);
    expect(rest.is_zero() && cofactor * factor == n, "that was no factor");
    expect(n < factor || !(factor == Natural(1)), "a trivial factor");
  }
}

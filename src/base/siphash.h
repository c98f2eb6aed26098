// base: SipHash-2-4 of one word (Aumasson and Bernstein 2012). It derives keys and seeds from a secret. Knowing any
// number of them does not reveal the secret.
#pragma once

#include <bit>
#include <cstdint>

namespace ashlar {

struct Key {
  std::uint64_t low = 0, high = 0;
};

constexpr std::uint64_t siphash(const Key& key, std::uint64_t word) {
  std::uint64_t a = key.low ^ 0x736f6d6570736575u, b = key.high ^ 0x646f72616e646f6du;
  std::uint64_t c = key.low ^ 0x6c7967656e657261u, d = key.high ^ 0x7465646279746573u;
  const auto mix = [&](int rounds) {
    for (; rounds > 0; --rounds) {
      a += b, c += d;
      b = std::rotl(b, 13) ^ a, d = std::rotl(d, 16) ^ c;
      a = std::rotl(a, 32);
      c += b, a += d;
      b = std::rotl(b, 17) ^ c, d = std::rotl(d, 21) ^ a;
      c = std::rotl(c, 32);
    }
  };
  const std::uint64_t blocks[] = {word, std::uint64_t{sizeof word} << 56};  // the word, and the length
  for (const std::uint64_t block : blocks) {
    d ^= block;
    mix(2);
    a ^= block;
  }
  c ^= 0xff;
  mix(4);
  return a ^ b ^ c ^ d;
}

// The authors' test vector of 8 bytes, 00 to 07, under the key 00 to 0f.
static_assert(siphash({0x0706050403020100u, 0x0f0e0d0c0b0a0908u}, 0x0706050403020100u) == 0x93f5f5799a932462u);

}  // namespace ashlar

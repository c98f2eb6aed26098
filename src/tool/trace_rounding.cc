// tool: the bytes that blocks take after allocators have rounded their sizes up.
#include "tool/trace_rounding.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "slab/size_class.h"

namespace ashlar::tool {

namespace {

constexpr std::uint64_t up(std::uint64_t n, std::uint64_t unit) { return (n + unit - 1) / unit * unit; }
constexpr std::uint64_t kPage = 4096;

// Rounds to multiples of 16 up to `fine`, and to `steps` classes per doubling above.
constexpr std::uint64_t geometric(std::uint64_t size, std::uint64_t fine, std::uint64_t steps) {
  if (size <= fine) return up(std::max<std::uint64_t>(size, 1), 16);
  return up(size, std::bit_floor(size - 1) / steps);
}

std::uint64_t glibc(std::uint64_t size) {
  constexpr std::uint64_t kHead = 8, kMin = 32, kMapped = 128 << 10;
  return size >= kMapped ? up(size + 2 * kHead, kPage) : std::max(up(size + kHead, 16), kMin);
}

std::uint64_t ashlar(std::uint64_t size) {
  if (size > slab::kMaxSmall) return up(size, kPage);
  return slab::size_of(slab::class_for(static_cast<std::size_t>(std::max<std::uint64_t>(size, 1))));
}

// jemalloc 5. Large sizes are multiples of its page.
std::uint64_t jemalloc(std::uint64_t size) { return size <= 8 ? 8 : geometric(size, 128, 4); }

// mimalloc 2
std::uint64_t mimalloc(std::uint64_t size) {
  constexpr std::uint64_t kLargest = 512 << 10;
  return size > kLargest ? up(size, kPage) : geometric(size, 64, 4);
}

// gperftools
std::uint64_t tcmalloc(std::uint64_t size) {
  constexpr std::uint64_t kLargest = 256 << 10, kItsPage = 8192;
  if (size <= 8) return 8;
  return size > kLargest ? up(size, kItsPage) : geometric(size, 128, 8);
}

struct Allocator {
  const char* name;
  std::uint64_t (*round)(std::uint64_t size);
};
constexpr Allocator kAll[] = {
    {"ashlar", ashlar}, {"glibc", glibc}, {"jemalloc", jemalloc}, {"mimalloc", mimalloc}, {"tcmalloc", tcmalloc}};
static_assert(std::size(kAll) == Rounding::kAllocators);

Rounding::Sums rounded(std::uint64_t size) {
  Rounding::Sums sums{};
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = kAll[i].round(size);
  return sums;
}

// All classes begin at multiples of 8.
constexpr std::uint64_t kUnit = 8, kInTable = 32 << 10;

Rounding::Sums look_up(std::uint64_t size) {
  static const std::vector<Rounding::Sums> table = [] {
    std::vector<Rounding::Sums> all;
    for (std::uint64_t n = 0; n <= kInTable; n += kUnit) all.push_back(rounded(n));
    return all;
  }();
  return size <= kInTable ? table[static_cast<std::size_t>((size + kUnit - 1) / kUnit)] : rounded(size);
}

}  // namespace

const char* Rounding::name(std::size_t allocator) { return kAll[allocator].name; }

void Rounding::add(std::uint64_t size) {
  const Sums sums = look_up(size);
  for (std::size_t i = 0; i < kAllocators; ++i) live_[i] += sums[i];
}

void Rounding::remove(std::uint64_t size) {
  const Sums sums = look_up(size);
  for (std::size_t i = 0; i < kAllocators; ++i) live_[i] -= sums[i];
}

}  // namespace ashlar::tool

// base: the types that cross layers. Each states its unit. Construction is explicit and only meaningful operators
// exist, so that a page number is never added to a byte count by accident.
#pragma once

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>

namespace ashlar {

inline constexpr unsigned kPageShift = 12;
inline constexpr std::size_t kPageBytes = std::size_t{1} << kPageShift;  // the allocator's page, whatever the OS page
inline constexpr std::size_t kMinAlign = 16;                             // alignof(max_align_t): the ABI's promise
inline constexpr unsigned kAddressBits = 48;                             // user addresses on x86-64 and arm64

static_assert(alignof(std::max_align_t) <= kMinAlign, "malloc must align for every standard type");

// A number of allocator pages.
struct PageCount {
  std::size_t raw = 0;

  constexpr PageCount() = default;
  constexpr explicit PageCount(std::size_t n) : raw(n) {}
  [[nodiscard]] static constexpr PageCount ceil(std::size_t bytes) {
    return PageCount((bytes + kPageBytes - 1) >> kPageShift);
  }
  // Returns the number of whole pages in `bytes`.
  [[nodiscard]] static constexpr PageCount floor(std::size_t bytes) { return PageCount(bytes >> kPageShift); }
  [[nodiscard]] static constexpr PageCount all() { return PageCount(SIZE_MAX); }
  [[nodiscard]] constexpr std::size_t bytes() const { return raw << kPageShift; }
  // Returns how many pages this is above another number, or 0.
  [[nodiscard]] constexpr PageCount above(PageCount o) const { return PageCount(raw > o.raw ? raw - o.raw : 0); }

  [[gnu::always_inline]] constexpr auto operator<=>(const PageCount&) const = default;
  constexpr PageCount operator+(PageCount o) const { return PageCount(raw + o.raw); }
  constexpr PageCount operator-(PageCount o) const { return PageCount(raw - o.raw); }
  constexpr PageCount operator*(std::size_t n) const { return PageCount(raw * n); }
  constexpr PageCount operator/(std::size_t n) const { return PageCount(raw / n); }
  constexpr PageCount& operator+=(PageCount o) {
    raw += o.raw;
    return *this;
  }
  constexpr PageCount& operator-=(PageCount o) {
    raw -= o.raw;
    return *this;
  }
};

// The number of an allocator page: its address divided by kPageBytes.
struct PageId {
  std::uintptr_t raw = 0;

  constexpr PageId() = default;
  constexpr explicit PageId(std::uintptr_t n) : raw(n) {}
  [[nodiscard]] static constexpr PageId of(std::uintptr_t address) { return PageId(address >> kPageShift); }
  [[nodiscard]] static PageId of(const void* p) { return of(reinterpret_cast<std::uintptr_t>(p)); }
  [[nodiscard]] std::uintptr_t address() const { return raw << kPageShift; }
  [[nodiscard]] void* pointer() const { return reinterpret_cast<void*>(address()); }

  constexpr auto operator<=>(const PageId&) const = default;
  constexpr PageId operator+(PageCount n) const { return PageId(raw + n.raw); }
  constexpr PageCount operator-(PageId o) const { return PageCount(raw - o.raw); }
};

// The base-2 logarithm of a block's number of pages, as in the kernel's buddy allocator.
struct Order {
  std::uint8_t raw = 0;

  constexpr Order() = default;
  constexpr explicit Order(unsigned n) : raw(static_cast<std::uint8_t>(n)) {}
  // Returns the smallest order that holds n pages.
  [[nodiscard]] static constexpr Order holding(PageCount n) {
    return Order(n.raw <= 1 ? 0 : static_cast<unsigned>(std::bit_width(n.raw - 1)));
  }
  [[nodiscard]] constexpr PageCount pages() const { return PageCount(std::size_t{1} << raw); }
  [[nodiscard]] constexpr std::size_t bytes() const { return pages().bytes(); }

  constexpr auto operator<=>(const Order&) const = default;
};

// A cache of the slab layer. 0 means "no slab here" and sends the fast path of free to the slow one.
struct SizeClass {
  std::uint8_t raw = 0;

  constexpr SizeClass() = default;
  constexpr explicit SizeClass(unsigned n) : raw(static_cast<std::uint8_t>(n)) {}
  constexpr auto operator<=>(const SizeClass&) const = default;
};

// The number of a named cache; 0 means none.
using CacheNumber = std::uint16_t;

// How long ago something happened, in milliseconds.
struct AgeMs {
  std::uint64_t raw = 0;

  constexpr AgeMs() = default;
  constexpr explicit AgeMs(std::uint64_t ms) : raw(ms) {}

  constexpr auto operator<=>(const AgeMs&) const = default;
  constexpr AgeMs operator/(std::uint64_t n) const { return AgeMs(raw / n); }
};

// A moment, as the low 32 bits of a clock's milliseconds. They wrap after 49 days. The difference of two moments is
// right across the wrap.
struct Moment {
  std::uint32_t raw = 0;

  constexpr Moment() = default;
  constexpr explicit Moment(std::uint64_t now_ms) : raw(static_cast<std::uint32_t>(now_ms)) {}

  constexpr bool operator==(const Moment&) const = default;
  [[nodiscard]] constexpr bool before(Moment o) const { return static_cast<std::int32_t>(raw - o.raw) < 0; }
  constexpr AgeMs operator-(Moment earlier) const { return AgeMs(std::uint32_t{raw - earlier.raw}); }
};

// A NUMA node.
struct NodeId {
  std::uint8_t raw = 0;

  constexpr NodeId() = default;
  constexpr explicit NodeId(unsigned n) : raw(static_cast<std::uint8_t>(n)) {}
  constexpr auto operator<=>(const NodeId&) const = default;
};

[[nodiscard]] constexpr std::size_t round_up(std::size_t n, std::size_t power_of_two) {
  return (n + power_of_two - 1) & ~(power_of_two - 1);
}
[[nodiscard]] constexpr std::size_t round_down(std::size_t n, std::size_t power_of_two) {
  return n & ~(power_of_two - 1);
}

// Whether assertions are compiled in: the build's switch ASHLAR_ASSERTIONS. It is a constant rather than an #if, so
// that every branch always compiles.
#ifdef ASHLAR_ASSERTIONS
inline constexpr bool kDebug = true;
#else
inline constexpr bool kDebug = false;
#endif

}  // namespace ashlar

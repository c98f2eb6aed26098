// Natural numbers of any length whose digits live in immutable, reference-counted blocks:
// every operation makes a new block, as in big-integer libraries of the 1990s. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace ashlar::workload {

class Natural {
 public:
  Natural(std::uint64_t value = 0);  // NOLINT(google-explicit-constructor): numbers mix with literals
  Natural(const Natural& other);
  Natural(Natural&& other) noexcept : digits_(std::exchange(other.digits_, nullptr)) {}
  Natural& operator=(Natural other) noexcept {
    std::swap(digits_, other.digits_);
    return *this;
  }
  ~Natural();

  bool is_zero() const;
  std::uint64_t low() const;  // the number modulo 2^64

  friend int compare(const Natural& a, const Natural& b);
  friend Natural operator+(const Natural& a, const Natural& b);
  friend Natural operator-(const Natural& a, const Natural& b);  // a must not be below b
  friend Natural operator*(const Natural& a, const Natural& b);
  friend std::pair<Natural, Natural> divide(const Natural& a, const Natural& b);  // quotient and remainder; b not 0

  friend Natural operator%(const Natural& a, const Natural& b) { return divide(a, b).second; }
  friend bool operator==(const Natural& a, const Natural& b) { return compare(a, b) == 0; }
  friend bool operator<(const Natural& a, const Natural& b) { return compare(a, b) < 0; }

 private:
  struct Digits;
  explicit Natural(Digits* digits) : digits_(digits) {}
  static Digits* make(std::size_t count);
  static Natural trimmed(Digits* digits);
  static std::pair<Natural, std::uint32_t> divide_by_digit(const Natural& a, std::uint32_t divisor);
  static Digits* shifted_left(const Digits& from, unsigned shift);

  Digits* digits_;
};

Natural gcd(Natural a, Natural b);

}  // namespace ashlar::workload

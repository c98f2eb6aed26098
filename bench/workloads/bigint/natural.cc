// Schoolbook arithmetic on 32-bit digits, least significant first; division is Knuth's
// algorithm D (The Art of Computer Programming, volume 2, 4.3.1).

#include "natural.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "../common/memory.h"

namespace ashlar::workload {

struct Natural::Digits {
  std::uint32_t references;
  std::uint32_t count;
  std::uint32_t at[1];  // in fact `count` of them, the last one not 0
};

Natural::Digits* Natural::make(std::size_t count) {
  auto* digits = static_cast<Digits*>(std::malloc(offsetof(Digits, at) + std::max<std::size_t>(count, 1) * 4));
  expect(digits != nullptr, "malloc returned NULL");
  digits->references = 1;
  digits->count = static_cast<std::uint32_t>(count);
  return digits;
}

Natural Natural::trimmed(Digits* digits) {
  while (digits->count != 0 && digits->at[digits->count - 1] == 0) --digits->count;
  return Natural(digits);
}

Natural::Natural(std::uint64_t value) : digits_(make(2)) {
  digits_->at[0] = static_cast<std::uint32_t>(value);
  digits_->at[1] = static_cast<std::uint32_t>(value >> 32);
  digits_->count = value == 0 ? 0 : (value >> 32) == 0 ? 1 : 2;
}

Natural::Natural(const Natural& other) : digits_(other.digits_) { ++digits_->references; }

Natural::~Natural() {
  if (digits_ != nullptr && --digits_->references == 0) std::free(digits_);
}

bool Natural::is_zero() const { return digits_->count == 0; }

std::uint64_t Natural::low() const {
  const std::uint64_t low = digits_->count > 0 ? digits_->at[0] : 0;
  const std::uint64_t high = digits_->count > 1 ? digits_->at[1] : 0;
  return low | high << 32;
}

int compare(const Natural& a, const Natural& b) {
  const auto& x = *a.digits_;
  const auto& y = *b.digits_;
  if (x.count != y.count) return x.count < y.count ? -1 : 1;
  for (std::size_t i = x.count; i-- > 0;) {
    if (x.at[i] != y.at[i]) return x.at[i] < y.at[i] ? -1 : 1;
  }
  return 0;
}

Natural operator+(const Natural& a, const Natural& b) {
  const auto& x = a.digits_->count >= b.digits_->count ? *a.digits_ : *b.digits_;
  const auto& y = a.digits_->count >= b.digits_->count ? *b.digits_ : *a.digits_;
  Natural::Digits* sum = Natural::make(x.count + std::size_t{1});
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < x.count; ++i) {
    carry += std::uint64_t{x.at[i]} + (i < y.count ? y.at[i] : 0);
    sum->at[i] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  sum->at[x.count] = static_cast<std::uint32_t>(carry);
  return Natural::trimmed(sum);
}

Natural operator-(const Natural& a, const Natural& b) {
  const auto& x = *a.digits_;
  const auto& y = *b.digits_;
  Natural::Digits* difference = Natural::make(x.count);
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < x.count; ++i) {
    const std::uint64_t step = std::uint64_t{x.at[i]} - (i < y.count ? y.at[i] : 0) - borrow;
    difference->at[i] = static_cast<std::uint32_t>(step);
    borrow = step >> 63;
  }
  expect(borrow == 0, "a difference went below zero");
  return Natural::trimmed(difference);
}

Natural operator*(const Natural& a, const Natural& b) {
  const auto& x = *a.digits_;
  const auto& y = *b.digits_;
  Natural::Digits* product = Natural::make(std::size_t{x.count} + y.count);
  std::memset(product->at, 0, product->count * sizeof product->at[0]);
  for (std::size_t i = 0; i < x.count; ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < y.count; ++j) {
      carry += std::uint64_t{x.at[i]} * y.at[j] + product->at[i + j];
      product->at[i + j] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    product->at[i + y.count] = static_cast<std::uint32_t>(carry);
  }
  return Natural::trimmed(product);
}

std::pair<Natural, std::uint32_t> Natural::divide_by_digit(const Natural& a, std::uint32_t divisor) {
  const Digits& x = *a.digits_;
  Digits* quotient = make(x.count);
  std::uint64_t rest = 0;
  for (std::size_t i = x.count; i-- > 0;) {
    rest = rest << 32 | x.at[i];
    quotient->at[i] = static_cast<std::uint32_t>(rest / divisor);
    rest %= divisor;
  }
  return {trimmed(quotient), static_cast<std::uint32_t>(rest)};
}

// One digit longer than from, shift below 32.
Natural::Digits* Natural::shifted_left(const Digits& from, unsigned shift) {
  Digits* result = make(from.count + std::size_t{1});
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < from.count; ++i) {
    carry |= std::uint64_t{from.at[i]} << shift;
    result->at[i] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  result->at[from.count] = static_cast<std::uint32_t>(carry);
  return result;
}

namespace {

// Subtracts factor * divisor from the count + 1 digits at rest; true if that went below zero.
bool subtract_product(std::uint32_t* rest, const std::uint32_t* divisor, std::size_t count, std::uint64_t factor) {
  std::uint64_t carry = 0;
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i <= count; ++i) {
    carry += i < count ? factor * divisor[i] : 0;
    const std::uint64_t step = std::uint64_t{rest[i]} - (carry & 0xffffffffu) - borrow;
    rest[i] = static_cast<std::uint32_t>(step);
    borrow = step >> 63;
    carry >>= 32;
  }
  return borrow != 0;
}

void add_back(std::uint32_t* rest, const std::uint32_t* divisor, std::size_t count) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i <= count; ++i) {
    carry += std::uint64_t{rest[i]} + (i < count ? divisor[i] : 0);
    rest[i] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
}

// At most two too large, never too small.
std::uint64_t estimate(const std::uint32_t* rest, const std::uint32_t* divisor, std::size_t count) {
  const std::uint64_t top = std::uint64_t{rest[count]} << 32 | rest[count - 1];
  std::uint64_t guess = top / divisor[count - 1];
  std::uint64_t left = top % divisor[count - 1];
  while (guess >> 32 != 0 || guess * divisor[count - 2] > (left << 32 | rest[count - 2])) {
    --guess;
    left += divisor[count - 1];
    if (left >> 32 != 0) break;
  }
  return guess;
}

}  // namespace

std::pair<Natural, Natural> divide(const Natural& a, const Natural& b) {
  if (compare(a, b) < 0) return {Natural(), a};
  const std::size_t count = b.digits_->count;
  expect(count != 0, "division by zero");
  if (count == 1) {
    auto [quotient, rest] = Natural::divide_by_digit(a, b.digits_->at[0]);
    return {std::move(quotient), Natural(rest)};
  }
  // Normalised so that the divisor's top bit is set, which makes the estimate good.
  const unsigned shift = static_cast<unsigned>(std::countl_zero(b.digits_->at[count - 1]));
  Natural::Digits* rest = Natural::shifted_left(*a.digits_, shift);
  Natural::Digits* divisor = Natural::shifted_left(*b.digits_, shift);
  Natural::Digits* quotient = Natural::make(a.digits_->count - count + 1);
  for (std::size_t i = quotient->count; i-- > 0;) {
    std::uint64_t digit = estimate(rest->at + i, divisor->at, count);
    if (subtract_product(rest->at + i, divisor->at, count, digit)) {
      --digit;
      add_back(rest->at + i, divisor->at, count);
    }
    quotient->at[i] = static_cast<std::uint32_t>(digit);
  }
  std::free(divisor);
  for (std::size_t i = 0; i < count; ++i) {
    rest->at[i] =
        static_cast<std::uint32_t>((std::uint64_t{rest->at[i]} | std::uint64_t{rest->at[i + 1]} << 32) >> shift);
  }
  rest->count = static_cast<std::uint32_t>(count);
  return {Natural::trimmed(quotient), Natural::trimmed(rest)};
}

Natural gcd(Natural a, Natural b) {
  while (!b.is_zero()) {
    Natural rest = a % b;
    a = std::move(b);
    b = std::move(rest);
  }
  return a;
}

}  // namespace ashlar::workload

// base: tests the types that all layers use.
#include <gtest/gtest.h>

#include <concepts>

#include "base/base.h"

namespace ashlar {
namespace {

template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept Subtractable = requires(A a, B b) {
  a - b;
};

// Units do not mix by accident.
static_assert(!std::convertible_to<int, PageCount> && !std::convertible_to<std::size_t, PageId>);
static_assert(!std::convertible_to<unsigned, Order> && !std::convertible_to<unsigned, SizeClass>);
static_assert(!std::convertible_to<PageCount, std::size_t> && !std::convertible_to<PageId, PageCount>);
static_assert(Addable<PageId, PageCount> && !Addable<PageId, PageId> && !Addable<PageCount, std::size_t>);
static_assert(std::same_as<decltype(PageId() - PageId()), PageCount> && !Subtractable<PageId, std::size_t>);

TEST(PageCount, CeilRoundsBytesUpToWholePages) {
  EXPECT_EQ(PageCount::ceil(0).raw, 0u);
  for (std::size_t pages = 1; pages < 40; ++pages) {
    EXPECT_EQ(PageCount::ceil((pages - 1) * kPageBytes + 1).raw, pages);
    EXPECT_EQ(PageCount::ceil(pages * kPageBytes).raw, pages);
    EXPECT_EQ(PageCount(pages).bytes(), pages * kPageBytes);
  }
}

TEST(PageCount, AddsSubtractsAndCompares) {
  PageCount n(5);
  n += PageCount(3);
  EXPECT_EQ(n, PageCount(8));
  n -= PageCount(1);
  EXPECT_EQ(n + PageCount(2), PageCount(9));
  EXPECT_EQ(n - PageCount(2), PageCount(5));
  EXPECT_LT(PageCount(2), PageCount(3));
}

TEST(PageId, OfAnyByteOfAPageIsThatPage) {
  for (const std::uintptr_t offset : {0, 1, 2048, 4095}) {
    const auto* const p = reinterpret_cast<const void*>(0x7f1234567000 + offset);
    EXPECT_EQ(PageId::of(p).address(), 0x7f1234567000u);
  }
  EXPECT_EQ(PageId::of(reinterpret_cast<const void*>(0x7f1234568000)) -
                PageId::of(reinterpret_cast<const void*>(0x7f1234567fff)),
            PageCount(1));
  EXPECT_EQ((PageId(7) + PageCount(3)).pointer(), reinterpret_cast<void*>(10 * kPageBytes));
}

TEST(Order, HoldingIsTheSmallestPowerOfTwoThatHoldsThePages) {
  EXPECT_EQ(Order::holding(PageCount(0)), Order(0));
  for (std::size_t pages = 1; pages <= 20000; ++pages) {
    const Order order = Order::holding(PageCount(pages));
    ASSERT_GE(order.pages().raw, pages);
    if (order > Order(0)) {
      ASSERT_LT(Order(order.raw - 1u).pages().raw, pages);
    }
    ASSERT_EQ(order.bytes(), order.pages().raw * kPageBytes);
  }
}

TEST(Rounding, UpAndDownToAPowerOfTwo) {
  for (std::size_t n = 0; n < 300; ++n) {
    for (std::size_t power = 1; power <= 64; power *= 2) {
      EXPECT_EQ(round_down(n, power), n / power * power);
      EXPECT_EQ(round_up(n, power), (n + power - 1) / power * power);
    }
  }
}

}  // namespace
}  // namespace ashlar

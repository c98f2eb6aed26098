// api: tests the arguments of the functions of ashlar/swap.h. tests/life tests the areas themselves.
#include "ashlar/swap.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "line.h"

namespace {
using namespace ashlar_test;

constexpr size_t kMiB = size_t{1} << 20;

template <class Call>
void refused(const char* line, Call call) {
  errno = 0;
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(call(), -1); }), line));
  EXPECT_EQ(errno, EINVAL);
}

TEST(SwapMisuse, BadArgumentsGiveAnErrorAndALine) {
  const std::string folder = testing::TempDir(), too_long(3072, 'x');
  const char* const size = ", expected 1 to 274877906944 bytes";
  const char* const priority = ", expected -1 to 32767";
  const char* const path = ", expected 1 to 3071";
  refused("the path must not be NULL", [] { return ashlar_swapon(nullptr, kMiB, 0); });
  refused(path, [] { return ashlar_swapon("", kMiB, 0); });
  refused(path, [&] { return ashlar_swapon(too_long.c_str(), kMiB, 0); });
  refused(size, [&] { return ashlar_swapon(folder.c_str(), 0, 0); });
  refused(size, [&] { return ashlar_swapon(folder.c_str(), (size_t{1} << 38) + 1, 0); });
  refused(priority, [&] { return ashlar_swapon(folder.c_str(), kMiB, -2); });
  refused(priority, [&] { return ashlar_swapon(folder.c_str(), kMiB, 32768); });
  refused(priority, [&] { return ashlar_swapon(folder.c_str(), kMiB, ASHLAR_SWAP_KEEP | 32768); });
  refused("the path must not be NULL", [] { return ashlar_swapoff(nullptr); });
  refused("no swap area has this path", [&] { return ashlar_swapoff(folder.c_str()); });
  refused("the pointer to the figures must not be NULL", [] { return ashlar_swap_describe(0, nullptr); });
}

TEST(SwapMisuse, WhatTheSystemRefusesHasItsErrorAndNoLine) {
  const auto told = lines_of([] {
    EXPECT_EQ(ashlar_swapon("/nowhere/area", kMiB, 0), -1);
    EXPECT_EQ(errno, ENOENT);
    struct ashlar_swap_info info;
    EXPECT_EQ(ashlar_swap_describe(0, &info), -1);
    EXPECT_EQ(errno, ENOENT);
  });
  EXPECT_EQ(told, "");
}

}  // namespace

// Tests of a layer's validate(): each rule is broken by one change that bypasses the layer's functions.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <string_view>

#include "base/broken.h"

namespace ashlar_test {

// Expects the structures to be sound, and the rule to be broken while `value` is changed. An empty rule stands for any.
template <class Validate, class T, class U>
void expect_broken_by(Validate validate, T& value, U other, std::string_view rule) {
  const ashlar::Broken before = validate();
  EXPECT_FALSE(before) << before.rule;
  const T saved = value;
  value = static_cast<T>(other);
  const ashlar::Broken found = validate();
  value = saved;
  ASSERT_TRUE(found) << "not noticed: " << rule;
  if (!rule.empty()) {
    EXPECT_EQ(std::string_view(found.rule), rule);
  }
}

// The same for a figure that threads share.
template <class Validate, class T, class U>
void expect_broken_by(Validate validate, std::atomic<T>& value, U other, std::string_view rule) {
  T plain = value;
  const auto with_plain = [&] {
    value = plain;
    return validate();
  };
  expect_broken_by(with_plain, plain, other, rule);
  value = plain;
}

}  // namespace ashlar_test

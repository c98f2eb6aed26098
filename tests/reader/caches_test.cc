// Tests named caches and several nodes, read from outside.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "look.h"

namespace {

using namespace ashlar::reader;
using namespace ashlar_test;

const Cache& cache_named(const Model& model, const std::string& name) {
  const auto found =
      std::find_if(model.caches.begin(), model.caches.end(), [&](const Cache& c) { return c.name == name; });
  EXPECT_NE(found, model.caches.end()) << name;
  return found != model.caches.end() ? *found : model.caches.front();
}

std::uint64_t live_of_class(const Model& model, std::size_t size) {
  return cache_named(model, "malloc-" + std::to_string(size)).live();
}

class Caches : public testing::TestWithParam<const char*> {
 protected:
  Caches() {
    setenv("ASHLAR_OPTIONS", GetParam(), 1);
    child_ = std::make_unique<Child>(std::vector<std::string>{CACHES}, LIBRARY);
    unsetenv("ASHLAR_OPTIONS");
  }
  std::unique_ptr<Child> child_;
};

TEST_P(Caches, HaveTheObjectsThatTheProgramKnows) {
  child_->wait_until_ready();
  const Look before = look(child_->pid());
  child_->step();
  const Said said = child_->wait_until_ready();
  const Look now = look(child_->pid());
  EXPECT_FALSE(now.model.approximate);
  ASSERT_EQ(said.caches.size(), 2u);
  for (const auto& [name, live] : said.caches) EXPECT_EQ(cache_named(now.model, name).live(), live) << name;
  EXPECT_EQ(live_of_class(now.model, 192) - live_of_class(before.model, 192), said.blocks.at(192));
  EXPECT_EQ(runs_of(now.model)[102400] - runs_of(before.model)[102400], said.blocks.at(102400));
  EXPECT_EQ(now.model.zones.size(), std::string(GetParam()).empty() ? 1u : 2u);
  expect_reconciled(now);
  expect_covered(now.model);

  const auto source = Source::live(child_->pid());
  for (const char* const name : {"live-plain", "live-built"}) {
    EXPECT_EQ(state_at(*source, now.model, said.addresses.at(name)), "live") << name;
  }
  for (const char* const name : {"free-plain", "free-built"}) {
    EXPECT_EQ(state_at(*source, now.model, said.addresses.at(name)), "free") << name;
  }
}

TEST(ManyCaches, AreToldApart) {
  constexpr unsigned kCaches = 3000;
  Child child({CACHES, std::to_string(kCaches)}, LIBRARY);
  child.wait_until_ready();
  const Look now = look(child.pid());
  EXPECT_FALSE(now.model.approximate);
  for (unsigned n = 0; n < kCaches; n += 7) {
    const std::string name = "many_" + std::to_string(n);
    EXPECT_EQ(cache_named(now.model, name).live(), 1 + n % 5) << name;
  }
  expect_reconciled(now);
}

INSTANTIATE_TEST_SUITE_P(Reader, Caches, testing::Values("", "numa_fake=2"),
                         [](const auto& info) { return *info.param == '\0' ? "OneNode" : "TwoNodes"; });

}  // namespace

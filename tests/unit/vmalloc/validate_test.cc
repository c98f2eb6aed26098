// vmalloc: tests that the violation of each rule of the table of areas is found. Each test makes one change behind the
// layer's back and undoes it.
#include <gtest/gtest.h>

#include <string_view>

#include "broken_rule.h"
#include "fake_os/fake_os.h"
#include "vmalloc/areas.h"

namespace ashlar::vmalloc {
namespace {

template <class T, class U>
void expect_broken(T& value, U other, std::string_view rule) {
  ashlar_test::expect_broken_by([] { return validate(); }, value, other, rule);
}

TEST(VmallocValidate, AreasAndTheirCounts) {
  void* const p = alloc(40_MiB, kMinAlign);
  ASSERT_NE(p, nullptr);
  Area* const area = table.buckets[bucket_index(reinterpret_cast<std::uintptr_t>(p))];
  expect_broken(area->bytes, area->bytes + kPageBytes, "the table counts its areas");
  expect_broken(area->bytes, area->bytes + 1, "an area is made of whole pages");
  expect_broken(area->start, area->start + kPageBytes, "an area is in the bucket of its address");
  expect_broken(area->asked, area->bytes + 1, "an area is as long as was asked for at least");
  expect_broken(area->kept, true, "an area is kept if it is on the list of kept ones");
  expect_broken(table.counts.areas, table.counts.areas + 1, "the table counts its areas");
  expect_broken(table.counts.bytes, table.counts.bytes - 1, "the table counts its areas");
  expect_broken(table.counts.kept_bytes, 4096, "the table counts the areas that it keeps");
  EXPECT_TRUE(free(p));
  EXPECT_FALSE(validate());
}

}  // namespace
}  // namespace ashlar::vmalloc

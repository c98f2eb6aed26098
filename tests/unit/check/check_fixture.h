// What the tests of the check layer share: its state as it was when the process started.
#pragma once

#include <gtest/gtest.h>

#include "check/guarded_pages.h"
#include "check/places.h"
#include "check/shard.h"
#include "fresh.h"

namespace ashlar::check {

class CheckTest : public testing::Test {
 protected:
  CheckTest() {
    options = Options{};
    for (Shard& shard : shards) ashlar_test::make_fresh(shard);
    for (Slots& of : class_slots) ashlar_test::make_fresh(of);
    ashlar_test::make_fresh(settings);
    ashlar_test::make_fresh(fail_counts);
    ashlar_test::make_fresh(threads);
    ashlar_test::make_fresh(places);
    ashlar_test::make_fresh(region_map);
    ashlar_test::make_fresh(spans);
    ashlar_test::make_fresh(object_slots);
    ashlar_test::make_fresh(guarded_blocks);
    settings.key = os::process_key();
    settings.places = derive(Use::kPlaces);
  }
};

}  // namespace ashlar::check

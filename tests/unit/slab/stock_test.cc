// slab: tests the stocks of processors: what they accept, what they return, and when they free their magazines.
#include "slab/stock.h"

#include "slab/slab_fixture.h"

namespace ashlar::slab {
namespace {

constexpr std::size_t kExchangesToBegin = 64;
constexpr unsigned kBatch = 8;              // that a full shelf gives up
constexpr std::size_t kMinBytes = 256_KiB;  // what a stock of a small heap may hold

class StockTest : public SlabTest {
 protected:
  StockTest() {
    fake_page::state().threaded = true;
    for (std::size_t i = 0; i <= kExchangesToBegin; ++i) return_to_depot(kOther, take(kOther, 1), "free()");
    shrink();
  }
  ~StockTest() override { forget_stocks(); }

  static Magazine full(SizeClass c) { return magazine_of(take_objects(c, info_of(c).magazine)); }
  // Magazines in the stocks, and in the depot.
  static std::uint64_t in_stocks(SizeClass c) { return count_stocks(c, NodeId(0)).magazines; }
  static std::uint64_t in_depot(SizeClass c) { return counts(c).depot_magazines - in_stocks(c); }
  static void run_on(unsigned processor) { fake_os::state().processor = processor; }

  const SizeClass c_ = class_for(256);
  static inline const SizeClass kOther = class_for(48);
};

TEST_F(StockTest, StepsEmptyStocksLittleByLittle) {
  for (unsigned i = 0; i < 8; ++i) return_to_depot(c_, full(c_), "free()");
  ASSERT_EQ(in_stocks(c_), 8u);
  begin_shrink();
  EXPECT_TRUE(shrink_step());
  EXPECT_LT(in_stocks(c_), 8u);
  EXPECT_GT(in_stocks(c_), 0u) << "more than a step has";
  while (shrink_step()) {
  }
  EXPECT_EQ(in_stocks(c_), 0u);
  EXPECT_EQ(counts(c_).out, 0u);
}

TEST_F(StockTest, AMagazineComesBackOnItsProcessorTheNewestFirst) {
  const Magazine a = full(c_), b = full(c_);
  return_to_depot(c_, a, "free()");
  return_to_depot(c_, b, "free()");
  EXPECT_EQ(in_stocks(c_), 2u);
  EXPECT_EQ(in_depot(c_), 0u);
  EXPECT_EQ(counts(c_).depot_objects, a.count + b.count);
  const Magazine first = take(c_, 1), second = take(c_, 1);
  EXPECT_EQ(first.first, b.first);
  EXPECT_EQ(first.count, b.count);
  EXPECT_EQ(second.first, a.first);
  EXPECT_EQ(counts(c_).depot_objects, 0u);
}

TEST_F(StockTest, SmallMagazinesAreKeptButNoRemnants) {
  return_to_depot(c_, magazine_of(take_objects(c_, info_of(c_).magazine / 128)), "free()");
  EXPECT_EQ(counts(c_).depot_magazines, 0u);
  return_to_depot(c_, magazine_of(take_objects(c_, info_of(c_).magazine / 32)), "free()");
  EXPECT_EQ(counts(c_).depot_magazines, 1u);
}

TEST_F(StockTest, AnotherProcessorHasAStockOfItsOwn) {
  const Magazine a = full(c_);
  return_to_depot(c_, a, "free()");
  run_on(1);
  const Magazine other = take(c_, 1);
  EXPECT_NE(other.first, a.first);
  return_to_depot(c_, other, "free()");
  run_on(0);
  EXPECT_EQ(take(c_, 1).first, a.first);
}

TEST_F(StockTest, AFullShelfGivesItsOldestMagazinesToTheDepotAndAnEmptyOneGetsSeveral) {
  std::vector<Magazine> magazines;
  // few objects each, so that bytes set no limit
  for (unsigned i = 0; i <= kShelf; ++i) magazines.push_back(magazine_of(take_objects(c_, 2)));
  for (const Magazine& magazine : magazines) return_to_depot(c_, magazine, "free()");
  EXPECT_EQ(in_depot(c_), kBatch);
  EXPECT_EQ(in_stocks(c_), kShelf - kBatch + 1);
  run_on(1);
  EXPECT_EQ(take(c_, 1).first, magazines[kBatch - 1].first) << "the newest of those that went";
  EXPECT_EQ(in_depot(c_), kBatch - 4) << "four at once";
  EXPECT_EQ(take(c_, 1).first, magazines[kBatch - 2].first);
  EXPECT_EQ(in_depot(c_), kBatch - 4) << "from the stock";
}

TEST_F(StockTest, WhereTheDepotIsFullAStockKeepsWhatItHasAndTheNewcomerIsTakenApart) {
  while (!depot_seems_full(c_, NodeId(0))) return_to_depot(cache_of(c_), info_of(c_), full(c_), "free()");
  const Magazine oldest = magazine_of(take_objects(c_, 2));
  return_to_depot(c_, oldest, "free()");
  for (unsigned i = 1; i < kShelf; ++i) return_to_depot(c_, magazine_of(take_objects(c_, 2)), "free()");
  EXPECT_EQ(in_stocks(c_), kShelf);
  return_to_depot(c_, magazine_of(take_objects(c_, 2)), "free()");
  EXPECT_EQ(in_stocks(c_), kShelf) << "no place is free";
  for (unsigned i = 1; i < kShelf; ++i) return_to_slabs(c_, take(c_, 1), "free()");
  EXPECT_EQ(take(c_, 1).first, oldest.first);
  std::vector<Magazine> magazines;
  for (int i = 0; i < 12; ++i) magazines.push_back(full(c_));
  for (const Magazine magazine : magazines) return_to_depot(c_, magazine, "free()");
  const std::size_t room = kMinBytes / (info_of(c_).magazine * size_of(c_));
  EXPECT_EQ(in_stocks(c_), room) << "more is not to be held";
  for (std::size_t i = room; i-- > 0;) EXPECT_EQ(take(c_, 1).first, magazines[i].first);
}

TEST_F(StockTest, AStockHoldsSoManyBytesAndWhatNobodyTakesGivesWay) {
  const SizeClass wanted = class_for(64);
  return_to_depot(wanted, full(wanted), "free()");
  for (unsigned i = 1; i < kClasses; ++i) {
    for (int n = 0; n < 4; ++n) {
      return_to_depot(SizeClass(i), full(SizeClass(i)), "free()");
      std::size_t bytes = 0;
      for (unsigned j = 1; j < kClasses; ++j) {
        bytes += count_stocks(SizeClass(j), NodeId(0)).objects * size_of(SizeClass(j));
      }
      ASSERT_LE(bytes, kMinBytes) << "of class " << i;
      const Magazine magazine = take(wanted, 1);
      ASSERT_TRUE(magazine);
      return_to_depot(wanted, magazine, "free()");
    }
  }
  EXPECT_GE(in_stocks(wanted), 1u) << "it was in use all the time";
}

TEST_F(StockTest, WhatStayedBetweenTwoReapsGoesToTheSlabs) {
  for (int i = 0; i < 3; ++i) return_to_depot(c_, full(c_), "free()");
  EXPECT_TRUE(reap());
  EXPECT_EQ(in_stocks(c_), 3u) << "new at the first look";
  return_to_depot(c_, take(c_, 1), "free()");
  reap();
  EXPECT_EQ(in_stocks(c_), 1u) << "two lay there all the time";
  reap();
  EXPECT_EQ(in_stocks(c_), 0u);
  EXPECT_EQ(counts(c_).out, 0u);
}

TEST_F(StockTest, ShrinkingEmptiesTheStocksOfAllProcessors) {
  for (unsigned processor = 0; processor < 3; ++processor) {
    run_on(processor);
    for (unsigned i = 1; i < kClasses; ++i) return_to_depot(SizeClass(i), full(SizeClass(i)), "free()");
  }
  shrink();
  for (unsigned i = 1; i < kClasses; ++i) EXPECT_EQ(counts(SizeClass(i)).out, 0u);
  EXPECT_EQ(pages_.live_blocks, 0u);
}

TEST_F(StockTest, ExchangesOfOthersEmptyTheStockOfAProcessorThatIsNotUsed) {
  return_to_depot(c_, full(c_), "free()");
  run_on(1);
  const SizeClass other = class_for(32768);
  std::vector<Magazine> magazines;
  // each of these goes by way of the depot
  for (int i = 0; i < 20000 && in_stocks(c_) != 0; ++i) {
    if (i / 40 % 2 == 0) magazines.push_back(take(other, 1));
    else return_to_depot(other, magazines.back(), "free()"), magazines.pop_back();
  }
  EXPECT_EQ(in_stocks(c_), 0u);
}

TEST_F(StockTest, ASparseCacheIsNotStocked) {
  std::vector<Object*> objects = take_objects(c_, 3 * kMinSparse / 256);
  std::vector<Object*> one_of_ten;
  for (std::size_t i = 0; i < objects.size(); i += 10) one_of_ten.push_back(objects[i]);
  std::vector<Object*> rest;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (i % 10 != 0) rest.push_back(objects[i]);
  }
  give_objects(c_, rest);
  const std::vector<Object*> some(one_of_ten.begin(), one_of_ten.begin() + 100);
  return_to_depot(c_, magazine_of(some), "free()");
  EXPECT_EQ(in_stocks(c_), 0u);
}

TEST_F(StockTest, ProcessorsBeyondTheLastShareStocks) {
  const Magazine a = full(c_);
  run_on(3);
  return_to_depot(c_, a, "free()");
  run_on(kStocks + 3);
  EXPECT_EQ(take(c_, 1).first, a.first);
}

TEST(Stocks, AProcessOfOneThreadHasNone) {
  const SizeClass c = class_for(256);
  for (std::size_t i = 0; i < 10 * kExchangesToBegin; ++i) return_to_depot(c, take(c, 8), "free()");
  EXPECT_FALSE(may_have_stocks());
  EXPECT_EQ(stocks[0].load(), nullptr);
}

TEST(Stocks, ComeAfterSomeExchangesOfThreads) {
  fake_page::state().threaded = true;
  const SizeClass c = class_for(256);
  for (std::size_t i = 0; i < kExchangesToBegin / 2; ++i) {
    EXPECT_EQ(stocks[0].load(), nullptr);
    return_to_depot(c, take(c, 8), "free()");
  }
  return_to_depot(c, take(c, 8), "free()");
  EXPECT_NE(stocks[0].load(), nullptr);
}

}  // namespace
}  // namespace ashlar::slab

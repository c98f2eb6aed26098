// slab: tests that the violation of each rule of the layer is found. Each test makes one change behind the layer's back
// and undoes it.
#include <string_view>

#include "broken_rule.h"
#include "slab/slab_fixture.h"
#include "slab/slob.h"
#include "slab/slob_block.h"
#include "slab/stock.h"

namespace ashlar::slab {
namespace {

class SlabValidateTest : public SlabTest {
 protected:
  inline static const SizeClass kClass = class_for(256);

  SlabValidateTest() {
    // two slabs: a partial one with three free objects, and one that is being carved
    objects_ = take_objects(kClass, 40);
    return_to_depot(kClass, magazine_of(take_objects(kClass, 8)), "free()");
    give_objects(kClass, {objects_[3], objects_[5], objects_[9]});
    slab_ = page::slab_of(objects_[0]);
  }

  template <class T, class U>
  static void expect_broken(T& value, U other, std::string_view rule) {
    ashlar_test::expect_broken_by([] { return validate(kClass); }, value, other, rule);
  }

  std::vector<Object*> objects_;
  page::Page* slab_ = nullptr;
  Cache& cache_ = cache_of(kClass);
};

TEST_F(SlabValidateTest, Slabs) {
  ASSERT_GT(slab_->slab.free_count, 0);
  ASSERT_NE(slab_, cache_.current);
  expect_broken(slab_->slab.in_use, slab_->slab.in_use - 1, "a cache counts the objects that are out of its slabs");
  expect_broken(slab_->slab.in_use, 0, "a partial slab has free objects and others in use");
  expect_broken(slab_->slab.capacity, 1, "a slab has as many objects as fit");
  expect_broken(slab_->slab.bucket, slab_->slab.bucket + 1, "a slab is on the partial list of its bucket");
  expect_broken(slab_->prev, slab_, "the links of a partial list lead to and fro");
}

TEST_F(SlabValidateTest, FreeListsOfSlabs) {
  expect_broken(slab_->slab.free_count, slab_->slab.free_count - 1,
                "a free list ends with the object that its slab names");
  expect_broken(slab_->slab.first_free, page::kNoObject, "a free list is as long as its slab counts");
  expect_broken(slab_->slab.last_free, 0, "a free list ends with the object that its slab names");
  auto* const first = reinterpret_cast<Object*>(page::page_address(slab_) + slab_->slab.first_free * kMinAlign);
  expect_broken(first->next, nullptr, "a free list leads from object to object of its slab");
  expect_broken(first->next, reinterpret_cast<Object*>(reinterpret_cast<std::uintptr_t>(first) + 8),
                "a free list leads from object to object of its slab");
}

TEST_F(SlabValidateTest, Caches) {
  expect_broken(cache_.slabs, cache_.slabs + 1, "a cache counts its slabs and their pages");
  expect_broken(cache_.pages, cache_.pages - 1, "a cache counts its slabs and their pages");
  expect_broken(cache_.capacity, cache_.capacity + 1, "a cache counts the objects that fit into its slabs");
  expect_broken(cache_.out, cache_.out - 1, "a cache counts the objects that are out of its slabs");
  expect_broken(cache_.nonempty, 0, "a cache knows which partial lists are empty");
}

TEST_F(SlabValidateTest, SpareSlabs) {
  std::vector<Object*> all = take_objects(kClass, 200);
  give_objects(kClass, all);
  ASSERT_NE(cache_.spare, nullptr);
  expect_broken(cache_.spare->slab.bucket, 3, "a spare slab counts those after it");
  expect_broken(cache_.spare->slab.in_use, 1, "a spare slab has no object in use");
}

TEST_F(SlabValidateTest, SectionTable) {
  page::Section* const section = page::section_of(page::page_address(slab_));
  const std::size_t last = page::page_in_section(page::page_address(slab_)) + slab_->order.pages().raw - 1;
  if (slab_->order.raw > 0) {
    expect_broken(section->classes[last], 0, "all pages of a slab have its class and order in the section table");
    expect_broken(section->orders[last], 7, "all pages of a slab have its class and order in the section table");
  } else {
    expect_broken(section->classes[last], 0, "a cache counts its slabs and their pages");
  }
}

TEST_F(SlabValidateTest, Depots) {
  ASSERT_EQ(cache_.depot_count, 1u);
  Magazine& magazine = cache_.depot[0];
  expect_broken(cache_.depot_objects, 3, "a depot counts the objects of its magazines");
  expect_broken(cache_.depot_min, 2, "a depot has no more magazines than slots, nor less than its least");
  expect_broken(magazine.count, 4, "a magazine is as long as it counts");
  expect_broken(magazine.first->next, nullptr, "a magazine is as long as it counts");
  expect_broken(magazine.first->next, reinterpret_cast<Object*>(&magazine), "a magazine holds objects of its class");
}

class StockValidateTest : public SlabTest {
 protected:
  inline static const SizeClass kClass = class_for(256);

  StockValidateTest() {
    pages_.threaded = true;
    fake_os::state().single_threaded = true;  // no thread but this one, by now
    for (int i = 0; i < 200 && stocked.top == 0; ++i)
      return_to_depot(kClass, magazine_of(take_objects(kClass, info_of(kClass).magazine)), "free()");
    shrink();
    return_to_depot(kClass, magazine_of(take_objects(kClass, info_of(kClass).magazine)), "free()");
    stock_ = stocks[0];
    for (Place& place : stock_->shelves[kClass.raw]) place_ = place != 0 ? &place : place_;
  }
  ~StockValidateTest() override { forget_stocks(); }

  template <class T, class U>
  static void expect_broken(T& value, U other, std::string_view rule) {
    ashlar_test::expect_broken_by([] { return validate(); }, value, other, rule);
  }

  Stock* stock_ = nullptr;
  Place* place_ = nullptr;
};

TEST_F(StockValidateTest, Magazines) {
  ASSERT_NE(place_, nullptr);
  const Magazine magazine = unpack(*place_);
  expect_broken(*place_, pack({magazine.first, magazine.count - 2}), "a magazine is as long as it counts");
  expect_broken(*place_, pack({magazine.first->next->next, magazine.count}), "a magazine is as long as it counts");
  expect_broken(magazine.first->next, reinterpret_cast<Object*>(stock_), "a magazine holds objects of its class");
  Place& other = stock_->shelves[class_for(48).raw][0];
  expect_broken(other, place_->load(), "a magazine holds objects of its class");
  EXPECT_EQ(unpack(*place_).first, magazine.first) << "it is in its place again";
}

TEST_F(StockValidateTest, Stocks) {
  ASSERT_NE(place_, nullptr);
  expect_broken(stock_->bytes, stock_->bytes - 1, "a stock counts the bytes of its magazines");
  expect_broken(stock_->next[kClass.raw], kShelf, "the next place of a shelf is one of it");
  expect_broken(stock_->shelves[0][3], place_->load(), "no magazine is of class 0");
  expect_broken(stock_->node, NodeId(1), "a stock's objects lie on its node");
}

TEST_F(StockValidateTest, OtherThreadsMayExchangeMagazinesMeanwhile) {
  fake_os::state().single_threaded = false;
  stock_->bytes += 100;  // put() counts before it fills a place
  const Broken found = validate();
  EXPECT_FALSE(found) << found.rule;
  stock_->bytes -= 100;
}

class SlobValidateTest : public SlabTest {
 protected:
  SlobValidateTest() {
    // a block with a hole between two objects
    for (void*& object : objects_) object = slob::allocate(64, kMinAlign, page::node_at(NodeId(0)));
    slob::release(objects_[1], "free()");
    page_ = page::descriptor_of(PageId::of(objects_[0]));
    block_ = static_cast<slob::Block*>(page_->owner);
  }

  template <class T, class U>
  static void expect_broken(T& value, U other, std::string_view rule) {
    ashlar_test::expect_broken_by([] { return slob::validate(); }, value, other, rule);
  }

  void* objects_[3] = {};
  page::Page* page_ = nullptr;
  slob::Block* block_ = nullptr;
};

TEST_F(SlobValidateTest, Blocks) {
  expect_broken(block_->free, block_->free - 1, "a slob block counts its free granules");
  expect_broken(block_->objects, block_->objects + 1, "a slob block counts its objects");
  expect_broken(block_->max_free, 3, "no more granules of a slob block are free side by side than it says");
  expect_broken(block_->base, block_->base + kPageBytes, "the first page of a slob block leads to it");
  expect_broken(page_->owner, nullptr, "the first page of a slob block leads to it");
}

TEST_F(SlobValidateTest, BitsOfObjects) {
  slob::Bits bits = block_->start;
  bits.set(0, 1, false);
  expect_broken(block_->start, bits, "what is used of a slob block begins with an object");
  bits = block_->start;
  bits.set(5, 1, true);
  expect_broken(block_->start, bits, "no object of slob starts in what is free");
  bits = block_->used;
  bits.set(12, 1, true);
  expect_broken(block_->used, bits, "a slob block counts its free granules");
}

TEST_F(SlobValidateTest, ListsAndCounts) {
  expect_broken(block_->list, 1, "a slob block is on its list");
  expect_broken(block_->prev, block_, "the links of a slob list lead to and fro");
  page::Section* const section = page::section_of(page::page_address(page_));
  expect_broken(section->orders[page::page_in_section(page::page_address(page_))], 0,
                "slob counts its blocks and their pages");
}

}  // namespace
}  // namespace ashlar::slab

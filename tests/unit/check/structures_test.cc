// check: tests that the violation of each rule of spans and shards is found. Each test makes one change behind the
// layer's back and undoes it.
#include <string_view>

#include "broken_rule.h"
#include "check/check_fixture.h"
#include "check/small.h"

namespace ashlar::check {
namespace {

class StructuresTest : public CheckTest {
 protected:
  static constexpr std::size_t kSize = 100;
#ifdef __SANITIZE_THREAD__
  void SetUp() override { GTEST_SKIP() << "the addresses of places belong to ThreadSanitizer's shadow"; }
#else
  // three blocks, of which one waits in the quarantine
  void SetUp() override {
    settings.quarantine_bytes = 65536;
    bool zeroed = false;
    for (void*& block : blocks_) block = allocate_small(class_, kSize, kMinAlign, Form::kMalloc, zeroed);
    span_ = static_cast<Span*>(region_at(address_of(blocks_[1])));
    release_small(*span_, address_of(blocks_[1]), Form::kMalloc, kNoSize, "free()");
  }
#endif
  static std::uintptr_t address_of(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

  template <class T, class U>
  static void expect_broken(T& value, U other, std::string_view rule) {
    ashlar_test::expect_broken_by([] { return validate_structures(); }, value, other, rule);
  }

  SizeClass class_ = slot_class_for(settings, kSize, kMinAlign);
  void* blocks_[3] = {};
  Span* span_ = nullptr;
};

TEST_F(StructuresTest, Spans) {
  expect_broken(span_->free, span_->free + 1, "a span counts its free slots");
  expect_broken(span_->free, 0, "a partial span has free slots");
  expect_broken(span_->lowest, 9, "no slot of a span is free before its lowest word");
  expect_broken(span_->prev, span_, "the links of partial spans lead to and fro");
  expect_broken(span_->of, nullptr, "a partial span is one of its slot size, and in use");
  expect_broken(class_slots[class_.raw].spans, 2, "the spans of a slot size are counted");
}

TEST_F(StructuresTest, FreeSlots) {
  const std::uint32_t last = span_->capacity - 1;
  std::uint64_t& word = span_->free_bits[last / 64];
  ASSERT_NE(word >> last % 64 & 1, 0u) << "the last slot of a fresh span is free";
  Cell live;
  live.state = State::kLive;
  expect_broken(span_->cells[last], std::bit_cast<std::uint32_t>(live), "nobody has a free slot");
  expect_broken(word, word & ~(std::uint64_t{1} << last % 64), "a span counts its free slots");
  expect_broken(span_->capacity, last, "a span's free slots are slots of it");
}

TEST_F(StructuresTest, SlotsAtHandAndInQuarantine) {
  Shard& shard = own_shard();
  ASSERT_EQ(shard.waiting_count, 1u);
  ASSERT_GT(shard.ready_count[class_.raw], 0);
  SlotRef& waiting = shard.waiting[shard.waiting_first];
  SlotRef& ready = shard.ready[class_.raw][0];
  expect_broken(shard.waiting_bytes, 0, "a quarantine counts its bytes");
  expect_broken(shard.waiting_count, kMaxWaiting + 1, "a quarantine has no more slots than room");
  expect_broken(waiting.index, span_->capacity, "nobody has a slot in quarantine");
  expect_broken(shard.ready_count[class_.raw], kMaxReady + 1, "a shard has no more slots at hand than room");
  expect_broken(ready.span, nullptr, "a slot at hand is of its size");
  expect_broken(ready.index, span_->capacity, "nobody has a slot at hand");
  Cell moving = waiting.load();
  moving.state = State::kMoving;
  expect_broken(span_->cells[waiting.index], std::bit_cast<std::uint32_t>(moving), "nobody has a slot in quarantine");
}

}  // namespace
}  // namespace ashlar::check

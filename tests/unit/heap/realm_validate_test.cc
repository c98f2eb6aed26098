// heap: tests that the violation of each rule of realms is found. Each test makes one change behind the layer's back
// and undoes it.
#include <ashlar/ashlar.h>
#include <gtest/gtest.h>

#include <string_view>

#include "broken_rule.h"
#include "heap/realm_private.h"

namespace ashlar::heap {
namespace {

class RealmValidateTest : public testing::Test {
 protected:
  static constexpr std::size_t kSize = 256;

  RealmValidateTest() {
    ashlar_free(ashlar_malloc(kSize));  // a thread with a heap becomes the owner of the bins
    // a slab with free objects, a span, and a run
    for (void*& object : objects_) object = take(kSize);
    span_ = take(kMaxRealmObject * 2);
    run_ = take(kChunkBytes * 2);
    for (void* const object : objects_) {
      RealmBlock* const block = realm_block_around(object);
      if (object != objects_[0]) release(*block, object, "free()");
    }
    kept_ = take(kSize);
    chunk_ = static_cast<RealmChunk*>(realm_block_around(kept_));
    slab_ = find_slab(*chunk_, kept_);
  }
  ~RealmValidateTest() override { end_realm(realm_, End::kFree); }

  void* take(std::size_t size) {
    bool zeroed = false;
    return allocate(realm_, size, kMinAlign, zeroed);
  }

  template <class T, class U>
  static void expect_broken(T& value, U other, std::string_view rule) {
    ashlar_test::expect_broken_by([] { return validate_realms(); }, value, other, rule);
  }

  Realm& realm_ = *create_realm("validate");
  void* objects_[40] = {};
  void *span_ = nullptr, *run_ = nullptr, *kept_ = nullptr;
  RealmChunk* chunk_ = nullptr;
  RealmSlab* slab_ = nullptr;
  unsigned c_ = slab::class_for(kSize).raw;
};

TEST_F(RealmValidateTest, Slabs) {
  ASSERT_NE(slab_, nullptr);
  expect_broken(slab_->size_class, 0, "a slab of a chunk has a class");
  expect_broken(slab_->made, 1000, "a slab of a chunk has no more objects than fit");
  expect_broken(slab_->in_use, slab_->in_use + 1, "a slab of a chunk counts its objects");
}

TEST_F(RealmValidateTest, FreeListsOfSlabs) {
  RealmSlab* with_free = nullptr;
  for (RealmSlab& slab : chunk_->slabs) {
    if (slab.size_class == c_ && slab.free != nullptr) with_free = &slab;
  }
  ASSERT_NE(with_free, nullptr);
  Object* const first = with_free->free;
  expect_broken(with_free->free, first->next, "a slab's free list is as long as it counts");
  expect_broken(with_free->free, reinterpret_cast<Object*>(reinterpret_cast<std::uintptr_t>(first) + kMinAlign),
                "a slab's free list leads to its objects");
}

TEST_F(RealmValidateTest, Chunks) {
  expect_broken(chunk_->slabs[slab_->index].index, slab_->index + 1, "a used page of a chunk is in a slab");
  const RealmSlab* const span = find_slab(*chunk_, span_);
  ASSERT_NE(span, nullptr);
  expect_broken(chunk_->head[span->index + 1], 15, "the pages of a slab lead to it");
  expect_broken(chunk_->used, 0xffff, "a chunk is on the list for what it has free");
}

TEST_F(RealmValidateTest, BlocksLeadToTheirHeap) {
  RealmBlock* const run = realm_block_around(run_);
  ASSERT_EQ(run->kind, BlockKind::kRun);
  expect_broken(run->kind, BlockKind::kChunk, "chunks and other blocks are on lists apart");
  expect_broken(run->start, run->start + kPageBytes * 1000, "the pages of a heap lead to it");
  expect_broken(chunk_->kind, BlockKind::kRun, "chunks and other blocks are on lists apart");
  run->realm = &left_realm;
  const Broken found = validate_realms();
  EXPECT_EQ(std::string_view(found ? found.rule : ""), "a block leads to its heap");
  run->realm = &realm_;
}

TEST_F(RealmValidateTest, CountsOfAHeap) {
  expect_broken(realm_.chunks, realm_.chunks + 1, "a heap counts its chunks and blocks");
  expect_broken(realm_.empty_chunks, realm_.empty_chunks + 1, "a heap counts its chunks and blocks");
  expect_broken(realm_.larges, 0, "a heap counts its chunks and blocks");
  expect_broken(realm_.bytes, kPageBytes, "a heap counts its bytes");
  expect_broken(realm_.partial[c_], List<RealmSlab>(), "a heap lists the slabs that have something free");
}

TEST_F(RealmValidateTest, Bins) {
  ASSERT_TRUE(push(realm_, kept_, "free()"));
  ASSERT_GT(realm_.loaded[c_], 0u);
  expect_broken(realm_.loaded[c_], realm_.loaded[c_] + 1,
                "a heap's bin holds objects of its slabs, as many as it counts");
  expect_broken(realm_.loaded[c_], 0, "a heap's bin holds objects of its slabs, as many as it counts");
  expect_broken(realm_.first[c_], static_cast<Object*>(span_), "a heap's bin holds objects of its class");
  expect_broken(realm_.first[c_], static_cast<Object*>(run_),
                "a heap's bin holds objects of its slabs, as many as it counts");
}

}  // namespace
}  // namespace ashlar::heap

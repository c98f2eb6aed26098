// slab: tests that an address at which no object starts ends the process with a line that says what it is.
#include <utility>

#include "slab/slab_fixture.h"

namespace ashlar::slab {
namespace {

class SlabDeathTest : public SlabTest {
 protected:
  static void give_address(SizeClass c, void* p) {
    // The magazine is made without writing to p: what a program frees by mistake may be anything.
    return_to_slabs(c, {static_cast<Object*>(p), 1}, "free()");
  }
  static char* inside(Object* object, std::size_t offset) { return reinterpret_cast<char*>(object) + offset; }
};

TEST_F(SlabDeathTest, AnAddressInsideAnObjectDiesAndNamesTheObject) {
  const SizeClass c = class_for(256);
  const auto objects = take_objects(c, 4);
  for (const std::size_t offset : {16, 32, 128, 240}) {
    EXPECT_DEATH(give_address(c, inside(objects[1], offset)),
                 "ashlar: free\\(\\): invalid pointer 0x[0-9a-f]+: not the start of a block \\(it lies " +
                     std::to_string(offset) + " bytes inside the block of 256 bytes at 0x[0-9a-f]+\\)");
  }
}

TEST_F(SlabDeathTest, AnAddressThatWasNeverHandedOutDies) {
  const SizeClass c = class_for(256);
  cache_of(c).slabs = 1000;  // a large slab, of which little is carved
  const auto objects = take_objects(c, 2);
  cache_of(c).slabs = 1;
  EXPECT_DEATH(give_address(c, inside(objects[0], kPageBytes)),
               "free\\(\\): invalid pointer .*no block was allocated there");
}

TEST_F(SlabDeathTest, TheCallerIsNamed) {
  const SizeClass c = class_for(64);
  const auto objects = take_objects(c, 2);
  EXPECT_DEATH(return_to_slabs(c, {reinterpret_cast<Object*>(inside(objects[0], 16)), 1}, "realloc()"),
               "ashlar: realloc\\(\\): invalid pointer");
}

TEST_F(SlabDeathTest, AnObjectOfAnotherClassDies) {
  const auto objects = take_objects(class_for(64), 2);
  EXPECT_DEATH(give_address(class_for(128), objects[0]), "invalid pointer");
}

TEST_F(SlabDeathTest, AnObjectGivenBackMoreOftenThanItsSlabHandedOutDies) {
  const SizeClass c = class_for(64);
  const auto objects = take_objects(c, 1);
  take_objects(class_for(128), 1);
  give_objects(c, objects);
  EXPECT_DEATH(give_address(c, objects[0]), "no block was allocated there, or it was freed before");
}

TEST_F(SlabDeathTest, TheRestOfASlabBehindTheLastObjectDies) {
  const SizeClass c = class_for(48);  // 85 objects and 16 bytes to a page
  const auto objects = take_objects(c, 1);
  const std::uintptr_t base = slab_address(objects[0]);
  const std::size_t bytes = page::slab_of(objects[0])->order.bytes();
  ASSERT_NE(bytes % 48, 0u);
  EXPECT_DEATH(give_address(c, reinterpret_cast<void*>(base + bytes / 48 * 48)), "invalid pointer");
}

TEST_F(SlabDeathTest, AnAddressInNoSlabDiesWithAMessage) {
  int on_stack = 0;
  EXPECT_DEATH(die_of_invalid("free()", &on_stack), "not the start of a block \\(nothing is allocated there\\)");
}

// Every address within a slab but its objects' starts is refused; every start is taken.
TEST_F(SlabDeathTest, OfEachClassEveryStartIsTaken) {
  for (unsigned i = 1; i < kClasses; ++i) {
    const SizeClass c(i);
    for (Object* const object : take_objects(c, 10)) give_address(c, (object->next = nullptr, object));
    EXPECT_EQ(counts(c).out, 0u);
  }
}

// Objects of one slab, all given back, of which a walk takes a part: the links of those that it passes.
TEST_F(SlabDeathTest, ALinkThatLeadsOutOfItsSlabIsNotFollowed) {
  const SizeClass c = class_for(256);
  const auto objects = take_objects(c, 8);
  for (Object* const object : objects) {
    object->next = nullptr;
    give_address(c, object);
  }
  static char elsewhere[64];
  for (void* const wrong : {static_cast<void*>(elsewhere), static_cast<void*>(inside(objects[3], 8)),
                            reinterpret_cast<void*>(~std::uintptr_t{0})}) {
    Object* const next = std::exchange(objects[6]->next, static_cast<Object*>(wrong));
    const Guard guard(cache_of(c).lock);
    EXPECT_DEATH(take_from_slabs(cache_of(c), info_of(c), 4),
                 "ashlar: malloc\\(\\): corrupt list of free blocks of 256 bytes at 0x[0-9a-f]+: the block was written "
                 "to after it was freed");
    objects[6]->next = next;
  }
}

}  // namespace
}  // namespace ashlar::slab

// base: tests the lines that tell of misuse.
#include "base/misuse.h"

#include <gtest/gtest.h>

namespace ashlar {
namespace {

void* at(std::uintptr_t address) { return reinterpret_cast<void*>(address); }

TEST(Misuse, NamesTheCallThePointerAndTheKind) {
  EXPECT_EQ(double_free("free()", at(0x1000)).view(), "free(): double free of 0x1000: the block is already free");
  EXPECT_EQ(invalid_pointer("realloc()", at(0x1001)).view(), "realloc(): invalid pointer 0x1001");
  EXPECT_EQ(not_a_start("free()", at(0x1001)).view(), "free(): invalid pointer 0x1001: not the start of a block");
  EXPECT_EQ(not_a_start("f()", at(0x10), "object").view(), "f(): invalid pointer 0x10: not the start of an object");
}

TEST(Misuse, TellsWhereInABlockAPointerLies) {
  MisuseLine line;
  add_inside(line, at(0x1010), 0x1000, 64, "object");
  EXPECT_EQ(line.view(), " (it lies 16 bytes inside the object of 64 bytes at 0x1000)");
}

}  // namespace
}  // namespace ashlar

// stats: reads the root block like a reader from outside, which knows only offsets and sizes.
#include <gtest/gtest.h>

#include <cstring>

#include "heap/heap.h"
#include "page/section.h"
#include "page/zone.h"
#include "slab/cache.h"
#include "stats/format.h"

namespace ashlar::format {
namespace {

const TableInfo& table(Table t) { return ashlar_root.tables[static_cast<unsigned>(t)]; }
const FieldInfo& field(Field f) { return ashlar_root.fields[static_cast<unsigned>(f)]; }

// A field of an entry, as a number.
std::uint64_t value(const void* entry, Field f) {
  std::uint64_t n = 0;
  std::memcpy(&n, static_cast<const char*>(entry) + field(f).offset, field(f).size);
  return n;
}

TEST(Root, IsToldByItsMagicAndItsOwnAddress) {
  EXPECT_EQ(std::memcmp(ashlar_root.magic, kMagic, sizeof kMagic), 0);
  EXPECT_EQ(ashlar_root.self, &ashlar_root);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&ashlar_root) % 16, 0u);
  EXPECT_EQ(ashlar_root.version, kVersion);
  EXPECT_EQ(ashlar_root.bytes, sizeof ashlar_root);
  EXPECT_EQ(ashlar_root.tables_used, static_cast<unsigned>(Table::kCount));
  EXPECT_EQ(ashlar_root.fields_used, static_cast<unsigned>(Field::kCount));
  EXPECT_EQ(ashlar_root.page_shift, kPageShift);
}

TEST(Root, EachTableHasAStartAndEachFieldABytesSize) {
  for (unsigned t = 0; t < ashlar_root.tables_used; ++t) {
    EXPECT_NE(ashlar_root.tables[t].start, nullptr) << "table " << t;
    EXPECT_NE(ashlar_root.tables[t].count, 0u) << "table " << t;
  }
}

TEST(Root, SizesOfClassesRiseToTheLargest) {
  ASSERT_EQ(ashlar_root.classes, slab::kClasses);
  for (unsigned c = 1; c < ashlar_root.classes; ++c) {
    EXPECT_EQ(ashlar_root.class_sizes[c], slab::size_of(SizeClass(c)));
    EXPECT_GT(ashlar_root.class_sizes[c], ashlar_root.class_sizes[c - 1]);
  }
  EXPECT_EQ(ashlar_root.class_sizes[slab::kClasses - 1], slab::kMaxSmall);
}

TEST(Root, LeadsToTheCountsOfACache) {
  const auto counts = [] {
    const TableInfo& caches = table(Table::kCaches);
    const auto* const cache = static_cast<const char*>(caches.start) + slab::class_for(700).raw * caches.stride;
    return value(cache, Field::kCacheOut);
  };
  const std::uint64_t before = counts();
  const slab::Magazine taken = slab::take(slab::class_for(700), 4, NodeId(0));
  EXPECT_EQ(counts() - before, taken.count);
  slab::return_to_slabs(slab::class_for(700), taken, "test");
  EXPECT_EQ(counts(), before);
}

TEST(Root, LeadsToTheArenasAndTheZone) {
  void* const p = heap::allocate(128);
  const void* const arena = table(Table::kArenas).start;
  EXPECT_EQ(value(arena, Field::kArenaBase), page::arenas[0].base);
  EXPECT_EQ(value(arena, Field::kArenaPages), page::arenas[0].pages);
  EXPECT_EQ(value(arena, Field::kArenaZone), reinterpret_cast<std::uintptr_t>(table(Table::kZones).start));
  EXPECT_EQ(value(table(Table::kZones).start, Field::kZonePresent), page::counts().present.raw);
  const void* const descriptor = page::slab_of(p);
  EXPECT_EQ(value(descriptor, Field::kPageState), static_cast<unsigned>(PageState::kSlab));
  EXPECT_EQ(value(descriptor, Field::kSlabClass), slab::class_for(128).raw);
  EXPECT_TRUE(heap::release(p, "free()"));
}

TEST(Root, LeadsToTheHeapOfAThread) {
  void* const p = heap::allocate(128);
  const void* first = nullptr;
  std::memcpy(&first, table(Table::kHeaps).start, sizeof first);
  EXPECT_EQ(first, heap::current);
  EXPECT_EQ(value(first, Field::kHeapPromised), heap::current->promised);
  EXPECT_TRUE(heap::release(p, "free()"));
}

}  // namespace
}  // namespace ashlar::format

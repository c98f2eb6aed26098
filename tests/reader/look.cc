// Implements look.h.
#include "look.h"

#include <gtest/gtest.h>

#include "tool/reader/free_objects.h"

namespace ashlar_test {

using namespace ashlar::reader;

Look look(int pid) {
  const auto source = Source::live(pid);
  Look l{read_model(*source), {}};
  l.split = split_rss(*source, l.model);
  return l;
}

// Returns the runs by their size in bytes.
std::map<std::size_t, std::uint64_t> runs_of(const Model& model) {
  std::map<std::size_t, std::uint64_t> runs;
  for (const Arena& arena : model.arenas) {
    for (const Block& block : arena.blocks) runs[block.pages * kPage] += block.use == Use::kRun ? 1 : 0;
  }
  return runs;
}

void expect_reconciled(const Look& l) {
  EXPECT_TRUE(l.split.known);
  EXPECT_GT(l.split.ashlar_rss, 0u);
  EXPECT_NEAR(static_cast<double>(l.split.attributed()), static_cast<double>(l.split.ashlar_rss),
              static_cast<double>(l.split.ashlar_rss) / 100)
      << "the split against smaps";
  std::uint64_t others = 0;
  for (const Split::Other& other : l.split.others) others += other.rss;
  EXPECT_EQ(l.split.ashlar_rss + others, l.split.process_rss);
}

void expect_covered(const Model& model) {
  for (const Arena& arena : model.arenas) {
    std::uint64_t at = arena.range.start;
    for (const Block& block : arena.blocks) {
      ASSERT_EQ(block.start, at);
      EXPECT_NE(block.use, Use::kUnknown);
      at = block.end();
    }
    EXPECT_EQ(at, arena.range.end);
  }
  for (unsigned z = 0; z < model.zones.size(); ++z) {
    std::uint64_t live = 0, free = 0;
    for (const Arena& arena : model.arenas) {
      if (arena.zone != z) continue;
      for (const Block& block : arena.blocks) {
        (block.use == Use::kSlab || block.use == Use::kRun ? live : free) += block.pages;
      }
    }
    EXPECT_EQ(model.zones[z].live(), live);
    EXPECT_EQ(model.zones[z].free + model.zones[z].isolated, free);
  }
}

std::string state_at(Source& source, const Model& model, std::uint64_t address) {
  if (const Area* const area = model.area_at(address)) return area->contains(address) ? "vmalloc" : "";
  const Block* const block = model.block_at(address);
  if (block == nullptr) return "foreign";
  if (block->use == Use::kRun) return "run";
  if (block->use != Use::kSlab) return "free";
  const std::uint64_t size = model.caches[block->cache].object_size;
  bool whole = true;
  const auto free = find_free_objects(
      source, model, [&](std::uint16_t c) { return c == block->cache; }, block, whole);
  EXPECT_TRUE(whole);
  return free.contains(block->start + (address - block->start) / size * size) ? "free" : "live";
}

}  // namespace ashlar_test

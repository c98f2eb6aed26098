// A program with known blocks, read from outside while it waits: every figure equals what the program knows. In a
// process with the preloaded library, with a library whose file was deleted, and in a statically linked program.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "child.h"
#include "tool/reader/free_objects.h"
#include "tool/reader/reader.h"

namespace {

using namespace ashlar::reader;
using ashlar_test::Child;
using ashlar_test::Said;

constexpr std::size_t kMaxSmall = 32768, kMaxRun = 32 << 20;

struct Look {
  Model model;
  Split split;
};

Look look(int pid) {
  const auto source = Source::live(pid);
  Look l{read_model(*source), {}};
  l.split = split_rss(*source, l.model);
  return l;
}

std::uint64_t live_of(const Model& model, std::size_t size) {
  std::uint64_t live = 0;
  for (const Cache& cache : model.caches) live += cache.is_size_class && cache.object_size == size ? cache.live() : 0;
  return live;
}

// Runs by their size in bytes.
std::map<std::size_t, std::uint64_t> runs_of(const Model& model) {
  std::map<std::size_t, std::uint64_t> runs;
  for (const Arena& arena : model.arenas) {
    for (const Block& block : arena.blocks) runs[block.pages * kPage] += block.use == Use::kRun ? 1 : 0;
  }
  return runs;
}

std::uint64_t areas_of(const Model& model, std::size_t size) {
  std::uint64_t n = 0;
  for (const Area& area : model.areas) n += area.bytes() == size ? 1 : 0;
  return n;
}

// Every figure of `now` is that of `before` and what the program holds.
void expect_known(const Look& before, const Look& now, const Said& said) {
  EXPECT_FALSE(now.model.approximate);
  std::uint64_t slab_bytes = 0, run_bytes = 0, area_bytes = 0;
  auto runs = runs_of(now.model), old_runs = runs_of(before.model);
  for (const auto& [size, count] : said.blocks) {
    if (size <= kMaxSmall) {
      EXPECT_EQ(live_of(now.model, size) - live_of(before.model, size), count) << "objects of " << size << " bytes";
      slab_bytes += size * count;
    } else if (size <= kMaxRun) {
      EXPECT_EQ(runs[size] - old_runs[size], count) << "runs of " << size << " bytes";
      run_bytes += size * count;
    } else {
      EXPECT_EQ(areas_of(now.model, size), count) << "mappings of " << size << " bytes";
      area_bytes += size * count;
    }
  }
  // all of it was written to, so what is resident is what is live
  EXPECT_EQ(now.split.live_slab - before.split.live_slab, slab_bytes);
  EXPECT_EQ(now.split.live_runs - before.split.live_runs, run_bytes);
  EXPECT_EQ(now.split.live_vmalloc - before.split.live_vmalloc, area_bytes);
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
  for (const Zone& zone : model.zones) {
    std::uint64_t live = 0, free = 0;
    for (const Arena& arena : model.arenas) {
      for (const Block& block : arena.blocks) {
        (block.use == Use::kSlab || block.use == Use::kRun ? live : free) += block.pages;
      }
    }
    if (model.zones.size() > 1) break;
    EXPECT_EQ(zone.live(), live);
    EXPECT_EQ(zone.free + zone.isolated, free);
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

class Known : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "static") {
      child_ = std::make_unique<Child>(std::vector<std::string>{KNOWN_STATIC}, "");
      return;
    }
    std::string library = LIBRARY;
    if (GetParam() == "deleted") {
      library = "/tmp/ashlar-reader-" + std::to_string(getpid()) + "-lib.so";  // another name, too
      std::filesystem::copy_file(LIBRARY, library, std::filesystem::copy_options::overwrite_existing);
    }
    child_ = std::make_unique<Child>(std::vector<std::string>{KNOWN}, library);
    if (GetParam() != "deleted") return;
    child_->wait_until_ready();
    std::filesystem::remove(library);
    ready_ = true;
  }

  Look first() {
    if (!ready_) child_->wait_until_ready();
    return look(child_->pid());
  }

  std::unique_ptr<Child> child_;
  bool ready_ = false;
};

TEST_P(Known, FiguresEqualWhatTheProgramKnows) {
  const Look before = first();
  expect_reconciled(before);
  child_->step();
  const Said all = child_->wait_until_ready();
  ASSERT_EQ(all.blocks.size() > 10, true);
  const Look full = look(child_->pid());
  expect_known(before, full, all);
  expect_reconciled(full);
  expect_covered(full.model);

  child_->step();
  const Said half = child_->wait_until_ready();
  const Look halved = look(child_->pid());
  expect_known(before, halved, half);
  expect_reconciled(halved);
  expect_covered(halved.model);
  EXPECT_GT(halved.split.free(), full.split.free());
}

TEST_P(Known, AddressesAreTold) {
  first();
  child_->step();
  const Said all = child_->wait_until_ready();
  {
    const auto source = Source::live(child_->pid());
    const Model model = read_model(*source);
    const auto at = [&](const char* kind) { return state_at(*source, model, all.addresses.at(kind)); };
    EXPECT_EQ(at("live-slab"), "live");
    EXPECT_EQ(at("live-large-slab"), "live");
    EXPECT_EQ(at("live-run"), "run");
    EXPECT_EQ(at("live-vmalloc"), "vmalloc");
    EXPECT_EQ(at("foreign"), "foreign");
  }
  child_->step();
  const Said half = child_->wait_until_ready();
  const auto source = Source::live(child_->pid());
  const Model model = read_model(*source);
  EXPECT_EQ(state_at(*source, model, half.addresses.at("free-slab")), "free");
  EXPECT_EQ(state_at(*source, model, half.addresses.at("free-large-slab")), "free");
  EXPECT_EQ(state_at(*source, model, half.addresses.at("free-run")), "free");
  EXPECT_EQ(state_at(*source, model, all.addresses.at("live-slab")), "free");  // every second block was freed
}

INSTANTIATE_TEST_SUITE_P(Reader, Known, testing::Values("preloaded", "deleted", "static"),
                         [](const auto& info) { return info.param; });

}  // namespace

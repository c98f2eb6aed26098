// Tests a program with known blocks that is read from outside while it waits: every figure equals what the program
// knows. The process has the preloaded library, a library whose file was deleted, or is statically linked.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "look.h"

namespace {

using namespace ashlar::reader;
using namespace ashlar_test;

constexpr std::size_t kMaxSmall = 32768, kMaxRun = 32 << 20;

std::uint64_t live_of(const Model& model, std::size_t size) {
  std::uint64_t live = 0;
  for (const Cache& cache : model.caches) live += cache.is_size_class && cache.object_size == size ? cache.live() : 0;
  return live;
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
  ASSERT_GT(all.blocks.size(), 10u);
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

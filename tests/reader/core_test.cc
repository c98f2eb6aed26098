// Core files, of the kernel and of gcore(1): the same figures as those of the process, but for what is resident.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "child.h"
#include "tool/error.h"
#include "tool/reader/reader.h"

namespace {

using namespace ashlar::reader;
using ashlar_test::Child;

class Core : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "ashlar-core-" + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
    std::filesystem::current_path(folder_);
  }
  void TearDown() override {
    std::filesystem::current_path("/");
    std::filesystem::remove_all(folder_);
  }

  // The core file of a child that waits, or "" where there is no way to one.
  std::string core_of(Child& child) {
    if (GetParam() == "kernel") {
      child.end(SIGABRT);
    } else {
      std::string text;
      if (ashlar_test::run({"/usr/bin/gcore", "-o", folder_ + "/core", std::to_string(child.pid())}, text) != 0)
        return "";
    }
    for (const auto& file : std::filesystem::directory_iterator(folder_)) {
      if (file.path().filename().string().starts_with("core")) return file.path();
    }
    return "";  // core_pattern leads elsewhere
  }

  std::string folder_;
};

TEST_P(Core, HasTheFiguresOfTheProcess) {
  Child child({KNOWN}, LIBRARY);
  child.wait_until_ready();
  child.step();
  const auto said = child.wait_until_ready();
  Model live;
  {
    const auto source = Source::live(child.pid());
    live = read_model(*source);
  }
  const std::string path = core_of(child);
  if (path.empty()) GTEST_SKIP() << "no core file to be had here";
  const auto source = Source::core(path);
  const Model model = read_model(*source);
  EXPECT_FALSE(model.approximate);
  EXPECT_EQ(model.version, live.version);
  ASSERT_EQ(model.caches.size(), live.caches.size());
  for (std::size_t c = 0; c < model.caches.size(); ++c) {
    EXPECT_EQ(model.caches[c].live(), live.caches[c].live()) << live.caches[c].name;
    EXPECT_EQ(model.caches[c].slabs, live.caches[c].slabs);
  }
  ASSERT_EQ(model.areas.size(), live.areas.size());
  ASSERT_EQ(model.arenas.size(), live.arenas.size());
  ASSERT_EQ(model.options.size(), live.options.size());
  for (std::size_t i = 0; i < model.options.size(); ++i) {
    EXPECT_EQ(model.options[i].name, live.options[i].name);
    EXPECT_EQ(model.options[i].value, live.options[i].value);
    EXPECT_EQ(model.options[i].normal, live.options[i].normal);
  }
  const Split split = split_rss(*source, model);
  EXPECT_FALSE(split.known);
  EXPECT_GT(split.live_vmalloc, 72u << 20);
  EXPECT_GE(split.live_runs, said.blocks.at(2 << 20) * (2 << 20));
  // from its beginning on, cut off anywhere: a clear failure, or a model, but no crash
  const auto size = std::filesystem::file_size(path);
  for (unsigned part = 0; part < 40; ++part) {
    std::filesystem::resize_file(path, size - size / 41 * (part + 1));
    try {
      const auto cut = Source::core(path);
      read_model(*cut);
      ADD_FAILURE() << "a core file without its end was read";
    } catch (const ashlar::tool::Failure& failure) {
      EXPECT_EQ(failure.code(), ashlar::tool::Exit::kBadCore);
    }
  }
}

// Bytes of the headers and notes changed at random: a failure, or whatever figures, but no crash and no loop.
TEST_P(Core, DamageIsSurvived) {
  Child child({KNOWN}, LIBRARY);
  child.wait_until_ready();
  const std::string path = core_of(child);
  if (path.empty()) GTEST_SKIP() << "no core file to be had here";
  std::uint64_t seed = 7;
  const auto random = [&] { return (seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33; };
  const auto size = std::filesystem::file_size(path);
  for (int round = 0; round < 150; ++round) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    const std::uint64_t reach = round % 2 == 0 ? 6000 : size;
    for (int i = 0; i < 8; ++i) {
      file.seekp(static_cast<std::streamoff>(random() % reach));
      file.put(static_cast<char>(random()));
    }
    file.close();
    try {
      const auto source = Source::core(path);
      const Model model = read_model(*source);
      split_rss(*source, model);
    } catch (const ashlar::tool::Failure&) {
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Reader, Core, testing::Values("kernel", "gcore"), [](const auto& info) { return info.param; });

}  // namespace

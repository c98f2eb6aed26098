// Tests core files of the kernel and of gcore(1). They give the same figures as the process, except for what is
// resident.
#include <elf.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
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

  // The core file of a child that waits, or "" where the system gives none: then `why_` says why. Any other failure to
  // get one fails the test.
  std::string core_of(Child& child) {
    std::string text;
    if (GetParam() == "kernel") {
      why_ = why_no_kernel_core();
      child.end(SIGABRT);
    } else if (access(kGcore, X_OK) != 0) {
      why_ = "gcore is not installed (Debian package gdb)";
    } else if (ashlar_test::run({kGcore, "-o", folder_ + "/core", std::to_string(child.pid())}, text) != 0) {
      if (text.find("Operation not permitted") != text.npos) why_ = "ptrace is forbidden here";
    }
    if (!why_.empty()) return "";
    for (const auto& file : std::filesystem::directory_iterator(folder_)) return file.path();
    ADD_FAILURE() << "no core file was written; " << text;
    return "";
  }

  // core(5); nothing if the kernel writes one into the current folder.
  static std::string why_no_kernel_core() {
    std::string pattern;
    std::getline(std::ifstream("/proc/sys/kernel/core_pattern"), pattern);
    if (pattern.find_first_of("|/") != pattern.npos) return "core_pattern leads elsewhere: " + pattern;
    rlimit limit{};
    getrlimit(RLIMIT_CORE, &limit);
    return limit.rlim_max == RLIM_INFINITY ? "" : "core files are limited (RLIMIT_CORE)";
  }

  static constexpr const char* kGcore = "/usr/bin/gcore";

  std::string folder_, why_;
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
  if (!why_.empty()) GTEST_SKIP() << why_;
  ASSERT_FALSE(path.empty());
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

// A file that gets shorter after its headers were read.
TEST(ShorterCore, IsTold) {
  const std::string path = testing::TempDir() + "ashlar-short-core-" + std::to_string(getpid());
  constexpr std::uint64_t kStart = 0x10000, kBytes = 1 << 20;
  Elf64_Ehdr head{};
  std::memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_ident[EI_CLASS] = ELFCLASS64;
  head.e_ident[EI_DATA] = ELFDATA2LSB;
  head.e_type = ET_CORE;
  head.e_phoff = sizeof head;
  head.e_phentsize = sizeof(Elf64_Phdr);
  head.e_phnum = 1;
  const Elf64_Phdr segment{PT_LOAD, PF_R | PF_W, 4096, kStart, 0, kBytes, kBytes, 4096};
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&head), sizeof head);
  file.write(reinterpret_cast<const char*>(&segment), sizeof segment);
  file.close();
  std::filesystem::resize_file(path, 4096 + kBytes);
  const auto source = Source::core(path);
  char byte = 1;
  EXPECT_TRUE(source->read(kStart + kBytes - 1, &byte, 1));
  EXPECT_EQ(byte, 0);
  std::filesystem::resize_file(path, 4096);
  try {
    EXPECT_FALSE(source->read(kStart + kBytes - 1, &byte, 1));
    ADD_FAILURE() << "what is no more in the file was read";
  } catch (const ashlar::tool::Failure& failure) {
    EXPECT_EQ(failure.code(), ashlar::tool::Exit::kBadCore);
    EXPECT_NE(std::string(failure.what()).find("it became shorter while it was read"), std::string::npos);
  }
  std::filesystem::remove(path);
}

// Bytes of the headers and notes changed at random: a failure, or whatever figures, but no crash and no loop.
TEST_P(Core, DamageIsSurvived) {
  Child child({KNOWN}, LIBRARY);
  child.wait_until_ready();
  const std::string path = core_of(child);
  if (!why_.empty()) GTEST_SKIP() << why_;
  ASSERT_FALSE(path.empty());
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

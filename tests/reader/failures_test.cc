// Tests that a process or file that cannot be read gives one clear line and an exit code of its own.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "child.h"
#include "tool/error.h"
#include "tool/reader/reader.h"
#include "tool/reader/root.h"

namespace {

using ashlar::tool::Exit;
using ashlar::tool::Failure;
using namespace ashlar::reader;
using ashlar_test::Child;

// The failure of an action; kOk when it does not fail.
template <class Action>
Exit failure_of(Action action, std::string& text) {
  try {
    action();
  } catch (const Failure& failure) {
    text = failure.what();
    EXPECT_EQ(text.find('\n'), text.npos);
    return failure.code();
  }
  return Exit::kOk;
}

// The exit code of the line `words`, which must say `what` in one line; a wrong command line gets a hint in another.
void expect_line(std::vector<std::string> words, Exit code, const std::string& what) {
  words.insert(words.begin(), TOOL);
  std::string text;
  EXPECT_EQ(ashlar_test::run(words, text), static_cast<int>(code)) << text;
  EXPECT_NE(text.find(what), text.npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), code == Exit::kUsage ? 2 : 1) << text;
  EXPECT_EQ(text.rfind("ashlar: ", 0), 0u) << text;
}

std::string file_with(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + "ashlar-" + std::to_string(getpid()) + "-" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(Failures, NoSuchProcess) {
  expect_line({"doctor", "2147483646"}, Exit::kNoProcess, "there is no process 2147483646");
}

TEST(Failures, NoNumber) { expect_line({"doctor", "init"}, Exit::kUsage, "\"init\" is not the number of a process"); }

TEST(Failures, NeitherProcessNorCore) { expect_line({"slabinfo"}, Exit::kUsage, "give the number of a process"); }

TEST(Failures, ProcessWithoutAshlar) {
  Child child({"/bin/cat"}, "");
  usleep(100000);
  expect_line({"doctor", std::to_string(child.pid())}, Exit::kNoAshlar, "Ashlar is not loaded in it");
}

TEST(Failures, FormatOfAnotherVersion) {
  Child child({FAKE_ROOT}, "");
  child.wait_until_ready();
  expect_line({"doctor", std::to_string(child.pid())}, Exit::kVersion, "its Ashlar, version 9.9.9, has format 99");
}

TEST(Failures, ProcessThatEndsMeanwhile) {
  Child child({KNOWN}, LIBRARY);
  child.wait_until_ready();
  const auto source = Source::live(child.pid());
  kill(child.pid(), SIGKILL);
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(child.pid()), &info,
         WEXITED | WNOWAIT);  // a zombie: gone, but its number still taken
  std::string text;
  EXPECT_EQ(failure_of([&] { read_model(*source); }, text), Exit::kGone) << text;
  EXPECT_NE(text.find("it ended while it was read"), text.npos) << text;
  EXPECT_EQ(failure_of([&] { source->refresh(); }, text), Exit::kGone) << text;
  expect_line({"doctor", std::to_string(child.pid())}, Exit::kGone, "it has ended");
}

TEST(Failures, NotPermitted) {
  if (getuid() != 0) {
    expect_line({"doctor", "1"}, Exit::kNotPermitted, "reading its memory is not permitted");
    return;
  }
  Child child({KNOWN}, LIBRARY);
  child.wait_until_ready();
  const int pid = fork();
  if (pid == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(99);
    std::string text;
    const Exit code = failure_of([&] { Source::live(child.pid()); }, text);
    _exit(text.find("reading its memory is not permitted") != text.npos ? static_cast<int>(code) : 98);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(Exit::kNotPermitted));
}

// As another user where /proc shows each user's own processes alone.
TEST(Failures, HiddenProcess) {
  Child child({KNOWN}, LIBRARY);
  child.wait_until_ready();
  constexpr int kSkipped = 77;
  const int pid = fork();
  if (pid == 0) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) _exit(kSkipped);
    if (mount("proc", "/proc", "proc", 0, "hidepid=2") != 0) _exit(kSkipped);
    if (setgid(65534) != 0 || setuid(65534) != 0 || access(TOOL, X_OK) != 0) _exit(kSkipped);
    const std::string number = std::to_string(child.pid());
    expect_line({"doctor", number}, Exit::kNotPermitted, "reading its memory is not permitted");
    expect_line({"meminfo", number}, Exit::kNotPermitted, "no permission to read");
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (WEXITSTATUS(status) == kSkipped) GTEST_SKIP() << "this user may not mount /proc anew";
  EXPECT_EQ(status, 0);
}

TEST(Failures, NoCoreFile) {
  const std::string path =
      file_with("text", "this is text, and long enough for an ELF header if it were one .........");
  expect_line({"doctor", "--core", path}, Exit::kBadCore, "not a core file");
  expect_line({"doctor", "--core", TOOL}, Exit::kBadCore, "not a core file");  // ELF, but a program
  unlink(path.c_str());
  expect_line({"doctor", "--core", path}, Exit::kFailed, "No such file");
}

// Regression: opening one waited for somebody to write to it, and a core file may name one as a mapped file.
TEST(Failures, PipeForACoreFileIsNotWaitedFor) {
  const std::string path = testing::TempDir() + "ashlar-" + std::to_string(getpid()) + "-pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  expect_line({"slabinfo", "--core", path}, Exit::kBadCore, "this is not a core file");
  unlink(path.c_str());
}

// Regression: a field that its root block places outside of its entry was read from beyond the entry's bytes, and a
// table of 2^32 entries was asked for as it was.
TEST(Failures, RootBlockWithNumbersThatDoNotFitIsRefused) {
  Child child({KNOWN}, LIBRARY);
  child.wait_until_ready();
  const auto source = Source::live(child.pid());
  ashlar::format::Root root = find_root(*source).root;
  ASSERT_TRUE(holds_together(root));
  // An offset beyond any entry is refused, but for fields that are lengths themselves.
  unsigned refused = 0, all = 0;
  for (auto& field : root.fields) {
    const auto offset = field.offset;
    field.offset = 0xfff0;
    refused += holds_together(root) ? 0 : 1;
    field.offset = offset;
    ++all;
  }
  EXPECT_GE(refused, all - 40) << "fields of their own length, and those that are read word by word";
  for (auto& table : root.tables) {
    const auto good = table;
    table.count = UINT32_MAX;
    EXPECT_FALSE(holds_together(root));
    table = good;
    table.stride = UINT32_MAX;
    EXPECT_FALSE(holds_together(root));
    table.stride = 0;
    EXPECT_FALSE(holds_together(root));
    table = good;
  }
  root.classes = ashlar::format::kMaxClasses;
  EXPECT_FALSE(holds_together(root)) << "more classes than there are caches";
}

TEST(Failures, AddressThatIsNone) {
  Child child({KNOWN}, LIBRARY);
  child.wait_until_ready();
  expect_line({"page", std::to_string(child.pid()), "0xzz"}, Exit::kUsage, "\"0xzz\" is not an address");
}

}  // namespace

// os: tests messages, the environment, small files, the clock and threads.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "os/os.h"
#include "os/proc.h"

namespace ashlar::os {
namespace {

std::string said(std::string_view text) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const int saved = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  say(text);
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(ends[1]);
  char buffer[2000];
  const ssize_t n = read(ends[0], buffer, sizeof buffer);
  close(ends[0]);
  return {buffer, static_cast<std::size_t>(n > 0 ? n : 0)};
}

TEST(Say, WritesOneWholeLine) {
  errno = 4711;
  EXPECT_EQ(said("free(): bad"), "ashlar: free(): bad\n");
  EXPECT_EQ(said(""), "ashlar: \n");
}

TEST(Say, ControlCharactersReachNoTerminal) { EXPECT_EQ(said("a\nb\x1b[2Jc\x7f\x80"), "ashlar: a?b?[2Jc??\n"); }

TEST(Say, ALongLineIsCutAndStillEnds) {
  const std::string line = said(std::string(5000, 'x'));
  EXPECT_LT(line.size(), 520u);
  EXPECT_EQ(line.back(), '\n');
}

TEST(Say, AClosedStderrHarmsNothing) {
  const int saved = dup(STDERR_FILENO);
  close(STDERR_FILENO);
  errno = 4711;
  say("nobody hears");
  EXPECT_EQ(errno, 4711);
  dup2(saved, STDERR_FILENO);
  close(saved);
}

TEST(Say, AReaderThatIsGoneHarmsNothing) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  signal(SIGPIPE, SIG_DFL);
  sigset_t before, after, pending;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  const int saved = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  errno = 4711;
  say("nobody reads");
  EXPECT_EQ(errno, 4711);
  EXPECT_EQ(write_file(STDERR_FILENO, "nor this"), EPIPE);
  EXPECT_EQ(errno, 4711);
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(ends[1]);
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  sigpending(&pending);
  EXPECT_EQ(sigismember(&after, SIGPIPE), sigismember(&before, SIGPIPE));
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

std::atomic<int> pipe_signals;

TEST(Say, AHandlerOfTheProgramIsCalledForAReaderThatIsGone) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  signal(SIGPIPE, [](int) { ++pipe_signals; });
  EXPECT_EQ(write_file(ends[1], "nobody reads"), EPIPE);
  EXPECT_EQ(pipe_signals, 1);
  signal(SIGPIPE, SIG_DFL);
  close(ends[1]);
}

TEST(WriteFile, AFileAtItsLimitHarmsNothing) {
  char path[] = "/tmp/ashlar_os_testXXXXXX";
  const int file = mkstemp(path);
  unlink(path);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit low{4, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  EXPECT_EQ(write_file(file, "more than four"), EFBIG);
  EXPECT_EQ(lseek(file, 0, SEEK_END), 4);
  setrlimit(RLIMIT_FSIZE, &before);
  close(file);
}

TEST(DieDeathTest, EndsTheProcessBySigabrt) { EXPECT_EXIT(die(), testing::KilledBySignal(SIGABRT), ""); }

TEST(Environment, GivesTheValueOrNull) {
  setenv("ASHLAR_UNIT_TEST", "some text", 1);
  EXPECT_STREQ(environment("ASHLAR_UNIT_TEST"), "some text");
  unsetenv("ASHLAR_UNIT_TEST");
  EXPECT_EQ(environment("ASHLAR_UNIT_TEST"), nullptr);
}

TEST(Clock, RisesAndMeasuresSleep) {
  const std::uint64_t start = now_ms();
  sleep_ms(60);
  const std::uint64_t end = now_ms();
  EXPECT_GE(end - start, 40u);
  EXPECT_LT(end - start, 10000u);
}

TEST(SmallFile, IsReadWholeOrUpToTheBuffer) {
  char path[] = "/tmp/ashlar_os_testXXXXXX";
  const int file = mkstemp(path);
  ASSERT_EQ(write(file, "0123456789", 10), 10);
  close(file);
  char buffer[64];
  errno = 4711;
  EXPECT_EQ(read_small_file(path, buffer, sizeof buffer), "0123456789");
  EXPECT_EQ(read_small_file(path, buffer, 4), "0123");
  unlink(path);
  errno = 4711;
  EXPECT_TRUE(read_small_file(path, buffer, sizeof buffer).empty());
  EXPECT_EQ(errno, 4711);
  EXPECT_FALSE(read_small_file("/proc/self/stat", buffer, sizeof buffer).empty());
  EXPECT_TRUE(read_small_file("/proc", buffer, sizeof buffer).empty()) << "a folder";
}

TEST(SmallFile, LeavesNoFileOpen) {
  const int before = dup(0);
  close(before);
  char buffer[16];
  for (int i = 0; i < 10; ++i) read_small_file("/proc/self/stat", buffer, sizeof buffer);
  const int after = dup(0);
  close(after);
  EXPECT_EQ(after, before);
}

TEST(ParseDecimal, TakesLeadingDigits) {
  std::size_t n = 99;
  EXPECT_TRUE(parse_decimal("0", n));
  EXPECT_EQ(n, 0u);
  EXPECT_TRUE(parse_decimal("1234\n", n));
  EXPECT_EQ(n, 1234u);
  EXPECT_TRUE(parse_decimal("18446744073709551615", n));
  EXPECT_EQ(n, SIZE_MAX);
  for (const char* const text : {"", "max", " 1", "-1", "\n"}) EXPECT_FALSE(parse_decimal(text, n)) << text;
}

TEST(ParseDecimal, ANumberTooLargeIsTheLargest) {
  std::size_t n = 0;
  EXPECT_TRUE(parse_decimal("18446744073709551616", n));
  EXPECT_EQ(n, SIZE_MAX);
  EXPECT_TRUE(parse_decimal("99999999999999999999999999", n));
  EXPECT_EQ(n, SIZE_MAX);
}

TEST(StartThread, RunsItDetachedWithEverySignalBlocked) {
  static std::atomic<int> state;
  state = 0;
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  ASSERT_TRUE(start_thread([] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    int detached = 0;
    pthread_attr_getdetachstate(&attributes, &detached);
    pthread_attr_destroy(&attributes);
    state = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1 && detached == PTHREAD_CREATE_DETACHED
                ? 1
                : 2;
  }));
  for (int i = 0; i < 1000 && state == 0; ++i) usleep(10000);
  EXPECT_EQ(state, 1);
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < 32; ++signal)
    EXPECT_EQ(sigismember(&after, signal), sigismember(&before, signal)) << signal;
}

}  // namespace
}  // namespace ashlar::os

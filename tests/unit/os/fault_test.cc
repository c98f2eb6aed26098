// os: tests signals that the handler of faults does not explain: those that were sent, and those that the previous
// action must receive.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "os/os.h"

namespace ashlar::os {
namespace {

bool explains_nothing(std::uintptr_t) { return false; }

void end_with(int status) { _exit(status); }

// Exits with 10 + the number of calls if it was called as sigaction(2) says.
volatile int calls = 0;
void count_calls(int signal, siginfo_t* info, void*) {
  sigset_t blocked;
  sigprocmask(SIG_BLOCK, nullptr, &blocked);
  const bool as_asked = sigismember(&blocked, SIGUSR1) == 1 && sigismember(&blocked, signal) == 1 &&
                        info->si_pid == getpid() && info->si_code == SI_TKILL;
  if (!as_asked) end_with(1);
  calls = calls + 1;
}

void install(int flags) {
  struct sigaction action = {};
  action.sa_sigaction = count_calls;
  action.sa_flags = SA_SIGINFO | flags;
  sigaddset(&action.sa_mask, SIGUSR1);
  sigaction(SIGSEGV, &action, nullptr);
}

bool is_blocked(int signal) {
  sigset_t blocked;
  sigprocmask(SIG_BLOCK, nullptr, &blocked);
  return sigismember(&blocked, signal) == 1;
}

TEST(SentSignals, EndTheProcessWhereNothingHandlesThem) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer handles them";
#endif
  EXPECT_EXIT((on_fault(explains_nothing), raise(SIGSEGV), end_with(0)), testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT((on_fault(explains_nothing), kill(getpid(), SIGBUS), end_with(0)), testing::KilledBySignal(SIGBUS), "");
}

TEST(SentSignals, AreIgnoredWhereTheyWereIgnored) {
  EXPECT_EXIT((signal(SIGSEGV, SIG_IGN), on_fault(explains_nothing), raise(SIGSEGV), end_with(7)),
              testing::ExitedWithCode(7), "");
}

TEST(SentSignals, MeetTheHandlerBeforeWithItsMaskAndItsInformation) {
  EXPECT_EXIT((install(0), on_fault(explains_nothing), raise(SIGSEGV), raise(SIGSEGV),
               end_with(is_blocked(SIGUSR1) || is_blocked(SIGSEGV) ? 2 : 10 + calls)),
              testing::ExitedWithCode(12), "");
}

TEST(SentSignals, MeetAHandlerOnceThatIsToBeReset) {
  EXPECT_EXIT((install(static_cast<int>(SA_RESETHAND)), on_fault(explains_nothing), raise(SIGSEGV),
               calls == 1 ? void() : end_with(3), raise(SIGSEGV), end_with(0)),
              testing::KilledBySignal(SIGSEGV), "");
}

void fault() {
  auto* const nowhere = static_cast<volatile char*>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  *nowhere = 1;
}

TEST(Faults, OfInstructionsEndTheProcessThoughTheSignalWasIgnored) {
  EXPECT_EXIT((signal(SIGSEGV, SIG_IGN), on_fault(explains_nothing), fault(), end_with(0)),
              testing::KilledBySignal(SIGSEGV), "");
}

// Exits with 0 at the second of two faults, if no more signals are blocked in the handler than its flags ask for.
void fault_once_more(int) {
  calls = calls + 1;
  if (is_blocked(SIGSEGV) || is_blocked(SIGBUS)) end_with(2);
  if (calls == 2) end_with(0);
  fault();
}

void install_nested() {
  struct sigaction action = {};
  action.sa_handler = fault_once_more;
  action.sa_flags = SA_NODEFER;
  sigaction(SIGSEGV, &action, nullptr);
}

TEST(Faults, MeetAHandlerBeforeThatMayFaultItself) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer handles them";
#endif
  EXPECT_EXIT((install_nested(), on_fault(explains_nothing), fault(), end_with(3)), testing::ExitedWithCode(0), "");
}

bool faults(std::uintptr_t) {
  calls = calls + 1;
  if (calls == 2) end_with(4);
  fault();
  return false;
}

TEST(Faults, OfTheHandlerItselfEndTheProcess) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer handles them";
#endif
  EXPECT_EXIT((on_fault(faults), fault(), end_with(0)), testing::KilledBySignal(SIGSEGV), "");
}

TEST(ProcessKey, HasNothingOfTheBytesThatLibcsSecretsAreMadeOf) {
  std::uint64_t given[2];
  std::memcpy(given, reinterpret_cast<const void*>(getauxval(AT_RANDOM)), sizeof given);
  const Key key = process_key();
  for (const std::uint64_t word : given) {
    EXPECT_NE(key.low, word);
    EXPECT_NE(key.high, word);
    EXPECT_NE(key.low ^ key.high, word);
  }
  EXPECT_NE(process_key().low, key.low) << "another one at each call, as a forked child wants it";
}

}  // namespace
}  // namespace ashlar::os

// os: tests which processor a thread runs on, and which fake processor it gets.
#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <thread>
#include <vector>

#include "base/options.h"
#include "os/os.h"

namespace {
bool refuses = false;  // as a seccomp filter does where there is neither rseq nor a vDSO, under qemu-user for example
}  // namespace

// Instead of libc's functions.
extern "C" int getcpu(unsigned* cpu, unsigned* node) noexcept {
  if (!refuses) return static_cast<int>(syscall(SYS_getcpu, cpu, node, nullptr));
  errno = ENOSYS;
  return -1;
}
extern "C" int sched_getcpu() noexcept {
  unsigned cpu = 0;
  return getcpu(&cpu, nullptr) == 0 ? static_cast<int>(cpu) : -1;
}
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
extern "C" unsigned long getauxval(unsigned long type) noexcept {
  if (!refuses || type != AT_SYSINFO_EHDR) {
    return reinterpret_cast<decltype(&getauxval)>(dlsym(RTLD_NEXT, "getauxval"))(type);
  }
  errno = ENOENT;
  return 0;
}

namespace ashlar::os {
namespace {

TEST(Processor, IsTheFirstAndErrnoStaysWhereTheSystemTellsNone) {
  errno = EDOM;
  refuses = true;
  EXPECT_EQ(processor(), 0U);
  EXPECT_EQ(errno, EDOM) << "after processor";
  errno = EDOM;
  EXPECT_EQ(current_node(), 0);
  EXPECT_EQ(errno, EDOM) << "after current_node";
  refuses = false;
}

TEST(Processor, IsTheOneThatAThreadIsBoundTo) {
  cpu_set_t own;
  CPU_ZERO(&own);
  ASSERT_EQ(sched_getaffinity(0, sizeof own, &own), 0);
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &own)) continue;
    std::thread([cpu] {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
      EXPECT_EQ(processor(), cpu);
    }).join();
  }
}

// A process each, since a thread's number stays.
class PretendedProcessors : public testing::TestWithParam<unsigned> {};

TEST_P(PretendedProcessors, GetAsManyThreadsEachAndKeepThem) {
  constexpr unsigned kEach = 2;
  options.cpus_fake = GetParam();
  std::vector<unsigned> numbers(std::size_t{kEach} * GetParam());
  for (unsigned& number : numbers) {
    std::thread([&number] {
      number = processor();
      EXPECT_EQ(processor(), number);
    }).join();
  }
  std::map<unsigned, unsigned> threads;
  for (const unsigned number : numbers) ++threads[number];
  ASSERT_EQ(threads.size(), GetParam());
  for (const auto& [number, count] : threads) {
    EXPECT_LT(number, GetParam());
    EXPECT_EQ(count, kEach) << "of processor " << number;
  }
}

INSTANTIATE_TEST_SUITE_P(Few, PretendedProcessors, testing::Values(1, 2, 3, 64, 256));

}  // namespace
}  // namespace ashlar::os

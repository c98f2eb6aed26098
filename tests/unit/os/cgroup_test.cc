// os: tests the limits, charges and pressure of memory cgroups. For this process they are compared with the cgroup's
// files. Where the test can make a mount namespace, they are also read from files that it writes in place of
// /proc/self/cgroup and /sys/fs/cgroup.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "os/os.h"

namespace ashlar::os {
namespace {

constexpr int kNoNamespace = 77;

struct File {
  std::string path;  // below /sys/fs/cgroup
  std::string text;
};

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// What is seen with a /proc/self/cgroup and limit files of the given contents, in a child with its own view of the
// file system. False where the system gives no such view (an unprivileged container).
bool limits_with(const std::string& groups, const std::vector<File>& files, MemoryLimits& limits) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // reading must end
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(kNoNamespace);
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) _exit(kNoNamespace);
    if (mount("tmpfs", "/sys/fs/cgroup", "tmpfs", 0, nullptr) != 0) _exit(kNoNamespace);
    for (const File& file : files) {
      const std::filesystem::path path("/sys/fs/cgroup" + file.path);
      std::filesystem::create_directories(path.parent_path());
      write_file(path, file.text);
    }
    write_file("/sys/fs/cgroup/groups_of_the_test", groups);
    const std::string own = "/proc/" + std::to_string(getpid()) + "/cgroup";
    if (mount("/sys/fs/cgroup/groups_of_the_test", own.c_str(), nullptr, MS_BIND, nullptr) != 0) _exit(kNoNamespace);
    const MemoryLimits found = memory_limits();
    _exit(write(ends[1], &found, sizeof found) == sizeof found ? 0 : 1);
  }
  close(ends[1]);
  const bool got = read(ends[0], &limits, sizeof limits) == static_cast<ssize_t>(sizeof limits);
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoNamespace) return false;
  EXPECT_EQ(status, 0) << "the child came to grief";
  EXPECT_TRUE(got);
  return true;
}

class CgroupTest : public testing::Test {
 protected:
  static void expect(const std::string& groups, const std::vector<File>& files, std::size_t wanted) {
    MemoryLimits limits;
    if (!limits_with(groups, files, limits)) GTEST_SKIP() << "no mount namespace to be had here";
    EXPECT_EQ(limits.limit, wanted) << groups;
  }
  // The headroom is the groups' as long as the machine has no swap.
  static void expect_headroom(const std::string& groups, const std::vector<File>& files, std::size_t headroom) {
    MemoryLimits limits;
    if (!limits_with(groups, files, limits)) GTEST_SKIP() << "no mount namespace to be had here";
    if (has_swap()) GTEST_SKIP() << "this machine has swap";
    EXPECT_EQ(limits.headroom, headroom) << groups;
  }
  static void expect_pressure(const std::vector<File>& files, Pressure pressure) {
    MemoryLimits limits;
    if (!limits_with("0::/a\n", files, limits)) GTEST_SKIP() << "no mount namespace to be had here";
    EXPECT_EQ(limits.pressure, pressure);
  }
  static bool has_swap() {
    std::ifstream meminfo("/proc/meminfo");
    std::size_t kib = 0;
    for (std::string word; meminfo >> word;) {
      if (word == "SwapFree:") meminfo >> kib;
    }
    return kib != 0;
  }
};

TEST_F(CgroupTest, Version2IsReadFromItsGroup) { expect("0::/a/b\n", {{"/a/b/memory.max", "123456789\n"}}, 123456789); }

TEST_F(CgroupTest, TheLowestLimitUpToTheRootCounts) {
  expect("0::/a/b\n", {{"/a/b/memory.max", "5000\n"}, {"/a/memory.max", "4000\n"}}, 4000);
  expect("0::/a/b\n", {{"/a/b/memory.max", "3000\n"}, {"/a/memory.max", "4000\n"}}, 3000);
  expect("0::/a/b\n", {{"/a/b/memory.max", "max\n"}, {"/memory.max", "2000\n"}}, 2000);
}

TEST_F(CgroupTest, NoLimitIsTheLargestNumber) {
  expect("0::/a\n", {{"/a/memory.max", "max\n"}}, SIZE_MAX);
  expect("0::/a\n", {}, SIZE_MAX);
  expect("0::/\n", {}, SIZE_MAX);
  expect("", {}, SIZE_MAX);
}

// Pages of 4 and of 64 KiB.
TEST_F(CgroupTest, OfVersion1TheLargestNumberOfPagesIsNoLimit) {
  for (const char* largest : {"9223372036854771712\n", "9223372036854710272\n"}) {
    expect("4:memory:/c\n", {{"/memory/c/memory.limit_in_bytes", largest}}, SIZE_MAX);
    expect("4:memory:/c\n", {{"/memory/c/memory.limit_in_bytes", largest}, {"/memory/memory.limit_in_bytes", "8000\n"}},
           8000);
  }
}

TEST_F(CgroupTest, TheRootGroupOfAContainerIsRead) { expect("0::/\n", {{"/memory.max", "777216\n"}}, 777216); }

TEST_F(CgroupTest, Version1IsReadFromTheMemoryController) {
  expect("9:cpu,cpuacct:/x\n4:memory:/docker/c\n0::/\n", {{"/memory/docker/c/memory.limit_in_bytes", "67108864\n"}},
         67108864);
  expect("4:cpu,memory,pids:/c\n", {{"/memory/c/memory.limit_in_bytes", "1000\n"}}, 1000);
  expect("4:memory_x,xmemory:/c\n", {{"/memory/c/memory.limit_in_bytes", "1000\n"}}, SIZE_MAX);
}

TEST_F(CgroupTest, OfBothVersionsTheLowerLimitCounts) {
  const std::vector<File> files{{"/memory/c/memory.limit_in_bytes", "9000\n"}, {"/d/memory.max", "8000\n"}};
  expect("4:memory:/c\n0::/d\n", files, 8000);
  expect("0::/d\n4:memory:/c\n", files, 8000);
}

TEST_F(CgroupTest, LinesThatAreNoneDoNoHarm) {
  expect("nonsense", {}, SIZE_MAX);
  expect("0:\n\n", {}, SIZE_MAX);
  expect("0::no_slash\n", {}, SIZE_MAX);
}

TEST_F(CgroupTest, AGroupWithColonsInItsNameIsFound) { expect("0::/a:b/c\n", {{"/a:b/c/memory.max", "4242\n"}}, 4242); }

// Kubernetes nests groups with names of some hundred characters.
TEST_F(CgroupTest, ALongPathIsReadWhole) {
  const std::string group = "/" + std::string(220, 'a') + "/" + std::string(220, 'b');
  expect("0::" + group + "\n", {{group + "/memory.max", "5555\n"}}, 5555);
}

// Whatever comes of it, the limits above that group count.
TEST_F(CgroupTest, AnEvenLongerPathHidesNoLimitAboveIt) {
  std::string group = "/top";
  for (int i = 0; i < 6; ++i) group += "/" + std::string(200, static_cast<char>('a' + i));
  expect("0::" + group + "\n", {{"/top/memory.max", "5555\n"}}, 5555);
}

constexpr const char* kStat = "anon 3000\nfile 5000\nkernel 100\nkernel_stack 7\nsock 0\nshmem 1500\nfile_mapped 9\n";

TEST_F(CgroupTest, WhatIsChargedCountsWhoeverHasIt) {
  expect_headroom("0::/a\n", {{"/a/memory.max", "10000\n"}, {"/a/memory.current", "4000\n"}}, 6000);
  expect_headroom("3:memory:/a\n",
                  {{"/memory/a/memory.limit_in_bytes", "10000\n"}, {"/memory/a/memory.usage_in_bytes", "4000\n"}},
                  6000);
}

TEST_F(CgroupTest, TheLeastRoomUpToTheRootCounts) {
  expect_headroom("0::/a/b\n",
                  {{"/a/b/memory.max", "10000\n"},
                   {"/a/b/memory.current", "1000\n"},
                   {"/a/memory.max", "20000\n"},
                   {"/a/memory.current", "12000\n"}},
                  8000);
}

TEST_F(CgroupTest, WhatFilesBackGivesWayToTheHeap) {
  expect_headroom("0::/a\n", {{"/a/memory.max", "10000\n"}, {"/a/memory.current", "9500\n"}, {"/a/memory.stat", kStat}},
                  4000);
  expect_headroom("3:memory:/a\n",
                  {{"/memory/a/memory.limit_in_bytes", "10000\n"},
                   {"/memory/a/memory.usage_in_bytes", "9500\n"},
                   {"/memory/a/memory.stat", "cache 1\nrss 2\nshmem 3\n" + std::string(40, 'x') +
                                                 " 9\ntotal_cache 5000\ntotal_rss 3000\ntotal_shmem 1500\n"}},
                  4000);
}

TEST_F(CgroupTest, AChargeBeyondTheLimitLeavesNoRoom) {
  expect_headroom("0::/a\n", {{"/a/memory.max", "1000\n"}, {"/a/memory.current", "4000\n"}}, 0);
}

// As far as one's own pages tell.
TEST_F(CgroupTest, AChargeThatCannotBeReadIsThisProcess) {
  MemoryLimits limits;
  constexpr std::size_t kLimit = std::size_t{1} << 40;
  if (!limits_with("0::/a\n", {{"/a/memory.max", std::to_string(kLimit)}}, limits)) {
    GTEST_SKIP() << "no mount namespace to be had here";
  }
  EXPECT_GT(limits.headroom, kLimit - 1_GiB);
  EXPECT_LT(limits.headroom, has_swap() ? SIZE_MAX : kLimit);
}

TEST_F(CgroupTest, AboveMemoryHighThePressureIsHigh) {
  expect_pressure({{"/a/memory.high", "5000\n"}, {"/a/memory.current", "6000\n"}}, Pressure::kHigh);
  expect_pressure({{"/a/memory.high", "5000\n"}, {"/a/memory.current", "4000\n"}, {"/a/memory.pressure", ""}},
                  Pressure::kNone);
  expect_pressure({{"/memory.high", "5000\n"}, {"/memory.current", "6000\n"}}, Pressure::kHigh);
}

// A group full of file pages is not short of memory.
TEST_F(CgroupTest, FilePagesAloneDoNotMakePressure) {
  expect_pressure({{"/a/memory.high", "9000\n"},
                   {"/a/memory.current", "9500\n"},
                   {"/a/memory.stat", kStat},
                   {"/a/memory.pressure", ""}},
                  Pressure::kNone);
}

TEST_F(CgroupTest, StallsAreReadFromTheGroup) {
  const auto with = [](const char* some, const char* full) {
    return std::vector<File>{{"/a/memory.pressure", std::string("some avg10=") + some +
                                                        " avg60=99.00 avg300=0.00 total=5\nfull avg10=" + full +
                                                        " avg60=99.00 avg300=0.00 total=5\n"}};
  };
  expect_pressure(with("0.00", "0.00"), Pressure::kNone);
  expect_pressure(with("9.99", "4.99"), Pressure::kNone);
  expect_pressure(with("12.50", "0.40"), Pressure::kSome);
  expect_pressure(with("12.50", "5.00"), Pressure::kHigh);
  expect_pressure({{"/a/memory.pressure", "nonsense\nfull avg10=x\nsome"}}, Pressure::kNone);
}

TEST_F(CgroupTest, OfThisProcessItIsAtMostWhatTheFilesSay) {
  std::size_t lowest = SIZE_MAX;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t one = line.find(':'), two = line.find(':', one + 1);
    const std::string controllers = line.substr(one + 1, two - one - 1), group = line.substr(two + 1);
    std::string path;
    if (controllers.empty()) path = "/sys/fs/cgroup" + group + "/memory.max";
    if (controllers == "memory") path = "/sys/fs/cgroup/memory" + group + "/memory.limit_in_bytes";
    std::size_t limit = SIZE_MAX;
    constexpr std::size_t kNone = std::size_t{1} << 62;  // version 1 has a number for it
    if (!path.empty() && std::ifstream(path) >> limit && limit < kNone) lowest = std::min(lowest, limit);
  }
  EXPECT_LE(memory_limits().limit, lowest);
  EXPECT_GT(memory_limits().limit, 1_MiB);
}

}  // namespace
}  // namespace ashlar::os

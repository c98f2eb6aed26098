// os: the memory cgroup's limit: of this process, against the files themselves; and where a mount namespace may be
// had, over files that the test writes in the place of /proc/self/cgroup and /sys/fs/cgroup.
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

// The limit seen with a /proc/self/cgroup and limit files of the given contents, in a child with its own view of the
// file system. False where the system gives no such view (an unprivileged container).
bool limit_with(const std::string& groups, const std::vector<File>& files, std::size_t& limit) {
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
    const std::size_t found = memory_limit();
    _exit(write(ends[1], &found, sizeof found) == sizeof found ? 0 : 1);
  }
  close(ends[1]);
  const bool got = read(ends[0], &limit, sizeof limit) == static_cast<ssize_t>(sizeof limit);
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
    std::size_t limit = 0;
    if (!limit_with(groups, files, limit)) GTEST_SKIP() << "no mount namespace to be had here";
    EXPECT_EQ(limit, wanted) << groups;
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
    if (!path.empty() && std::ifstream(path) >> limit) lowest = std::min(lowest, limit);
  }
  EXPECT_LE(memory_limit(), lowest);
  EXPECT_GT(memory_limit(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace ashlar::os

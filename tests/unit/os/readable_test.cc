// os: tests that readable memory is recognised without reading it.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "os/os.h"
#include "support/emulated.h"

namespace ashlar::os {
namespace {

char* at(void* p, std::size_t offset) { return static_cast<char*>(p) + offset; }

class OsReadableTest : public testing::Test {
 protected:
  OsReadableTest() { errno = 4711; }
  ~OsReadableTest() override { EXPECT_EQ(errno, 4711) << "errno is the program's"; }
};

TEST_F(OsReadableTest, OnlyWhatCanBeReadIsReadable) {
  int on_stack = 1;
  static const char constant[64] = "constant";
  EXPECT_TRUE(readable(&on_stack, sizeof on_stack));
  EXPECT_TRUE(readable(constant, 64));
  EXPECT_TRUE(readable(reinterpret_cast<const void*>(&page_bytes), 8)) << "code";
  EXPECT_FALSE(readable(nullptr, 8));
  EXPECT_FALSE(readable(reinterpret_cast<const void*>(16), 8));
  EXPECT_FALSE(readable(reinterpret_cast<const void*>(std::uintptr_t{0xdead} << 48), 8)) << "no address at all";
  EXPECT_FALSE(readable(constant, 65)) << "more than the promise";
}

TEST_F(OsReadableTest, ARangeThatEndsBeyondWhatIsMappedIsNotReadable) {
  void* const p = map_guarded(page_bytes());
  for (std::size_t n = 1; n <= 64; ++n) {
    EXPECT_TRUE(readable(at(p, page_bytes() - n), n));
    if (n < 64) {
      EXPECT_FALSE(readable(at(p, page_bytes() - n), n + 1));
    }
  }
  unmap_guarded(p, page_bytes());
}

// Returns the number of the check that failed, or 0.
int look_without_process_vm_readv() {
  static sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{sizeof filter / sizeof *filter, filter};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 && !kEmulated) return 77;
  char* const p = static_cast<char*>(reserve(3 * page_bytes()));
  if (p == nullptr || !commit(p, page_bytes())) return 1;
  sigset_t before{}, after{};
  sigprocmask(SIG_SETMASK, nullptr, &before);
  if (!readable(p, 64) || !readable(at(p, page_bytes() - 1), 1)) return 2;
  if (readable(at(p, page_bytes()), 1)) return 3;  // mapped, but without access
  if (readable(at(p, page_bytes() - 4), 8)) return 4;
  if (readable(nullptr, 8) || readable(reinterpret_cast<const void*>(16), 8)) return 5;
  if (readable(reinterpret_cast<const void*>(std::uintptr_t{0xdead} << 48), 8)) return 6;
  unmap(p, 3 * page_bytes());
  if (readable(p, 1)) return 7;
  sigprocmask(SIG_SETMASK, nullptr, &after);
  return std::memcmp(&before, &after, sizeof before) == 0 ? 0 : 8;
}

TEST_F(OsReadableTest, OnlyWhatCanBeReadIsReadableWhereProcessVmReadvIsRefused) {
  const pid_t child = fork();
  if (child == 0) _exit(look_without_process_vm_readv());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no filter can be installed here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
  errno = 4711;
}

}  // namespace
}  // namespace ashlar::os

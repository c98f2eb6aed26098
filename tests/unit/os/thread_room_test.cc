// os: tests that a started thread has room for its work in a program whose thread-local variables nearly fill the stack
// that it would get first.
#include <gtest/gtest.h>

#include <atomic>

#include "os/os.h"

namespace ashlar::os {
namespace {

constexpr std::size_t kVariables = 52_KiB, kWork = 24_KiB;

thread_local char variables[kVariables];
std::atomic<int> done{0};

[[gnu::noinline]] void work() {
  char room[kWork];
  for (std::size_t i = sizeof room; i > 0; i -= 64) static_cast<volatile char*>(room)[i - 1] = 1;
  static_cast<volatile char*>(variables)[0] = 1;
  ++done;
}

TEST(StartThread, HasRoomBesideLargeThreadLocalVariables) {
  static_cast<volatile char*>(variables)[kVariables - 1] = 1;
  for (int started = 1; started <= 3; ++started) {
    ASSERT_TRUE(start_thread(work));
    for (int i = 0; i < 1000 && done < started; ++i) sleep_ms(10);
    ASSERT_EQ(done, started);
  }
}

}  // namespace
}  // namespace ashlar::os

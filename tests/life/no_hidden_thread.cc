// Tests that a process that never made a thread has one thread, whatever it allocated and freed. unshare(CLONE_NEWUSER)
// works only then. The allocator also holds no file descriptors, and survives a daemon that closes all of them. Fails
// if reclaim starts its thread in a single-threaded process.
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "support/process.h"

namespace {
using namespace ashlar_test;
long open_files() {
  long count = 0;
  for (int fd = 3; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) != -1;
  return count;
}
void churn(size_t size, size_t total) {
  std::vector<void*> blocks(total / size);
  for (void*& p : blocks) {
    p = malloc(size);
    CHECK(p != nullptr);
    memset(p, 1, size);
  }
  for (void* p : blocks) free(p);
}
}  // namespace

int main() {
  const long files = open_files();
  for (size_t size : {size_t{100}, size_t{5000}, size_t{100000}, size_t{4} << 20}) churn(size, size_t{128} << 20);
  for (int i = 0; i < 15; ++i) {  // time for a reclaim thread to appear
    sleep_ms(100);
    free(malloc(1000));
    CHECK(thread_count() == 1);
  }
  CHECK(open_files() == files);
  for (int fd = 3; fd < 1024; ++fd) close(fd);
  churn(3000, 32 << 20);
  errno = 0;
  if (unshare(CLONE_NEWUSER) != 0)
    CHECK(errno == EPERM || errno == ENOSPC || errno == ENOSYS);  // EINVAL: it had threads
  churn(3000, 32 << 20);
  return 0;
}

// Tests a memory cgroup. A request that would take the heap above the group's limit returns NULL and ENOMEM before the
// kernel's OOM killer acts, also when the memory consists of many small objects that are all touched. After frees,
// allocation works again. Fails unless the group's limit is read and the heap is counted against it: otherwise SIGKILL
// ends the child. Needs a memory controller in which this process may make a group (v1 or v2). Without one it prints
// the reason and is skipped.
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <string>

#include "support/process.h"

namespace {
using namespace ashlar_test;
constexpr size_t kLimit = size_t{96} << 20;

struct Link {
  Link* next;
};

bool write_file(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  close(fd);
  errno = error;
  return done;
}

// This process's group in the memory controller, as a folder: "0::/path" is v2, "N:memory:/path" v1.
std::string own_group(bool& v2) {
  std::string found;
  FILE* file = fopen("/proc/self/cgroup", "re");
  if (file == nullptr) return found;
  char line[4096];
  while (fgets(line, sizeof line, file) != nullptr) {
    line[strcspn(line, "\n")] = 0;
    const char* path = strchr(strchr(line, ':') + 1, ':') + 1;
    if (strstr(line, ":memory:") != nullptr) {
      v2 = false;
      found = std::string("/sys/fs/cgroup/memory") + path;
      break;
    }
    if (strncmp(line, "0::", 3) == 0) {
      v2 = true;
      found = std::string("/sys/fs/cgroup") + path;
    }
  }
  fclose(file);
  return found;
}

size_t allocate_all(size_t size, size_t most, Link*& blocks) {
  size_t total = 0;
  while (total < most) {
    errno = 0;
    auto* p = static_cast<Link*>(malloc(size));
    if (p == nullptr) {
      CHECK(errno == ENOMEM);
      break;
    }
    memset(p, 1, size);
    p->next = blocks;
    blocks = p;
    total += size;
  }
  return total;
}
void free_all(Link*& blocks) {
  while (blocks != nullptr) {
    Link* next = blocks->next;
    free(blocks);
    blocks = next;
  }
}

void use_up(size_t size) {
  Link* blocks = nullptr;
  for (int round = 0; round < 3; ++round) {
    const size_t total = allocate_all(size, 4 * kLimit, blocks);
    printf("blocks of %zu, round %d: NULL after %zu of %zu MiB\n", size, round, total >> 20, kLimit >> 20);
    CHECK(total < kLimit);      // the limit was felt, and by NULL
    CHECK(total > kLimit / 2);  // yet most of it could be used, in each round
    free_all(blocks);
  }
}

void* use_up_in_thread(void* size) {
  Link* blocks = nullptr;
  for (int round = 0; round < 3; ++round) {
    CHECK(allocate_all(reinterpret_cast<size_t>(size), 4 * kLimit, blocks) < kLimit);
    free_all(blocks);
  }
  return nullptr;
}

int child(const char* mode) {
  if (strcmp(mode, "small") == 0) use_up(200);
  if (strcmp(mode, "middle") == 0) use_up(20000);
  if (strcmp(mode, "large") == 0) use_up(size_t{3} << 20);
  if (strcmp(mode, "threads") == 0) {
    pthread_t threads[4];
    const size_t sizes[] = {100, 3000, 60000, 2 << 20};
    for (size_t i = 0; i < 4; ++i) {
      CHECK(pthread_create(&threads[i], nullptr, use_up_in_thread, reinterpret_cast<void*>(sizes[i])) == 0);
    }
    for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
    use_up(1000);
  }
  return 0;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc == 3) return child(argv[2]);
  CHECK(argc == 2);
  bool v2 = false;
  const std::string parent = own_group(v2);
  if (parent.empty()) skip("this process is in no memory cgroup");
  const std::string group = parent + "/ashlar_test_" + std::to_string(getpid());
  if (mkdir(group.c_str(), 0755) != 0) skip(("no group can be made in " + parent).c_str());
  auto give_up = [&](const char* what) {
    const int error = errno;
    rmdir(group.c_str());
    errno = error;
    skip(what);
  };
  if (!write_file(group + (v2 ? "/memory.max" : "/memory.limit_in_bytes"), std::to_string(kLimit))) {
    give_up(
        "the group takes no memory limit (under v2 the controller must be enabled in the parent's subtree_control)");
  }
  if (v2) write_file(group + "/memory.swap.max", "0");
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    if (!write_file(group + "/cgroup.procs", std::to_string(getpid()))) _exit(kSkipStatus);
    execl("/proc/self/exe", "cgroup_limit", "child", argv[1], nullptr);
    _exit(99);
  }
  const int status = wait_for(pid, 60000);
  for (int i = 0; i < 100 && rmdir(group.c_str()) != 0; ++i) sleep_ms(20);
  if (exited_with(status, kSkipStatus)) skip("the group takes no process");
  if (status != -1 && WIFSIGNALED(status)) dprintf(2, "the child was killed by signal %d\n", WTERMSIG(status));
  CHECK(exited_with(status, 0));
  return 0;
}

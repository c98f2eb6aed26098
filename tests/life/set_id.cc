// Tests that a set-id program ignores ASHLAR_OPTIONS, so that the user who starts it cannot control its heap or make it
// write. A copy of this program, linked with the library, is made set-gid to another group and started with the options
// stats and leaks. A plain copy shows that options work at all. Fails without secure_getenv (or AT_SECURE). Needs the
// right to give a file to another group (root). Without it the test prints the reason and is skipped.
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include <string>

#include <ashlar/ashlar.h>
#include <ashlar/swap.h>

#include "support/process.h"

namespace {
using namespace ashlar_test;
constexpr gid_t kFileGroup = 54321, kCallerGroup = 54322;

// Exit status 50: ran as set-id; 51: did not; and the report on stderr if options were heeded.
int child() {
  ashlar_free(ashlar_malloc(1000));
  if (getauxval(AT_SECURE) != 0) CHECK(ashlar_swapon("/tmp", 1 << 21, 0) == -1 && errno == EPERM);
  return getauxval(AT_SECURE) != 0 ? 50 : 51;
}

std::string copy_self(const char* name) {
  char here[4096];
  const ssize_t length = readlink("/proc/self/exe", here, sizeof here - 1);
  CHECK(length > 0);
  here[length] = 0;
  const std::string path = std::string(here) + name;
  unlink(path.c_str());
  const int in = open(here, O_RDONLY | O_CLOEXEC);
  const int out = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
  CHECK(in >= 0 && out >= 0);
  char buffer[65536];
  for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;) CHECK(write(out, buffer, static_cast<size_t>(n)) == n);
  close(in);
  close(out);
  return path;
}

// With an ashlar.conf that asks for a report as well.
std::string settings_folder(const std::string& path) {
  const std::string folder = path + ".d";
  mkdir(folder.c_str(), 0755);
  const int file = open((folder + "/ashlar.conf").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  CHECK(file >= 0 && write(file, "stats\n", 6) == 6);
  close(file);
  return folder;
}

std::string run(const std::string& path, int expected) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    dup2(ends[1], 2);
    setgroups(0, nullptr);
    if (setresgid(kCallerGroup, kCallerGroup, kCallerGroup) != 0) _exit(98);
    setenv("ASHLAR_OPTIONS", "stats,leaks,swap=/no/folder:4m", 1);
    setenv("XDG_CONFIG_HOME", settings_folder(path).c_str(), 1);
    execl(path.c_str(), path.c_str(), "child", nullptr);
    _exit(99);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  const int status = wait_for(pid, 20000);
  if (expected == 50 && exited_with(status, 51)) {
    unlink(path.c_str());
    skip("the file system of the build folder ignores set-id bits");
  }
  CHECK(exited_with(status, expected));
  return text;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "child") == 0) return child();
  const std::string plain = copy_self(".plain"), set_id = copy_self(".setgid");
  if (chown(set_id.c_str(), static_cast<uid_t>(-1), kFileGroup) != 0) {
    unlink(plain.c_str());
    unlink(set_id.c_str());
    skip("a file cannot be given to another group");
  }
  CHECK(chmod(set_id.c_str(), 02755) == 0);
  const std::string heeded = run(plain, 51), ignored = run(set_id, 50);
  unlink(plain.c_str());
  unlink(set_id.c_str());
  CHECK(heeded.find("ashlar: ") != std::string::npos);
  CHECK(heeded.find("no swap area was made") != std::string::npos);
  CHECK(ignored.empty());
  return 0;
}

// Shows: a program that closes all descriptors, as daemons do, opens files of its own and exits under the option stats.
// Right: nothing is written into its files.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "case.h"

enum { kFiles = 150 };

static void be_daemon(const char* folder) {
  void* volatile block = malloc(100);
  for (int file = 0; file < 1024; ++file) close(file);
  for (int i = 0; i < kFiles; ++i) {
    char path[100];
    snprintf(path, sizeof path, "%s/%d", folder, i);
    if (open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) < 0) _exit(2);
  }
  close(2);
  free(block);
  exit(0);
}

int main(void) {
  char folder[] = "/tmp/ashlar-case-XXXXXX";
  CHECK(mkdtemp(folder) != NULL);
  const pid_t pid = fork();
  if (pid == 0) be_daemon(folder);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  long bytes = 0;
  for (int i = 0; i < kFiles; ++i) {
    char path[100];
    struct stat file;
    snprintf(path, sizeof path, "%s/%d", folder, i);
    CHECK(stat(path, &file) == 0 && unlink(path) == 0);
    bytes += file.st_size;
  }
  CHECK(rmdir(folder) == 0);
  CHECK(bytes == 0);
  _exit(0);  // without a report of this process
}

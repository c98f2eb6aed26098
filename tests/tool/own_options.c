/* A program with options of its own, which says that it is ready and ends with its input. */
#include <ashlar/ashlar.h>
#include <unistd.h>

extern const char ashlar_options[];
const char ashlar_options[] = "decay_ms=111,dirty_ratio=11,guard_sample=1000000";

int main(void) {
  char c = 0;
  void* const p = ashlar_malloc(100);
  if (p == NULL || write(STDOUT_FILENO, "ready\n", 6) != 6) return 1;
  while (read(STDIN_FILENO, &c, 1) == 1) {
  }
  ashlar_free(p);
  return 0;
}

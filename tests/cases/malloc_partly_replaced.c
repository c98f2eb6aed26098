// Shows: the program has its own malloc, free, calloc and realloc, the least that the manual of glibc asks for.
// glibc's reallocarray is built on the program's realloc; one of a preloaded allocator leads to another heap.
// Right: no block of another heap comes to the program's functions.
#include "case.h"

static char pool[1 << 24];
static size_t used;
static int foreign;

static int is_mine(const void* block) { return (const char*)block >= pool && (const char*)block < pool + sizeof pool; }

static void note_foreign(void) {
  static const char message[] = "a block of another heap\n";
  ++foreign;
  if (write(2, message, sizeof message - 1) < 0) _exit(2);
}

void* malloc(size_t size) {
  char* start = pool + used;
  used += (size + 31) & ~(size_t)15;
  memcpy(start, &size, sizeof size);
  return start + 16;
}

void free(void* block) {
  if (block != NULL && !is_mine(block)) note_foreign();
}

void* calloc(size_t count, size_t size) { return malloc(count * size); }

void* realloc(void* block, size_t size) {
  void* fresh = malloc(size);
  if (block == NULL) return fresh;
  if (!is_mine(block)) {
    note_foreign();
    return fresh;
  }
  size_t old;
  memcpy(&old, (char*)block - 16, sizeof old);
  return memcpy(fresh, block, old < size ? old : size);
}

int main(void) {
  int* numbers = reallocarray(NULL, 10, sizeof *numbers);
  numbers[0] = 7;
  free(numbers);
  char* text = malloc(10);
  strcpy(text, "abc");
  text = reallocarray(text, 100, 1);
  CHECK(strcmp(text, "abc") == 0);
  free(text);
  char* printed;
  CHECK(asprintf(&printed, "%s", "x") == 1);
  free(printed);
  free(strdup("q"));
  return foreign != 0;
}

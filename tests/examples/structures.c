/* What docs/design/structures.md follows from an address to its frame: a thousand objects of a cache.
 *
 *   cc structures.c -lashlar
 *   ./a.out            prints its process number and an address, and waits until its input ends
 *   ashlar page NUMBER ADDRESS */
#include <ashlar/cache.h>
#include <stdio.h>
#include <unistd.h>

struct inode {
  unsigned long number;
  char name[100];
};

int main(void) {
  ashlar_cache* cache = ASHLAR_CACHE(inode, 0);
  struct inode* inode = NULL;
  for (unsigned long i = 0; i < 1000; ++i) {
    inode = ashlar_cache_alloc(cache);
    if (inode == NULL) return 1;
    inode->number = i;
  }
  printf("%d %p\n", (int)getpid(), (void*)inode);
  fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

/* A C program without any C++ in it, linked with -static against libashlar.a: the archive must bring all that it needs.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ashlar/ashlar.h>

int main(void) {
  char* text = NULL;
  size_t size = 0;
  FILE* memory = open_memstream(&text, &size); /* libc's own calls must arrive here too */
  if (memory == NULL) return 1;
  for (int i = 0; i < 10000; ++i) fprintf(memory, "%d ", i);
  fclose(memory);
  if (size != strlen(text)) return 2;
  /* The same heap stands behind malloc and ashlar_malloc. */
  const size_t before = ashlar_mallinfo2().uordblks + ashlar_mallinfo2().hblkhd;
  char* volatile block = malloc(1 << 20);
  if (block == NULL) return 3;
  memset(block, 1, 1 << 20);
  const size_t during = ashlar_mallinfo2().uordblks + ashlar_mallinfo2().hblkhd;
  if (during < before + (1 << 20)) return 4;
  ashlar_free(block);
  free(text);
  puts("ok");
  return 0;
}

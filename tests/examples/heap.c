/* A heap for each request: what the request allocates ends with it, at once.
 *
 *   cc heap.c -lashlar */
#include <ashlar/heap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
  struct word* next;
  char text[];
};

/* Splits a line; nothing here is ever freed one by one. */
static unsigned serve(ashlar_heap* heap, const char* line) {
  struct word* words = NULL;
  unsigned count = 0;
  while (*line != 0) {
    size_t length = strcspn(line, " ");
    struct word* word = ashlar_heap_malloc(heap, sizeof *word + length + 1);
    if (word == NULL) return 0;
    memcpy(word->text, line, length);
    word->text[length] = 0;
    word->next = words;
    words = word;
    ++count;
    line += length + (line[length] == ' ');
  }
  return count;
}

/* The heap may have no more: tells so, and lets the allocation fail. */
static int tell(ashlar_heap* heap, size_t size, void* data) {
  (void)data;
  printf("%s: no room for %zu bytes more\n", ashlar_heap_name(heap), size);
  return 0;
}

/* Adds up the bytes of blocks. */
static int add(void* block, size_t bytes, void* sum) {
  (void)block;
  *(size_t*)sum += bytes;
  return 0; /* go on */
}

int main(void) {
  ashlar_heap* heap = ashlar_heap_create("request", 0);
  if (heap == NULL) return 1;
  if (serve(heap, "what a request allocates ends with it") != 7) return 1;

  struct ashlar_heap_figures figures;
  if (ashlar_heap_stats(heap, &figures) != 0) return 1;
  printf("%zu blocks, %zu bytes of pages\n", figures.blocks, figures.bytes);

  /* The same heap for the next request, with its pages. */
  ashlar_heap_reset(heap);
  if (serve(heap, "the next one") != 3) return 1;

  /* What code of others asks of malloc meanwhile is the heap's, too. */
  if (ashlar_heap_push(heap) != 0) return 1;
  char* copy = strdup("freed with the heap");
  if (ashlar_heap_pop() != 0 || ashlar_heap_of(copy) != heap) return 1;
  char* own = strdup("free() as usual");
  if (ashlar_heap_of(own) != NULL) return 1;
  free(own);

  ashlar_heap_set_limit(heap, 1 << 20, tell, NULL);
  if (ashlar_heap_malloc(heap, 2 << 20) != NULL) return 1;

  /* Blocks may also be resized and freed one by one, here or by free(). */
  size_t* sizes = ashlar_heap_zalloc(heap, 10 * sizeof *sizes);
  if (sizes == NULL || (sizes = ashlar_heap_realloc(heap, sizes, 20 * sizeof *sizes)) == NULL) return 1;
  size_t sum = 0;
  if (ashlar_heap_visit(heap, add, &sum) != 0) return 1;
  printf("%zu bytes are in use\n", sum);
  ashlar_heap_free(heap, sizes);
  printf("%zu bytes of free pages are returned\n", ashlar_heap_trim(heap));

  /* The end of a heap whose blocks are still wanted: they become malloc's. */
  ashlar_heap* session = ashlar_heap_create("session", 0);
  char* kept = session != NULL ? ashlar_heap_memalign(session, 64, 100) : NULL;
  if (kept == NULL || ashlar_heap_delete(session) != 0) return 1;
  free(kept);

  return ashlar_heap_destroy(heap);
}

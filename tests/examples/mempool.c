/* Mempools: requests that must be written out even when memory is short. Eight are in reserve; beyond these a caller
 * either gets NULL or waits for one that comes back.
 *
 *   cc mempool.c -lashlar */
#include <ashlar/mempool.h>
#include <stdio.h>

struct request {
  char sector[512];
};

/* The pool's own allocator; here one that runs dry. */
static int memory_left = 10;
static void* make_request(void* data) {
  (void)data;
  return memory_left-- > 0 ? ashlar_malloc(sizeof(struct request)) : NULL;
}
static void end_request(void* element, void* data) {
  (void)data;
  ashlar_free(element);
}

int main(void) {
  ashlar_mempool* pool = ashlar_mempool_create(8, make_request, end_request, NULL);
  if (pool == NULL) {
    perror("ashlar_mempool_create");
    return 1;
  }
  struct request* taken[10];
  for (int i = 0; i < 10; ++i) { /* two from the allocator, which then has no more, and the eight of the reserve */
    taken[i] = ashlar_mempool_alloc(pool, 0);
    if (taken[i] == NULL) return 1;
  }
  if (ashlar_mempool_alloc(pool, 0) != NULL) return 1; /* with ASHLAR_GFP_WAIT it would wait */
  ashlar_mempool_free(taken[9], pool);
  taken[9] = ashlar_mempool_alloc(pool, ASHLAR_GFP_WAIT);
  puts(taken[9] != NULL ? "the reserve held" : "the reserve failed");
  for (int i = 0; i < 10; ++i) ashlar_mempool_free(taken[i], pool);
  ashlar_mempool_destroy(pool);

  /* Pools of a cache's objects, of blocks and of pages need no functions. */
  ashlar_mempool* pages = ashlar_mempool_create_page_pool(4, 1);
  void* two_pages = ashlar_mempool_alloc(pages, 0);
  ashlar_mempool_free(two_pages, pages);
  ashlar_mempool* blocks = ashlar_mempool_create_kmalloc_pool(4, sizeof(struct request));
  void* block = ashlar_mempool_alloc(blocks, 0);
  ashlar_mempool_free(block, blocks);
  if (two_pages == NULL || block == NULL) return 1;

  /* What pools there are, and what each did. */
  if (ashlar_mempool_set_name(blocks, "requests") != 0 || ashlar_mempool_resize(blocks, 6) != 0) return 1;
  ashlar_mempool* all[8];
  for (size_t i = 0, n = ashlar_mempool_list(all, 8); i < n && i < 8; ++i) {
    struct ashlar_mempool_stats stats;
    if (ashlar_mempool_snapshot(all[i], &stats, sizeof stats) != 0) return 1;
    printf("%s: %llu of %llu elements in reserve\n", ashlar_mempool_name(all[i]), (unsigned long long)stats.curr_nr,
           (unsigned long long)stats.min_nr);
  }
  ashlar_mempool_destroy(pages);
  ashlar_mempool_destroy(blocks);
  return 0;
}

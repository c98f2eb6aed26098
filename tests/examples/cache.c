/* Named caches: a table of connections, each with a lock and a buffer that are set up once and stay so while the
 * object is free.
 *
 *   cc cache.c -lashlar -pthread */
#include <ashlar/cache.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct connection {
  pthread_mutex_t lock;
  char buffer[1024];
  unsigned number;
};

/* Runs once for each object, when its slab is cut: not for each allocation. */
static void construct(void* object) {
  struct connection* c = object;
  pthread_mutex_init(&c->lock, NULL);
  memset(c->buffer, 0, sizeof c->buffer);
}

int main(void) {
  ashlar_cache* cache =
      ashlar_cache_create("connection", sizeof(struct connection), 0, ASHLAR_CACHE_HWALIGN, construct);
  if (cache == NULL) {
    perror("ashlar_cache_create");
    return 1;
  }

  struct connection* open[100];
  for (unsigned i = 0; i < 100; ++i) {
    open[i] = ashlar_cache_alloc(cache);
    if (open[i] == NULL) return 1;
    open[i]->number = i;
    pthread_mutex_lock(&open[i]->lock);
    snprintf(open[i]->buffer, sizeof open[i]->buffer, "hello from %u", i);
    pthread_mutex_unlock(&open[i]->lock);
  }
  printf("%s: %zu bytes, the last says \"%s\"\n", ashlar_cache_name(cache), ashlar_cache_size(cache), open[99]->buffer);

  /* A cache with objects in use cannot be destroyed: -1, EBUSY, and a line that says where they are. */
  if (ashlar_cache_destroy(cache) == 0) return 1;

  for (unsigned i = 0; i < 100; ++i) {
    memset(open[i]->buffer, 0, sizeof open[i]->buffer); /* back to its constructed state */
    ashlar_cache_free(cache, open[i]);
  }
  ashlar_cache_shrink(cache);

  /* Without a constructor, a line makes a cache of a type. Names need not be unique. */
  ashlar_cache* other = ASHLAR_CACHE(connection, ASHLAR_CACHE_HWALIGN);
  if (other == NULL) return 1;
  printf("the second is %s\n", ashlar_cache_name(other));

  /* An object of zeros, of this thread's node, or NULL without emptying caches for it: as kmem_cache_alloc's flags. */
  struct connection* zeroed =
      ashlar_cache_alloc_flags(other, ASHLAR_GFP_ZERO | ASHLAR_GFP_THISNODE | ASHLAR_GFP_NORETRY);
  if (zeroed == NULL || zeroed->number != 0) return 1;
  ashlar_cache_free(other, zeroed);

  /* Many at once: all of them or none. */
  void* many[16];
  if (ashlar_cache_alloc_bulk(other, 16, many) != 16) return 1;
  ashlar_cache* caches[8];
  for (size_t i = 0, n = ashlar_cache_list(caches, 8); i < n && i < 8; ++i) {
    struct ashlar_cache_stats stats;
    if (ashlar_cache_snapshot(caches[i], &stats) != 0) return 1;
    printf("%s: %llu in use, %llu slabs\n", ashlar_cache_name(caches[i]), (unsigned long long)stats.live,
           (unsigned long long)stats.slabs);
  }
  ashlar_cache_free_bulk(other, 16, many);
  ashlar_cache_destroy(other);
  return ashlar_cache_destroy(cache) == 0 ? 0 : 1;
}

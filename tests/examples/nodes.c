/* NUMA nodes: from which one a thread's memory comes, and objects that a thread of another node is to use. On a machine
 * with one node, ASHLAR_OPTIONS=numa_fake=2 shows the same with two.
 *
 *   cc nodes.c -lashlar -pthread */
#include <ashlar/cache.h>
#include <ashlar/nodes.h>
#include <ashlar/pages.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

static void* worker(void* unused) {
  (void)unused;
  void* block = ashlar_malloc(100000);
  if (block == NULL) return NULL;
  printf("a thread of node %d has a block on node %d\n", ashlar_current_node(), ashlar_node_of(block));
  ashlar_free(block);
  return block;
}

int main(void) {
  printf("memory is taken from %d node%s\n", ashlar_node_count(), ashlar_node_count() == 1 ? "" : "s");
  pthread_t thread;
  void* done = NULL;
  if (pthread_create(&thread, NULL, worker, NULL) != 0 || pthread_join(thread, &done) != 0 || done == NULL) return 1;

  /* From a node that the caller names: pages, and objects of a cache. THISNODE is "or not at all". */
  ashlar_cache* cache = ashlar_cache_create("message", 256, 0, 0, NULL);
  if (cache == NULL) return 1;
  int node = ashlar_current_node();
  void* message = ashlar_cache_alloc_node_flags(cache, node, ASHLAR_GFP_THISNODE | ASHLAR_GFP_ZERO);
  ashlar_page* pages = ashlar_alloc_pages_node(node, 4, ASHLAR_GFP_THISNODE);
  if (message == NULL || pages == NULL) return 1;
  if (ashlar_node_of(message) != node || ashlar_node_of(ashlar_page_address(pages)) != node) return 1;
  ashlar_free_pages(pages, 4);
  ashlar_cache_free(cache, message);

  /* An address that is not Ashlar's. */
  if (ashlar_node_of(&node) != -1 || errno != EFAULT) return 1;
  return ashlar_cache_destroy(cache) == 0 ? 0 : 1;
}

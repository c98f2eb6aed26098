/* Blocks of pages: a ring buffer of 16 pages, and what the allocator knows of it.
 *
 *   cc pages.c -lashlar */
#include <ashlar/pages.h>
#include <stdio.h>

int main(void) {
  const unsigned order = 4; /* 2^4 pages */
  ashlar_page* page = ashlar_alloc_pages(order, ASHLAR_GFP_ZERO);
  if (page == NULL) {
    perror("ashlar_alloc_pages");
    return 1;
  }
  char* ring = ashlar_page_address(page);
  for (unsigned i = 0; i < 1000000; ++i) ring[i % (ASHLAR_PAGE_SIZE << order)] = (char)i;

  struct ashlar_page_info info;
  if (ashlar_page_describe(ring + 10000, &info) != 0) return 1;
  printf("a block of order %u, %zu bytes, on node %d in zone %s\n", info.order, info.bytes, info.node, info.zone);
  if (info.start != ring || info.state != ASHLAR_PAGE_BLOCK || ashlar_virt_to_page(ring) != page) return 1;
  ashlar_free_pages(page, order);

  /* 40000 bytes need 10 pages; the rest of the power of two stays with the allocator. */
  void* exact = ashlar_alloc_pages_exact(40000, 0);
  if (exact == NULL || ashlar_page_describe(exact, &info) != 0 || info.bytes != 40960) return 1;
  ashlar_free_pages_exact(exact, 40000);

  /* By addresses alone. */
  char* zeros = ashlar_get_zeroed_page(ASHLAR_GFP_KERNEL);
  if (zeros == NULL || zeros[4095] != 0) return 1;
  ashlar_free_pages_at(zeros, 0);
  return 0;
}

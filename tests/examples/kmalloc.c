/* The kernel's names for blocks: kmalloc, krealloc and kvmalloc; whole pages by their address; and references to them.
 *
 *   cc kmalloc.c -lashlar */
#include <ashlar/kmalloc.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  /* A flag that a function does not take is refused: NULL, EINVAL, and a line. */
  if (ashlar_kmalloc(100, ASHLAR_GFP_THISNODE) != NULL) return 1;
  char* name = ashlar_kmalloc(100, ASHLAR_GFP_KERNEL);
  if (name == NULL) return 1;
  ashlar_kfree(name);

  /* A table that grows, and whose new entries are zero. */
  size_t entries = 10;
  unsigned* table = ashlar_kzalloc(entries * sizeof *table, ASHLAR_GFP_KERNEL);
  if (table == NULL) return 1;
  printf("a table of %zu bytes may use %zu\n", entries * sizeof *table, ashlar_ksize(table));
  while (entries < 1000) {
    table[entries - 1] = 1;
    unsigned* larger = ashlar_krealloc(table, 2 * entries * sizeof *table, ASHLAR_GFP_ZERO);
    if (larger == NULL) break; /* the old table is as before */
    table = larger;
    entries *= 2;
    if (table[entries - 1] != 0) return 1;
  }
  ashlar_kfree(table);

  /* Large, and whether its pages lie in a row or in a mapping of their own does not matter. */
  char* image = ashlar_kvzalloc(20u << 20, ASHLAR_GFP_KERNEL);
  if (image == NULL) return 1;
  ashlar_kvfree(image);

  /* A buffer of four pages with two holders: the one that ends last frees it. */
  char* buffer = ashlar_get_free_pages(ASHLAR_GFP_ZERO, 2);
  if (buffer == NULL) return 1;
  ashlar_page* page = ashlar_virt_to_page(buffer);
  ashlar_get_page(page);
  printf("%u references\n", ashlar_page_count(page));
  ashlar_put_page(page);
  strcpy(buffer, "still there");
  printf("%s\n", buffer);
  ashlar_put_page(page);
  return ashlar_page_count(page) == 0 ? 0 : 1;
}

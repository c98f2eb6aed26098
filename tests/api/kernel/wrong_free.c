// Under slab_debug,debug_continue: a free into the wrong cache is told, sets errno, and leaves the object as it is; one
// that is noticed as a second free keeps errno.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ashlar/cache.h"

static int is(const char* what, int found, int wanted) {
  if (found != wanted) printf("%s: errno is %d, not %d\n", what, found, wanted);
  return found == wanted;
}

int main(void) {
  ashlar_cache* const one = ashlar_cache_create("one", 64, 0, 0, NULL);
  ashlar_cache* const two = ashlar_cache_create("two", 64, 0, 0, NULL);
  void* const object = ashlar_cache_alloc(one);
  void* const block = malloc(64);
  if (object == NULL || block == NULL) return 2;
  int good = 1;
  errno = 0;
  ashlar_cache_free(two, object);
  good &= is("an object of another cache", errno, EINVAL);
  errno = 0;
  ashlar_cache_free(two, block);
  good &= is("a block of malloc's", errno, EINVAL);
  errno = 0;
  ashlar_cache_free(one, object);
  good &= is("an object", errno, 0);
  ashlar_cache_free(one, object);
  good &= is("a free object", errno, 0);
  free(block);
  return good ? 0 : 1;
}

// Is a minimal LD_AUDIT library. It lives in a namespace with a libc of its own, and makes ld.so take its slower paths,
// which allocate.
#include <link.h>
#include <stdlib.h>

extern "C" unsigned la_version(unsigned version) {
  free(malloc(100));
  return version;
}
extern "C" unsigned la_objopen(link_map*, Lmid_t, uintptr_t* cookie) {
  *cookie = 0;
  free(calloc(3, 1000));
  return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}

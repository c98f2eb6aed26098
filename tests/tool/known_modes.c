// Prints what it holds, so that reports can be compared with it: a line of JSON at each step. It then waits for a line
// of input. The steps are: nothing is allocated yet, everything is, every second block is freed.
//
//   {"kinds": [{"cache", "size", "live", "freed"}, …], "pages": {ADDRESS: state}, "stats": {…}}
//
// `live` and `freed` are addresses. `pages` is what ashlar_page_describe returns for the first few of either. The
// program writes without stdio, so that nothing else allocates. With an argument, the objects of the named cache are
// checked.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ashlar/cache.h"
#include "ashlar/pages.h"

enum { kKinds = 9, kMax = 2000, kDescribed = 3 };
static const struct {
  size_t size;
  unsigned count;
} kinds[kKinds] = {{24, 2000},   {100, 1500},  {1000, 1000},  {5000, 200}, {20000, 60},
                   {100000, 12}, {3 << 20, 4}, {33 << 20, 2}, {320, 500}};
enum { kNamed = kKinds - 1 };  // the last are a named cache's
static void* blocks[kKinds][kMax];
static unsigned char freed[kKinds][kMax];
static ashlar_cache* cache;

static void put(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  const int n = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (write(STDOUT_FILENO, text, (size_t)n) != n) _exit(1);
}

static void put_addresses(int kind, unsigned char which) {
  const char* comma = "";
  for (unsigned i = 0; i < kinds[kind].count; ++i) {
    if (blocks[kind][i] == NULL || freed[kind][i] != which) continue;
    put("%s%lu", comma, (unsigned long)blocks[kind][i]);
    comma = ",";
  }
}

static void put_pages(void) {
  const char* comma = "";
  for (int k = 0; k < kKinds; ++k) {
    for (unsigned i = 0; i < kDescribed; ++i) {
      struct ashlar_page_info info;
      if (blocks[k][i] == NULL) continue;
      const int state = ashlar_page_describe(blocks[k][i], &info) == 0 ? (int)info.state : -1;
      put("%s\"%lu\":{\"state\":%d,\"cache\":\"%s\",\"object_size\":%zu,\"bytes\":%zu}", comma,
          (unsigned long)blocks[k][i], state, state < 0 ? "" : info.cache, state < 0 ? 0 : info.object_size,
          state < 0 ? 0 : info.bytes);
      comma = ",";
    }
  }
}

static void put_stats(void) {
  static struct ashlar_stats stats;
  if (ashlar_stats_snapshot(&stats, sizeof stats) != 0) _exit(1);
  put("\"live_slab\":%lu,\"live_runs\":%lu,\"live_vmalloc\":%lu,\"vmalloc_blocks\":%lu,\"caches\":{", stats.live_slab,
      stats.live_runs, stats.live_vmalloc, stats.vmalloc_blocks);
  for (unsigned i = 0; i < stats.cache_count; ++i) {
    put("%s\"%lu\":%lu", i == 0 ? "" : ",", stats.caches[i].object_size, stats.caches[i].live);
  }
  struct ashlar_cache_stats named;
  if (ashlar_cache_snapshot(cache, &named) != 0) _exit(1);
  put("},\"named_live\":%lu", named.live);
}

static void tell_and_wait(void) {
  char c = 0;
  put("{\"kinds\":[");
  for (int k = 0; k < kKinds; ++k) {
    put("%s{\"cache\":\"%s\",\"size\":%zu,\"live\":[", k == 0 ? "" : ",", k == kNamed ? ashlar_cache_name(cache) : "",
        kinds[k].size);
    put_addresses(k, 0);
    put("],\"freed\":[");
    put_addresses(k, 1);
    put("]}");
  }
  put("],\"pages\":{");
  put_pages();
  put("},\"stats\":{");
  put_stats();
  put("}}\n");
  while (c != '\n')
    if (read(STDIN_FILENO, &c, 1) != 1) _exit(0);
}

int main(int count, char** words) {
  (void)words;
  const unsigned checks = ASHLAR_CACHE_RED_ZONE | ASHLAR_CACHE_POISON | ASHLAR_CACHE_STORE_USER;
  cache = ashlar_cache_create("known_things", kinds[kNamed].size, 0, ASHLAR_CACHE_NO_MERGE | (count > 1 ? checks : 0),
                              NULL);
  free(malloc(1));
  tell_and_wait();
  for (int k = 0; k < kKinds; ++k)
    for (unsigned i = 0; i < kinds[k].count; ++i) {
      blocks[k][i] = k == kNamed ? ashlar_cache_alloc(cache) : malloc(kinds[k].size);
      if (blocks[k][i] == NULL) return 1;
      memset(blocks[k][i], 0x5a, kinds[k].size);
    }
  tell_and_wait();
  for (int k = 0; k < kKinds; ++k)
    for (unsigned i = 1; i < kinds[k].count; i += 2) {
      if (k == kNamed) ashlar_cache_free(cache, blocks[k][i]);
      else free(blocks[k][i]);
      freed[k][i] = 1;
    }
  tell_and_wait();
  return 0;
}

// Contains the programs that the tests of reports run: reporting WHAT. Each prints the values that the report must
// name, one "key=value" per line, and then does WHAT. It is linked with the library, for the functions that are not
// malloc's.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>
#include <thread>

#include "ashlar/ashlar.h"
#include "ashlar/cache.h"
#include "ashlar/pages.h"

// Names that a stack must show.
extern "C" {
[[gnu::noinline]] void* who_allocates(size_t size) {
  void* const p = malloc(size);
  asm volatile("" ::: "memory");  // no jump to malloc: a frame of its own
  return p;
}
[[gnu::noinline]] void who_frees(void* p) {
  free(p);
  asm volatile("" ::: "memory");
}
}

namespace {

void tell(const char* key, const void* p) {
  printf("%s=0x%zx\n", key, reinterpret_cast<size_t>(p));
  fflush(stdout);
}
void tell(const char* key, long n) {
  printf("%s=%ld\n", key, n);
  fflush(stdout);
}

void write_at(void* p, long offset, char value) { static_cast<volatile char*>(p)[offset] = value; }

char* block(size_t size) {
  auto* const p = static_cast<char*>(who_allocates(size));
  memset(p, 1, size);
  tell("block", p);
  tell("thread", gettid());
  return p;
}

void double_free_in_another_thread() {
  char* const p = block(40);
  std::thread([p] {
    tell("other", gettid());
    who_frees(p);
  }).join();
  who_frees(p);
}

// A fault of each kind that leaves the block usable, in turn.
void all_kinds() {
  char* const live = block(40);
  write_at(live, 40, 'A');
  who_frees(live);
  char* const below = block(40);
  write_at(below, -1, 'A');
  who_frees(below);
  char* const freed = block(40);
  who_frees(freed);
  write_at(freed, 3, 'A');
  tell("validated", static_cast<long>(ashlar_validate()));
  who_frees(freed);
  who_frees(block(40) + 16);
  operator delete(block(40));
  tell("left", static_cast<long>(ashlar_validate()));
  exit(9);
}

// Blocks and objects are overwritten; only those of chosen caches may be noticed.
void selected() {
  char* const other = block(100);  // of malloc-112
  write_at(other, 100, 'A');
  who_frees(other);
  ashlar_cache* const unchosen = ashlar_cache_create("unchosen", 100, 0, 0, nullptr);
  void* const object = ashlar_cache_alloc(unchosen);
  write_at(object, 100, 'A');
  ashlar_cache_free(unchosen, object);
  tell("passed", 1);
  char* const chosen = block(60);  // of malloc-64
  write_at(chosen, 60, 'A');
  who_frees(chosen);
  ashlar_cache* const mine = ashlar_cache_create("my_cache", 100, 0, 0, nullptr);
  void* const checked = ashlar_cache_alloc(mine);
  tell("object", checked);
  write_at(checked, 100, 'A');
  ashlar_cache_free(mine, checked);
  exit(9);
}

// Sizes that nothing else in the process asks for.
constexpr size_t kFail = 7777;

void count_failures() {
  long failed = 0;
  for (int i = 0; i < 10000; ++i) {
    errno = 0;
    void* const p = malloc(kFail);
    failed += p == nullptr;
    if (p == nullptr && errno != ENOMEM) tell("errno", errno);
    free(p);
  }
  tell("failed", failed);
  exit(0);
}

void first_failures() {
  for (int i = 1; i <= 40; ++i) {
    void* const p = malloc(kFail);
    if (p == nullptr) tell("failed", i);
    free(p);
  }
  exit(0);
}

void failing_functions() {
  auto* const p = static_cast<char*>(malloc(100));
  memset(p, 5, 100);
  void* out = p;
  tell("calloc", calloc(1, kFail));
  tell("realloc", realloc(p, kFail));
  tell("kept", p[99]);
  tell("memalign", memalign(64, kFail));
  tell("posix_memalign", posix_memalign(&out, 64, kFail));
  tell("out", out == p);
  try {
    operator delete(operator new(kFail));
    tell("new", 0L);
  } catch (const std::bad_alloc&) {
    tell("new", 1L);
  }
  tell("nothrow", operator new(kFail, std::nothrow));
  free(p);
  for (const size_t size : {kFail - 1, kFail + 1, size_t{8}, size_t{100000}}) free(memset(malloc(size), 1, size));
  exit(0);
}

// Forks while other threads allocate; the child uses what it got, and then overflows a block.
void forks() {
  bool stop = false;
  std::thread threads[3];
  for (std::thread& thread : threads) {
    thread = std::thread([&stop] {
      for (size_t i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); ++i) free(memset(malloc(i % 3000), 1, i % 3000));
    });
  }
  long good = 0;
  constexpr int kForks = 20;
  for (int i = 0; i < kForks; ++i) {
    auto* const p = static_cast<char*>(memset(malloc(200), 7, 200));
    const pid_t child = fork();
    if (child == 0) {
      bool sound = p[199] == 7;
      free(p);
      for (size_t n = 1; n < 500; ++n) {
        auto* const q = static_cast<char*>(memset(malloc(n * 11), 3, n * 11));
        sound = sound && q[n * 11 - 1] == 3;
        free(q);
      }
      if (ashlar_validate() != 0) sound = false;
      if (!sound) _exit(1);
      auto* const victim = static_cast<char*>(who_allocates(40));
      write_at(victim, 40, 'A');
      who_frees(victim);
      _exit(2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    good += WIFSIGNALED(status);
    free(p);
  }
  __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
  for (std::thread& thread : threads) thread.join();
  tell("good", good == kForks);
  tell("left", static_cast<long>(ashlar_validate()));
  exit(0);
}

ashlar_cache* make(const char* name, void (*constructor)(void*) = nullptr) {
  return ashlar_cache_create(name, 100, 0, ASHLAR_CACHE_NO_MERGE, constructor);
}

char* object_of(ashlar_cache* cache) {
  auto* const p = static_cast<char*>(ashlar_cache_alloc(cache));
  tell("block", p);
  return p;
}

struct Program {
  const char* name;
  void (*run)();
};

const Program kPrograms[] = {
    {"overflow",
     [] {
       char* const p = block(40);
       write_at(p, 40, 'A');
       who_frees(p);
     }},
    {"underflow",
     [] {
       char* const p = block(40);
       write_at(p, -1, 'A');
       who_frees(p);
     }},
    {"late_write",
     [] {
       char* const p = block(40);
       who_frees(p);
       write_at(p, 5, 'A');
       ashlar_validate();
     }},
    {"late_write_until_exit",
     [] {
       char* const p = block(40);
       who_frees(p);
       write_at(p, 39, 'A');
     }},
    {"double_free", double_free_in_another_thread},
    {"inside", [] { who_frees(block(40) + 16); }},
    {"delete", [] { operator delete(block(40)); }},
    {"new_is_poisoned",
     [] {
       auto* const p = static_cast<unsigned char*>(malloc(40));
       tell("byte", p[39]);
       free(p);
       exit(0);
     }},
    {"trace",
     [] {
       who_frees(block(7777));
       exit(0);
     }},
    {"all_kinds", all_kinds},
    {"selected", selected},
    {"count_failures", count_failures},
    {"first_failures", first_failures},
    {"failing_functions", failing_functions},
    {"forks", forks},
    {"large_overflow", [] { write_at(block(100000), 100000, 'A'); }},
    {"large_use_after_free",
     [] {
       char* const p = block(100000);
       who_frees(p);
       write_at(p, 50000, 'A');
     }},
    {"cache_overflow",
     [] {
       ashlar_cache* const cache = make("inode");
       char* const p = object_of(cache);
       write_at(p, 100, 'A');
       ashlar_cache_free(cache, p);
     }},
    {"cache_double_free",
     [] {
       ashlar_cache* const cache = make("inode");
       char* const p = object_of(cache);
       ashlar_cache_free(cache, p);
       ashlar_cache_free(cache, p);
     }},
    {"cache_misaligned",
     [] {
       ashlar_cache* const cache = make("inode");
       ashlar_cache_free(cache, object_of(cache) + 8);
     }},
    {"cache_wrong",
     [] {
       ashlar_cache* const cache = make("inode");
       ashlar_cache_free(make("dentry"), object_of(cache));
     }},
    {"cache_of_malloc", [] { ashlar_cache_free(make("inode"), block(40)); }},
    {"cache_foreign",
     [] {
       static int mine;
       tell("block", &mine);
       ashlar_cache_free(make("inode"), &mine);
     }},
    {"cache_late_write",
     [] {
       ashlar_cache* const cache = make("inode");
       char* const p = object_of(cache);
       ashlar_cache_free(cache, p);
       write_at(p, 7, 'A');
       ashlar_cache_shrink(cache);
     }},
    {"cache_constructed",
     [] {
       ashlar_cache* const cache = make("inode", [](void* p) { memset(p, 3, 100); });
       for (int i = 0; i < 5000; ++i) {  // through the quarantine, and back
         auto* const p = static_cast<char*>(ashlar_cache_alloc(cache));
         for (int k = 0; k < 100; ++k) {
           if (p[k] != 3) exit(1);
         }
         ashlar_cache_free(cache, p);
       }
       tell("left", static_cast<long>(ashlar_validate()));
       tell("destroyed", ashlar_cache_destroy(cache));
       exit(0);
     }},
    {"cache_constructed_overflow",
     [] {
       ashlar_cache* const cache = make("inode", [](void* p) { memset(p, 3, 100); });
       char* const p = object_of(cache);
       ashlar_cache_free(cache, p);
       write_at(p, 100, 'A');
       ashlar_validate();
     }},
    {"cache_large",
     [] {
       ashlar_cache* const cache = ashlar_cache_create("inode", 100000, 0, 0, nullptr);
       write_at(object_of(cache), 100000, 'A');
     }},
    {"pages",
     [] {
       ashlar_page* const page = ashlar_alloc_pages(1, 0);
       auto* const p = static_cast<unsigned char*>(memset(ashlar_page_address(page), 1, 8192));
       ashlar_free_pages(page, 1);
       tell("byte", p[5000]);
       exit(0);
     }},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Program& program : kPrograms) {
    if (argc != 2 || strcmp(argv[1], program.name) != 0) continue;
    program.run();
    return 0;
  }
  fputs("usage: reporting WHAT\n", stderr);
  return 2;
}

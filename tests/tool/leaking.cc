// Leaks blocks and holds others, for the tests of `ashlar leaks` and `ashlar who`. It prints a line with a kind and an
// address for each. The kinds are: lost (nothing points to it), behind (only a lost block points to it), circle (two
// that point to each other), and held. It then prints "ready" and waits for the end of its input. With an argument a
// thread runs meanwhile that has a block's address only in a register.
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "ashlar/cache.h"
#include "ashlar/heap.h"

// If Ashlar is not in the process, there are none.
#pragma weak ashlar_cache_create
#pragma weak ashlar_cache_alloc
#pragma weak ashlar_heap_create
#pragma weak ashlar_heap_free
#pragma weak ashlar_heap_malloc

namespace {

struct Node {
  void* unused;  // in a free block, this word is the allocator's
  void* next;
  char rest[84];
};

void* volatile kept[64];
unsigned used;
thread_local void* volatile own;
sem_t started;
volatile int runs = 1;

// Without stdio, because its buffers are blocks, and copies of addresses would stay on its stack.
[[gnu::noinline]] void say(const char* kind, const void* p) {
  char line[64] = {};
  std::size_t n = 0;
  for (; kind[n] != '\0'; ++n) line[n] = kind[n];
  line[n++] = ' ';
  for (int shift = 44; shift >= 0; shift -= 4)
    line[n++] = "0123456789abcdef"[reinterpret_cast<std::uintptr_t>(p) >> shift & 15];
  line[n++] = '\n';
  if (write(STDOUT_FILENO, line, n) != static_cast<ssize_t>(n)) _exit(1);
}

[[gnu::noinline]] void* make(const char* kind, std::size_t size) {
  void* const p = std::malloc(size);
  std::memset(p, 0, size < 256 ? size : 256);
  say(kind, p);
  return p;
}

// Does not end with a call, so that its frame is on the stack of the functions that it calls.
[[gnu::noinline]] void lose(std::size_t size) {
  make("lost", size);
  asm volatile("");
}

// One lost block, and two after it that only it points to.
[[gnu::noinline]] void lose_chain() {
  auto* const first = static_cast<Node*>(make("lost", sizeof(Node)));
  auto* const second = static_cast<Node*>(make("behind", sizeof(Node)));
  first->next = second;
  second->next = make("behind", 3000);
}

[[gnu::noinline]] void lose_circle() {
  auto* const one = static_cast<Node*>(make("circle", sizeof(Node)));
  auto* const other = static_cast<Node*>(make("circle", sizeof(Node)));
  one->next = reinterpret_cast<char*>(other) + 20;
  other->next = one;
}

// A freed block must not count as a place with a pointer, although its bytes are still there.
[[gnu::noinline]] void lose_in_free() {
  auto* const node = static_cast<Node*>(std::malloc(sizeof(Node)));
  node->next = make("lost", 500);
  std::free(node);
}

[[gnu::noinline]] void free_many() {
  void* all[300];
  for (int size = 16; size < 60000; size *= 3) {
    for (void*& p : all) p = std::malloc(static_cast<std::size_t>(size));
    for (void* const p : all) std::free(p);
  }
}

[[gnu::noinline]] void hold(std::size_t size, std::size_t offset) {
  kept[used++] = static_cast<char*>(make("held", size)) + offset;
}

[[gnu::noinline]] void hold_chain() {
  auto* const first = static_cast<Node*>(make("held", sizeof(Node)));
  first->next = static_cast<char*>(make("held", 70000)) + 69000;
  kept[used++] = first;
}

[[gnu::noinline]] void lose_in_named_cache() {
  if (ashlar_cache_create == nullptr) return;
  ashlar_cache* const cache = ashlar_cache_create("leaking", 200, 0, 0, nullptr);
  kept[used++] = cache;
  void* const held = ashlar_cache_alloc(cache);
  std::memset(held, 0, 200);
  kept[used++] = held;
  say("held", held);
  void* const lost = ashlar_cache_alloc(cache);
  std::memset(lost, 0, 200);
  say("lost", lost);
}

[[gnu::noinline]] void* make_in_heap(ashlar_heap* heap, const char* kind, std::size_t size) {
  void* const p = ashlar_heap_malloc(heap, size);
  std::memset(p, 0, size < 256 ? size : 256);
  say(kind, p);
  return p;
}

// Blocks of a heap: an object, a span and a run that are lost, but not the blocks to which they point; a chain of which
// only the first block is lost; a block that is held; and a freed block that points to a lost one.
[[gnu::noinline]] void lose_in_heap() {
  if (ashlar_heap_create == nullptr) return;
  ashlar_heap* const heap = ashlar_heap_create("leaking", 0);
  kept[used++] = heap;
  for (const std::size_t size : {64, 9000, 40000})
    *static_cast<void**>(make_in_heap(heap, "lost", size)) = make("held", size + 200);
  auto* const first = static_cast<Node*>(make_in_heap(heap, "lost", sizeof(Node)));
  first->next = make_in_heap(heap, "behind", 1500);
  kept[used++] = make_in_heap(heap, "held", 300);
  auto* const freed = static_cast<Node*>(ashlar_heap_malloc(heap, sizeof(Node)));
  freed->next = make_in_heap(heap, "lost", 700);
  ashlar_heap_free(heap, freed);
}

// Two mappings of one file that overlap in a page. Each has an address in a page that the other lacks. The shared page
// was touched only in one of them.
[[gnu::noinline]] void hold_in_shared() {
  const long page = sysconf(_SC_PAGESIZE);
  const int file = memfd_create("shared", 0);
  if (file < 0 || ftruncate(file, 3 * page) != 0) _exit(1);
  for (const long first : {0L, 1L}) {
    const auto bytes = 2 * static_cast<std::size_t>(page);
    void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, first * page);
    if (at == MAP_FAILED) _exit(1);
    *reinterpret_cast<void**>(static_cast<char*>(at) + first * page) = make("held", 900);
    if (first == 0) *reinterpret_cast<void**>(static_cast<char*>(at) + page) = make("held", 901);
  }
  close(file);
}

// Overwrites what earlier calls left on the stack.
[[gnu::noinline]] void scrub() {
  volatile char room[65536];
  for (volatile char& c : room) c = 0;
}

void* wait_with_blocks(void*) {
  void* volatile local = make("held", 777);
  own = make("held", 778);
  scrub();
  sem_post(&started);
  while (runs != 0) pause();
  return local;
}

// The address is in a register, which can be read only if the thread is stopped.
void* run_with_block(void*) {
  void* const p = make("held", 779);
  scrub();
  sem_post(&started);
  while (runs != 0) asm volatile("" : : "r"(p));
  return nullptr;
}

}  // namespace

int main(int argc, char**) {
  sem_init(&started, 0, 0);
  for (const std::size_t size : {24, 100, 1000, 20000, 100000}) lose(size);
  lose(std::size_t{40} << 20);
  lose_chain();
  lose_circle();
  lose_in_free();
  hold(64, 0);
  hold(100, 99);
  hold(20000, 19999);
  hold(100000, 50000);
  hold(std::size_t{41} << 20, std::size_t{40} << 20);
  hold_chain();
  lose_in_named_cache();
  lose_in_heap();
  hold_in_shared();
  free_many();
  void* volatile on_stack = make("held", 333);
  pthread_t thread;
  if (pthread_create(&thread, nullptr, argc > 1 ? run_with_block : wait_with_blocks, nullptr) != 0) return 1;
  while (sem_wait(&started) != 0) {
  }
  scrub();
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 1;
  char c = 0;
  while (read(STDIN_FILENO, &c, 1) == 1) {
  }
  return on_stack == nullptr ? 1 : 0;
}

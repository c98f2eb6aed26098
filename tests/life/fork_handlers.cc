// Tests fork beside other code that holds locks or waits. SIGALRM ends a process that makes no progress.
//
//   handlers         handlers of pthread_atfork(3) that were registered before any allocation, and so run while the
//                    allocator is prepared to fork, allocate and free everything, in parent and child
//   handlers busy    the same beside threads that allocate
//   streams          beside fflush(NULL) and getline(3): the first holds the list of streams, which fork wants as well,
//                    and waits for a stream; the second holds the stream and allocates
//   mutex            a handler of pthread_atfork(3) takes the program's own mutex, which other threads hold while they
//                    allocate, and while they free blocks of a heap that has a mapping
//   join             such a handler ends a thread and waits for it
//   long             such a handler waits for a thread that allocates and frees 240 MB, beside blocks that stay; the
//                    thread takes no more memory than is live at once
//   cookie           a stream's own functions, which fflush(NULL) calls under all of stdio's locks, allocate
//   signal           a supervisor's SIGCHLD handler starts the next child, also when it interrupted fork
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string_view>

#include "ashlar/cache.h"
#include "ashlar/heap.h"
#include "ashlar/mempool.h"

#pragma weak ashlar_cache_create
#pragma weak ashlar_cache_alloc
#pragma weak ashlar_cache_free
#pragma weak ashlar_cache_destroy
#pragma weak ashlar_heap_create
#pragma weak ashlar_heap_malloc
#pragma weak ashlar_mempool_create_kmalloc_pool
#pragma weak ashlar_mempool_alloc
#pragma weak ashlar_mempool_free
#pragma weak ashlar_mempool_destroy

namespace {

std::string_view mode;
std::atomic<bool> stop{false};
int handled = 0;
constexpr int kForks = 6;

void require(bool condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "%s\n", what);
  abort();
}

void use_named_cache() {
  if (ashlar_cache_create == nullptr) return;
  ashlar_cache* const cache = ashlar_cache_create("fork_handlers", 200, 0, 0, nullptr);
  require(cache != nullptr, "no cache");
  void* objects[50];
  for (void*& object : objects) object = ashlar_cache_alloc(cache);
  for (void* object : objects) ashlar_cache_free(cache, object);
  require(ashlar_cache_destroy(cache) == 0, "the cache is busy");
  ashlar_mempool* const pool = ashlar_mempool_create_kmalloc_pool(4, 300);
  require(pool != nullptr, "no pool");
  ashlar_mempool_free(ashlar_mempool_alloc(pool, 0), pool);
  ashlar_mempool_destroy(pool);
}

// Kept from one handler to the next, so that blocks are freed on the other side of the fork.
void* kept[200];

void use_everything() {
  ++handled;
  for (size_t i = 0; i < 200; ++i) {
    const size_t size = 10 + i * 397;
    free(kept[i]);
    kept[i] = i % 3 == 0 ? malloc(size) : i % 3 == 1 ? calloc(1, size) : memalign(64, size);
    require(kept[i] != nullptr, "no memory");
    memset(kept[i], 1, size);
  }
  for (size_t size : {size_t{3000000}, size_t{40} << 20}) {
    void* p = malloc(size);
    require(p != nullptr, "no large memory");
    p = realloc(p, size * 2);
    require(p != nullptr, "no larger memory");
    free(p);
  }
  free(malloc(0));
  malloc_trim(0);
  use_named_cache();
}

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
void lock_mutex() { pthread_mutex_lock(&mutex); }
void unlock_mutex() { pthread_mutex_unlock(&mutex); }

std::atomic<bool> worker_may_end{false};
pthread_t worker;

void* work(void*) {
  while (!worker_may_end) {
    for (size_t i = 0; i < 100; ++i) free(malloc(i * 331));
  }
  return nullptr;
}
void start_worker() {
  worker_may_end = false;
  pthread_create(&worker, nullptr, work, nullptr);
}
void end_worker() {
  worker_may_end = true;
  pthread_join(worker, nullptr);
}

void* changing[50];
void* staying[1000];

void* write_and_free(void*) {
  unsigned x = 1;
  for (int i = 0; i < 6000; ++i) {
    x = x * 1664525 + 1013904223;
    const bool stays = i % 6 == 0;
    void*& block = stays ? staying[i / 6] : changing[(x >> 20) % 50];
    free(block);
    const size_t size = stays ? 100 : (x >> 8) % 80000 + 1;
    block = malloc(size);
    require(block != nullptr, "no memory");
    memset(block, 1, size);
  }
  return nullptr;
}
void write_much() {
  pthread_t thread;
  pthread_create(&thread, nullptr, write_and_free, nullptr);
  pthread_join(thread, nullptr);
}

// Before the library's own constructor, which registers its handlers where options are given.
void start(int argc, char** argv, char**) {
  if (argc < 2) return;
  mode = argv[1];
  if (mode == "handlers") pthread_atfork(use_everything, use_everything, use_everything);
  if (mode == "mutex") pthread_atfork(lock_mutex, unlock_mutex, unlock_mutex);
  if (mode == "long") pthread_atfork(write_much, nullptr, nullptr);
  if (mode == "join") pthread_atfork(end_worker, start_worker, nullptr);
}
[[gnu::section(".preinit_array"), gnu::used]] void (*preinit_entry)(int, char**, char**) = start;

void* churn(void* seed) {
  auto x = static_cast<unsigned>(reinterpret_cast<size_t>(seed));
  void* blocks[50] = {};
  while (!stop) {
    x = x * 1664525 + 1013904223;
    void*& block = blocks[(x >> 20) % 50];
    free(block);
    block = malloc((x >> 8) % 70000);
  }
  for (void* block : blocks) free(block);
  return nullptr;
}

void fork_once() {
  const pid_t child = fork();
  require(child >= 0, "fork failed");
  if (child == 0) {
    alarm(20);
    for (size_t i = 0; i < 200; ++i) free(malloc(i * 331));
    pthread_t thread;
    stop = true;
    require(pthread_create(&thread, nullptr, churn, nullptr) == 0, "no thread in the child");
    pthread_join(thread, nullptr);
    _exit(0);
  }
  int status = 0;
  require(waitpid(child, &status, 0) == child && status == 0, "the child failed");
}

void fork_and_wait() {
  const pid_t child = fork();
  if (child == 0) {
    for (size_t i = 0; i < 200; ++i) free(malloc(i * 331));
    _exit(0);
  }
  int status = 0;
  require(waitpid(child, &status, 0) == child && status == 0, "the child failed");
}

void fork_with_handlers(bool busy) {
  pthread_t threads[3];
  for (size_t i = 0; busy && i < 3; ++i) pthread_create(&threads[i], nullptr, churn, reinterpret_cast<void*>(i + 1));
  for (int i = 0; i < kForks; ++i) fork_once();
  stop = true;
  for (size_t i = 0; busy && i < 3; ++i) pthread_join(threads[i], nullptr);
  require(handled == 2 * kForks, "handlers did not run");
}

void* read_lines(void*) {
  FILE* const file = tmpfile();
  for (int i = 0; i < 400; ++i) fprintf(file, "%0*d\n", i % 40 == 39 ? 200000 : i * 3 + 1, i);
  while (!stop) {
    rewind(file);
    char* line = nullptr;
    size_t size = 0;
    while (!stop && getline(&line, &size, file) > 0) {
      free(line);
      line = nullptr;
      size = 0;
    }
    free(line);
  }
  return nullptr;
}

void* flush_all(void*) {
  while (!stop) fflush(nullptr);
  return nullptr;
}

void fork_beside_streams() {
  pthread_t threads[3];
  pthread_create(&threads[0], nullptr, read_lines, nullptr);
  pthread_create(&threads[1], nullptr, flush_all, nullptr);
  pthread_create(&threads[2], nullptr, read_lines, nullptr);
  for (int i = 0; i < 40; ++i) fork_and_wait();
  stop = true;
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

// Holds the mutex for longer than fork takes, and does all that may need a lock of the allocator meanwhile.
// Under the mutex.
constexpr int kHeapBlocks = 2000;
void* heap_block[kHeapBlocks];
int heap_blocks = 0;

void* allocate_under_mutex(void* seed) {
  auto x = static_cast<unsigned>(reinterpret_cast<size_t>(seed));
  struct Block {
    char* start;
    size_t size;
  } blocks[64] = {};
  while (!stop) {
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 3000; ++i) {
      if (i % 100 == 0 && heap_blocks > 0) free(heap_block[--heap_blocks]);
      x = x * 1664525 + 1013904223;
      Block& block = blocks[(x >> 20) % 64];
      const size_t size = 1 + (x >> 8) % (i % 100 == 0 ? 500000 : 3000);
      if (block.start != nullptr) require(block.start[0] == 7 && block.start[block.size - 1] == 7, "a block changed");
      if (i % 3 == 0) {
        block.start = static_cast<char*>(realloc(block.start, size));
        require(block.start != nullptr, "realloc failed");
        if (block.size != 0) require(block.start[0] == 7, "realloc lost the contents");
      } else {
        free(block.start);
        block.start = static_cast<char*>(i % 3 == 1 ? malloc(size) : memalign(256, size));
      }
      require(block.start != nullptr, "no memory");
      block.size = size;
      memset(block.start, 7, size);
    }
    pthread_mutex_unlock(&mutex);
  }
  for (Block& block : blocks) free(block.start);
  return nullptr;
}

void fork_beside_mutex() {
  if (ashlar_heap_create != nullptr) {
    ashlar_heap* const heap = ashlar_heap_create("fork_handlers", 0);
    require(ashlar_heap_malloc(heap, size_t{40} << 20) != nullptr, "no mapping");
    for (void*& block : heap_block) block = ashlar_heap_malloc(heap, 100);
    heap_blocks = kHeapBlocks;
  }
  pthread_t threads[2];
  for (size_t i = 0; i < 2; ++i) {
    pthread_create(&threads[i], nullptr, allocate_under_mutex, reinterpret_cast<void*>(i + 1));
  }
  for (int i = 0; i < 30; ++i) fork_and_wait();
  stop = true;
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

void fork_beside_worker() {
  start_worker();
  for (int i = 0; i < 30; ++i) fork_and_wait();
  end_worker();
}

double peak_mib() {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void* idle(void*) {
  while (!stop) usleep(1000);
  return nullptr;
}

void fork_for_long() {
  pthread_t thread;
  pthread_create(&thread, nullptr, idle, nullptr);  // so that fork has somebody to wait for
  write_much();
  const double before = peak_mib();
  for (int i = 0; i < 3; ++i) fork_and_wait();
  constexpr double kMax = 24;  // 2 MB live; sizes differ
  const double after = peak_mib();
  stop = true;
  pthread_join(thread, nullptr);
  printf("at most resident: %.1f MiB, %.1f after long forks\n", before, after);
  require(after < before + kMax, "memory was filled during forks");
}

ssize_t write_cookie(void*, const char*, size_t size) {
  for (size_t i = 0; i < 300; ++i) free(calloc(1, i * 1000));
  return static_cast<ssize_t>(size);
}

void* print_to_cookie(void*) {
  cookie_io_functions_t functions = {};
  functions.write = write_cookie;
  FILE* const file = fopencookie(nullptr, "w", functions);
  while (!stop) {
    fputs("line\n", file);
    fflush(nullptr);
  }
  return nullptr;
}

void fork_beside_cookie() {
  pthread_t thread;
  pthread_create(&thread, nullptr, print_to_cookie, nullptr);
  for (int i = 0; i < 30; ++i) fork_and_wait();
  stop = true;
  pthread_join(thread, nullptr);
}

volatile sig_atomic_t respawned = 0;

void respawn(int) {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  respawned = respawned + 1;
  if (respawned % 2 == 0 && fork() == 0) _exit(0);
}

void fork_in_handler() {
  free(malloc(100));
  struct sigaction action = {};
  action.sa_handler = respawn;
  action.sa_flags = SA_RESTART;
  sigaction(SIGCHLD, &action, nullptr);
  for (int i = 0; i < 3000; ++i) {
    if (fork() == 0) _exit(0);
  }
  require(respawned > 100, "no signal came");
}

}  // namespace

int main(int argc, char** argv) {
  alarm(50);
  if (mode == "handlers") fork_with_handlers(argc > 2 && std::string_view(argv[2]) == "busy");
  else if (mode == "streams") fork_beside_streams();
  else if (mode == "mutex") fork_beside_mutex();
  else if (mode == "join") fork_beside_worker();
  else if (mode == "long") fork_for_long();
  else if (mode == "cookie") fork_beside_cookie();
  else if (mode == "signal") fork_in_handler();
  else return 2;
}

// Tests a signal handler that allocates while it interrupts code other than malloc and free that takes the allocator's
// locks: reports, returning memory, making and ending named caches, profiles. It hangs if the interrupted call holds a
// lock that the handler's malloc wants. The test's time limit then ends it.
#include <malloc.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "ashlar/ashlar.h"
#include "ashlar/cache.h"

namespace {

ashlar_cache* kept_cache = nullptr;
void* kept_block = nullptr;
volatile sig_atomic_t calls = 0;
volatile sig_atomic_t wrong = 0;

void handler(int) {
  constexpr std::size_t kSizes[] = {16, 1000, 30000, 100000, 400000, std::size_t{40} << 20};
  calls = calls + 1;
  char* const p = static_cast<char*>(std::malloc(kSizes[calls % 6]));
  if (p != nullptr) *p = 1;
  std::free(p);
  ashlar_cache_free(kept_cache, ashlar_cache_alloc(kept_cache));
  if (malloc_usable_size(kept_block) < 100) wrong = 1;
  if (std::realloc(kept_block, 90) != kept_block) wrong = 2;
}

void some_blocks() {
  void* p[20];
  for (std::size_t i = 0; i < 20; ++i) p[i] = std::malloc(3000 * i + 1);
  for (void* const one : p) std::free(one);
}

void report_numbers() { mallinfo2(); }

void report_all() {
  static ashlar_stats figures;
  ashlar_stats_snapshot(&figures, sizeof figures);
}

void report_text() {
  static std::FILE* const out = std::fopen("/dev/null", "w");
  malloc_info(0, out);
}

void trim() {
  some_blocks();
  malloc_trim(0);
}

void make_and_end_cache() {
  ashlar_cache* const cache = ashlar_cache_create("short-lived", 100, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  ashlar_cache_free(cache, ashlar_cache_alloc(cache));
  ashlar_cache_destroy(cache);
}

void shrink_cache() {
  void* p[20];
  for (void*& one : p) one = ashlar_cache_alloc(kept_cache);
  for (void* const one : p) ashlar_cache_free(kept_cache, one);
  ashlar_cache_shrink(kept_cache);
}

void validate() {
  if (ashlar_validate() != 0) wrong = 3;
}

void profile() {
  some_blocks();
  ashlar_profile_dump("/dev/null");
}

struct Call {
  const char* name;
  void (*run)();
};
constexpr Call kCalls[] = {
    {"mallinfo2", report_numbers}, {"ashlar_stats_snapshot", report_all},       {"malloc_info", report_text},
    {"malloc_trim", trim},         {"ashlar_cache_create", make_and_end_cache}, {"ashlar_cache_shrink", shrink_cache},
    {"ashlar_validate", validate},
};
// Then with each block a sample.
constexpr Call kProfiled[] = {{"malloc", some_blocks}, {"ashlar_profile_dump", profile}};

void run(const Call& call) {
  std::printf("%s\n", call.name);
  const int before = calls;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
  for (int n = 0; std::chrono::steady_clock::now() < end; ++n) call.run();
  if (calls == before) std::printf("no signal came\n");
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IOLBF, 200);
  kept_cache = ashlar_cache_create("kept", 48, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  kept_block = std::malloc(100);
  // another thread, so that locks are taken at all, and wanted
  std::thread([] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    for (;;) some_blocks();
  }).detach();
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval often = {{0, 50}, {0, 50}};
  setitimer(ITIMER_REAL, &often, nullptr);
  for (const Call& call : kCalls) run(call);
  const itimerval never = {};
  setitimer(ITIMER_REAL, &never, nullptr);
  ashlar_profile_start(1);
  kept_block = std::malloc(100);  // the one before stays
  setitimer(ITIMER_REAL, &often, nullptr);
  for (const Call& call : kProfiled) run(call);
  setitimer(ITIMER_REAL, &never, nullptr);
  if (wrong != 0) std::printf("wrong: %d\n", static_cast<int>(wrong));
  std::fflush(stdout);
  _exit(wrong != 0 ? 1 : 0);
}

// Tests two allocators in one process: a second Ashlar beside the one that serves malloc, or Ashlar beside glibc.
//
//   dlopen LIBRARY     the library is opened (RTLD_LOCAL, RTLD_DEEPBIND) and used by one thread by name; malloc is
//                      glibc's, or, preloaded, that of another copy of Ashlar
//   next               the program has libashlar.a in it, and libashlar.so is preloaded: RTLD_NEXT finds that one
//
// Both serve threads and forks at the same time. One Ashlar frees blocks of the other, of each kind and with neighbours
// that may look like glibc's chunks. Each is reported as an invalid pointer, or is lost without any other effect. All
// names of a family lead to the same allocator. Fails unless each copy has its own tables, keys and fork handlers.
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>

#include "support/payload.h"
#include "support/process.h"

namespace {
using namespace ashlar_test;

struct Allocator {
  void* (*malloc)(size_t);
  void (*free)(void*);
  void* (*realloc)(void*, size_t);
  size_t (*usable)(void*);
};
Allocator first, second;
bool first_is_ashlar = false;

template <class F>
void look_up(F& function, void* where, const char* name) {
  function = reinterpret_cast<F>(dlsym(where, name));
  CHECK(function != nullptr);
}
Allocator find(void* where) {
  Allocator found = {};
  look_up(found.malloc, where, "malloc");
  look_up(found.free, where, "free");
  look_up(found.realloc, where, "realloc");
  look_up(found.usable, where, "malloc_usable_size");
  return found;
}

void churn(const Allocator& allocator, unsigned long seed, int rounds) {
  Random random(seed);
  Block blocks[64];
  for (int i = 0; i < rounds; ++i) {
    Block& block = blocks[random.below(64)];
    if (block.p != nullptr) CHECK(payload_intact(block));
    const size_t size = random.below(500) == 0 ? 2 << 20 : usual_size(random);
    if (random.below(4) == 0) {
      block.p = static_cast<unsigned char*>(allocator.realloc(block.p, size));
    } else {
      allocator.free(block.p);
      block.p = static_cast<unsigned char*>(allocator.malloc(size));
    }
    CHECK(block.p != nullptr && allocator.usable(block.p) >= size);
    block = {block.p, size, random.next()};
    fill_payload(block);
  }
  for (Block& block : blocks) allocator.free(block.p);
}

std::atomic<bool> stop{false};
std::atomic<void*> from_first[32];

void* use_first(void* seed) {
  for (unsigned long i = reinterpret_cast<size_t>(seed); !stop; i += 100) {
    churn(first, i, 200);
    free(from_first[i % 32].exchange(malloc(i * 37 % 300000)));
  }
  return nullptr;
}

// The second Ashlar's one thread; it is also given blocks of glibc's to free, which it must pass on.
void* use_second(void* seed) {
  for (unsigned long i = reinterpret_cast<size_t>(seed); !stop; i += 100) {
    churn(second, i, 200);
    if (!first_is_ashlar) second.free(from_first[i % 32].exchange(nullptr));
  }
  return nullptr;
}

void side_by_side() {
  pthread_t threads[5];
  for (size_t i = 0; i < 5; ++i) {
    CHECK(pthread_create(&threads[i], nullptr, i == 0 ? use_second : use_first, reinterpret_cast<void*>(i + 1)) == 0);
  }
  for (unsigned long i = 0; i < 30; ++i) {
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
      churn(first, i, 300);
      churn(second, i, 300);
      exit(21);
    }
    CHECK(exited_with(wait_for(pid, 30000), 21));
  }
  stop = true;
  for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  for (auto& each : from_first) free(each.exchange(nullptr));
}

// A block of `from` goes to `to`, in a child. What lies around it is made of one word.
[[noreturn]] void free_by_the_other(const Allocator& from, const Allocator& to, size_t size, std::uint64_t word,
                                    bool grow) {
  constexpr size_t kBlocks = 9;
  std::uint64_t* blocks[kBlocks];
  const size_t words = size / 8;
  for (auto& p : blocks) {
    CHECK((p = static_cast<std::uint64_t*>(from.malloc(size))) != nullptr);
    for (size_t i = 0; i < words; i += i < 512 || i + 600 > words ? 1 : 511) p[i] = word;
  }
  if (grow) {
    to.realloc(blocks[4], size * 2);
  } else {
    to.free(blocks[4]);
  }
  // It was taken for something to be left alone, then: all goes on.
  churn(from, 1, 500);
  churn(to, 2, 500);
  for (size_t b = 0; b < kBlocks; ++b) {
    for (size_t i = 0; b != 4 && i < words; i += i < 512 || i + 600 > words ? 1 : 511) CHECK(blocks[b][i] == word);
  }
  _exit(22);
}

// What was written to stderr, and the end, must be one of the two that are allowed.
void expect_told_or_harmless(const Allocator& from, const Allocator& to, size_t size, std::uint64_t word, bool grow,
                             unsigned& told) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    dup2(ends[1], 2);
    free_by_the_other(from, to, size, word, grow);
  }
  close(ends[1]);
  char text[1000] = "";
  size_t length = 0;
  for (ssize_t n = 1; n > 0 && length < sizeof text - 1; length += static_cast<size_t>(n)) {
    n = read(ends[0], text + length, sizeof text - 1 - length);
    CHECK(n >= 0);
  }
  close(ends[0]);
  const int status = wait_for(pid, 30000);
  if (exited_with(status, 22) && text[0] == 0) return;
  const bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  if (!aborted || strstr(text, "ashlar: ") != text || strstr(text, "invalid pointer") == nullptr) {
    dprintf(2, "a block of %zu bytes amid %#lx: status %#x, said: %s\n", size, word, static_cast<unsigned>(status),
            text);
    CHECK(false);
  }
  ++told;
}

void mistaken(const Allocator& from, const Allocator& to) {
  const std::uint64_t words[] = {0, UINT64_MAX, 0x31, 0x21, 0x1002, 0x25, 0x5a5a5a5a5a5a5a5a, 0x1011};
  unsigned told = 0, tried = 0;
  for (const size_t size : {size_t{24}, size_t{500}, size_t{5000}, size_t{40000}, size_t{1} << 20, size_t{40} << 20}) {
    for (const std::uint64_t word : words) {
      if (size > (1 << 20) && word != 0) continue;  // nothing of the program's lies before a mapping
      expect_told_or_harmless(from, to, size, word, ++tried % 4 == 0, told);
    }
  }
  printf("%u of %u told\n", told, tried);
  CHECK(told >= tried / 2);
}

// Whose function a name leads to.
const void* owner_of(const char* name) {
  Dl_info info = {};
  void* const address = dlsym(RTLD_DEFAULT, name);
  return address != nullptr && dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

// What one function gives another may free. (A program that never uses `new` takes from the archive what malloc needs,
// and its libraries' new and delete are both the preloaded library's.)
template <size_t N>
void expect_one_owner(const char* const (&names)[N]) {
  for (const char* name : names) {
    if (owner_of(name) != owner_of(names[0])) dprintf(2, "%s and %s have two owners\n", name, names[0]);
    CHECK(owner_of(name) == owner_of(names[0]));
  }
}
void check_names() {
  expect_one_owner({"malloc", "free", "calloc", "realloc", "reallocarray", "memalign", "valloc", "pvalloc",
                    "aligned_alloc", "posix_memalign", "malloc_usable_size"});
  expect_one_owner({"_Znwm", "_ZdlPv", "_ZnwmSt11align_val_t", "_ZdlPvm", "_Znam", "_ZdaPv"});
}
}  // namespace

int main(int argc, char** argv) {
  CHECK(argc >= 2);
  first = {malloc, free, realloc, malloc_usable_size};
  if (strcmp(argv[1], "dlopen") == 0) {
    CHECK(argc == 3);
    void* const library = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (library == nullptr) dprintf(2, "%s\n", dlerror());
    CHECK(library != nullptr);
    second = find(library);
    first_is_ashlar = dlsym(RTLD_DEFAULT, "ashlar_malloc") != nullptr;
  } else {
    second = find(RTLD_NEXT);
    first_is_ashlar = true;
  }
  CHECK(first.malloc != second.malloc);
  if (first_is_ashlar) check_names();
  side_by_side();
  if (first_is_ashlar) {
    mistaken(first, second);
    mistaken(second, first);
  }
  churn(first, 8, 2000);
  churn(second, 9, 2000);
  return 0;
}

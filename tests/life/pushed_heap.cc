// Tests a heap that a thread pushed (ashlar_heap_push) in a program that is not linked with Ashlar. What libc and
// libstdc++ allocate in the scope belongs to the heap, and what they keep after the scope does not. The functions are
// looked up, as in a program that runs with and without the library.
//   library  strings, containers, exceptions, strdup, getline, aligned new; freed in the scope and outside
//   fork     a child has the pushes of the thread that forked, and not those of others; its heaps are its own
//   thread   the end of a thread pops what it pushed; a thread that is started in a scope has no push
//   exec     a program that replaces one with a push, by exec, spawn and vfork, starts without a push
// Fails without the look at the stack in malloc's slow path, drop_scopes_in_child, or the key's destructor.
#include <ashlar/heap.h>
#include <dlfcn.h>
#include <pthread.h>
#include <spawn.h>

#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/process.h"

namespace {
using namespace ashlar_test;

template <class F>
F* look_up(const char* name) {
  auto* const found = reinterpret_cast<F*>(dlsym(RTLD_DEFAULT, name));
  CHECK(found != nullptr);
  return found;
}
#define LOOK_UP(name) decltype(::ashlar_##name)* const name = look_up<decltype(::ashlar_##name)>("ashlar_" #name)
LOOK_UP(heap_create);
LOOK_UP(heap_destroy);
LOOK_UP(heap_push);
LOOK_UP(heap_pop);
LOOK_UP(heap_of);
LOOK_UP(heap_stats);
LOOK_UP(validate);

ashlar_heap* heap = nullptr;

size_t blocks() {
  struct ashlar_heap_figures figures {};
  CHECK(heap_stats(heap, &figures) == 0);
  return figures.blocks;
}

bool malloc_is_of(const ashlar_heap* expected) {
  for (const size_t size : {size_t{1}, size_t{24}, size_t{300}, size_t{5000}, size_t{70000}, size_t{3} << 20}) {
    char* const p = static_cast<char*>(malloc(size));
    char* const q = new char[size];
    CHECK(p != nullptr);
    const bool right = heap_of(p) == expected && heap_of(q) == expected;
    free(p);
    delete[] q;
    if (!right) return false;
  }
  return true;
}

struct Kept {
  std::string text;
  std::vector<std::unique_ptr<int>> numbers;
  std::map<int, std::string> names;
};

// Contents of each kind, of the heap.
void fill(Kept& kept) {
  kept.text = std::string(300, 'x') + std::to_string(getpid());
  for (int i = 0; i < 2000; ++i) kept.numbers.push_back(std::make_unique<int>(i));
  for (int i = 0; i < 300; ++i) kept.names[i] = "name number " + std::to_string(i) + std::string(20, '!');
  CHECK(heap_of(kept.text.data()) == heap && heap_of(kept.numbers.data()) == heap);
  for (const auto& number : kept.numbers) CHECK(heap_of(number.get()) == heap);
  for (const auto& [number, name] : kept.names) CHECK(heap_of(name.data()) == heap && heap_of(&number) == heap);
}

void check(const Kept& kept) {
  for (int i = 0; i < 2000; ++i) CHECK(*kept.numbers[static_cast<size_t>(i)] == i);
  for (int i = 0; i < 300; ++i) CHECK(kept.names.at(i) == "name number " + std::to_string(i) + std::string(20, '!'));
}

void libc_in_scope() {
  char* const copy = strdup("a line");
  char* printed = nullptr;
  CHECK(copy != nullptr && asprintf(&printed, "%s and %d", copy, 7) > 0);
  CHECK(heap_of(copy) == heap && heap_of(printed) == heap);
  FILE* const file = fopen("/proc/self/status", "re");
  CHECK(file != nullptr);
  char* line = nullptr;
  size_t size = 0;
  CHECK(getline(&line, &size, file) > 0 && heap_of(line) == heap);
  fclose(file);
  for (char* const each : {copy, printed, line}) free(each);
}

struct alignas(256) Wide {
  char bytes[512];
};

void run_library() {
  auto outside = std::make_unique<std::string>(100, 'o');
  CHECK(heap_push(heap) == 0 && malloc_is_of(heap));
  const size_t before = blocks();
  {
    Kept inside;
    fill(inside);
    check(inside);
  }
  CHECK(blocks() == before);
  libc_in_scope();
  CHECK(blocks() == before);
  const std::unique_ptr<Wide> wide(new Wide);
  CHECK(heap_of(wide.get()) == heap && reinterpret_cast<uintptr_t>(wide.get()) % 256 == 0);
  try {
    throw std::runtime_error("thrown in a scope, with a text that takes a block of its own");
  } catch (const std::exception& error) {
    CHECK(heap_of(error.what()) == heap);
  }
  outside->append(10000, 'p');
  CHECK(heap_of(outside->data()) == heap && heap_of(outside.get()) == nullptr);
  outside.reset();
  CHECK(blocks() == before + 1);  // the wide one
  {
    Kept kept;
    fill(kept);
    CHECK(heap_pop() == 0 && malloc_is_of(nullptr));
    check(kept);
  }
  CHECK(blocks() == before + 1);
}

pthread_barrier_t barrier;

void* hold_push(void* of) {
  CHECK(heap_push(static_cast<ashlar_heap*>(of)) == 0);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  CHECK(malloc_is_of(static_cast<ashlar_heap*>(of)));
  CHECK(heap_pop() == 0);
  return nullptr;
}

void run_fork() {
  ashlar_heap* const other = heap_create("other", 0);
  CHECK(other != nullptr && pthread_barrier_init(&barrier, nullptr, 2) == 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, nullptr, hold_push, other) == 0);
  pthread_barrier_wait(&barrier);
  CHECK(heap_push(heap) == 0);
  Kept kept;
  fill(kept);
  const size_t before = blocks();
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    check(kept);
    CHECK(malloc_is_of(heap));
    CHECK(heap_destroy(heap) == -1 && errno == EBUSY);  // its own push
    Kept more;
    fill(more);
    CHECK(heap_pop() == 0 && malloc_is_of(nullptr));
    check(more);
    CHECK(heap_destroy(other) == 0);  // whose thread is not here
    CHECK(validate() == 0);
    _exit(0);
  }
  CHECK(exited_with(wait_for(pid, 30000), 0));
  CHECK(blocks() == before);
  CHECK(heap_destroy(other) == -1 && errno == EBUSY);
  pthread_barrier_wait(&barrier);
  CHECK(pthread_join(thread, nullptr) == 0 && heap_destroy(other) == 0);
  check(kept);
  CHECK(heap_pop() == 0);
}

void* end_pushed(void* exits) {
  CHECK(malloc_is_of(nullptr));  // started in a scope of another thread
  for (int i = 0; i < 3; ++i) CHECK(heap_push(heap) == 0);
  CHECK(malloc_is_of(heap));
  if (exits != nullptr) pthread_exit(nullptr);
  return nullptr;
}

void run_thread() {
  CHECK(heap_push(heap) == 0);
  for (int i = 0; i < 20; ++i) {
    pthread_t thread;
    CHECK(pthread_create(&thread, nullptr, end_pushed, i % 2 == 0 ? nullptr : &thread) == 0);
    CHECK(pthread_join(thread, nullptr) == 0);
    CHECK(malloc_is_of(heap));
  }
  CHECK(heap_pop() == 0);
  CHECK(heap_destroy(heap) == 0);  // no push is left
  heap = nullptr;
}

void run_exec() {
  CHECK(heap_push(heap) == 0);
  CHECK(exited_with(wait_for(start_self("plain"), 30000), 0));
  char path[] = "/proc/self/exe", plain[] = "plain";
  char* const arguments[] = {path, plain, nullptr};
  const pid_t vforked = vfork();
  if (vforked == 0) {
    execv(path, arguments);
    _exit(99);
  }
  CHECK(exited_with(wait_for(vforked, 30000), 0));
  CHECK(malloc_is_of(heap));
  const pid_t pid = fork();
  if (pid == 0) {
    CHECK(malloc_is_of(heap));
    execv(path, arguments);
    _exit(99);
  }
  CHECK(exited_with(wait_for(pid, 30000), 0));
  CHECK(system("exit 3") == 3 << 8);  // NOLINT(cert-env33-c)
  CHECK(malloc_is_of(heap) && heap_pop() == 0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  alarm(100);
  if (mode == "plain") {
    CHECK(malloc_is_of(nullptr) && heap_pop() == -1);
    return 0;
  }
  heap = heap_create("pushed", 0);
  CHECK(heap != nullptr);
  if (mode == "library") run_library();
  if (mode == "fork") run_fork();
  if (mode == "thread") run_thread();
  if (mode == "exec") run_exec();
  CHECK(validate() == 0);
  CHECK(heap == nullptr || heap_destroy(heap) == 0);
  return 0;
}

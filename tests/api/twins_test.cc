// Tests the malloc functions as symbols. One library exports every name of the interface and glibc's __libc_ twins.
// Without the twins a program that calls __libc_malloc would mix two allocators.
#include <dlfcn.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "api.h"

#ifdef ASHLAR_TEST_ARCHIVE
extern "C" {
void* __libc_malloc(size_t);
void __libc_free(void*);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void* __libc_valloc(size_t);
void* __libc_pvalloc(size_t);
}
#define TWIN(symbol) (&symbol)
#else
#define TWIN(symbol) dlsym(RTLD_DEFAULT, #symbol)
#endif

namespace ashlar_test {
namespace {

struct Twins {
  void* (*volatile malloc)(size_t) = reinterpret_cast<void* (*)(size_t)>(TWIN(__libc_malloc));
  void (*volatile free)(void*) = reinterpret_cast<void (*)(void*)>(TWIN(__libc_free));
  void* (*volatile calloc)(size_t, size_t) = reinterpret_cast<void* (*)(size_t, size_t)>(TWIN(__libc_calloc));
  void* (*volatile realloc)(void*, size_t) = reinterpret_cast<void* (*)(void*, size_t)>(TWIN(__libc_realloc));
  void* (*volatile memalign)(size_t, size_t) = reinterpret_cast<void* (*)(size_t, size_t)>(TWIN(__libc_memalign));
  void* (*volatile valloc)(size_t) = reinterpret_cast<void* (*)(size_t)>(TWIN(__libc_valloc));
  void* (*volatile pvalloc)(size_t) = reinterpret_cast<void* (*)(size_t)>(TWIN(__libc_pvalloc));
};
const Twins twins;

TEST(Twins, MixFreelyWithTheirNamesakes) {
  for (size_t size : {size_t{1}, size_t{500}, size_t{9000}, size_t{50} << 10, size_t{3} << 20}) {
    void* p = twins.malloc(size);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 16, 0u);
    EXPECT_GE(api.malloc_usable_size(p), size);
    api.free(p);
    twins.free(api.malloc(size));
    auto* zero = static_cast<unsigned char*>(twins.calloc(size, 1));
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(zero[i], 0);
    memset(zero, 6, size);
    auto* moved = static_cast<unsigned char*>(api.realloc(zero, size * 3));
    EXPECT_EQ(moved[size - 1], 6);
    moved = static_cast<unsigned char*>(twins.realloc(moved, size));
    EXPECT_EQ(moved[size - 1], 6);
    twins.free(moved);
    p = twins.memalign(512, size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 512, 0u);
    api.free(p);
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    for (void* q : {twins.valloc(size), twins.pvalloc(size)}) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(q) % page, 0u);
      api.free(q);
    }
  }
}

TEST(Twins, FailAsTheirNamesakesDo) {
  errno = 0;
  EXPECT_EQ(twins.malloc(SIZE_MAX), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 0;
  EXPECT_EQ(twins.calloc(SIZE_MAX, 2), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(twins.realloc(twins.malloc(10), 0), nullptr);
  errno = 4711;
  twins.free(nullptr);
  EXPECT_EQ(errno, 4711);
}

#ifndef ASHLAR_TEST_ARCHIVE
class Symbol : public testing::TestWithParam<const char*> {};

TEST_P(Symbol, ComesFromTheLibraryThatMallocComesFrom) {
  Dl_info info{}, of_malloc{};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(api.malloc), &of_malloc), 0);
  void* address = dlsym(RTLD_DEFAULT, GetParam());
  ASSERT_NE(address, nullptr) << "not exported";
  ASSERT_NE(dladdr(address, &info), 0);
  EXPECT_STREQ(info.dli_fname, of_malloc.dli_fname);
}
INSTANTIATE_TEST_SUITE_P(
    Interface, Symbol,
    testing::Values("malloc", "free", "calloc", "realloc", "reallocarray", "aligned_alloc", "memalign",
                    "posix_memalign", "valloc", "pvalloc", "malloc_usable_size", "cfree", "free_sized",
                    "free_aligned_sized", "mallopt", "mallinfo", "mallinfo2", "malloc_info", "malloc_stats",
                    "malloc_trim", "__libc_malloc", "__libc_free", "__libc_calloc", "__libc_realloc", "__libc_memalign",
                    "__libc_valloc", "__libc_pvalloc",
                    // operator new and new[]: plain, nothrow, aligned, aligned nothrow
                    "_Znwm", "_Znam", "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t", "_ZnwmSt11align_val_t",
                    "_ZnamSt11align_val_t", "_ZnwmSt11align_val_tRKSt9nothrow_t", "_ZnamSt11align_val_tRKSt9nothrow_t",
                    // operator delete and delete[]: plain, nothrow, sized, aligned, sized aligned, aligned nothrow
                    "_ZdlPv", "_ZdaPv", "_ZdlPvRKSt9nothrow_t", "_ZdaPvRKSt9nothrow_t", "_ZdlPvm", "_ZdaPvm",
                    "_ZdlPvSt11align_val_t", "_ZdaPvSt11align_val_t", "_ZdlPvmSt11align_val_t",
                    "_ZdaPvmSt11align_val_t", "_ZdlPvSt11align_val_tRKSt9nothrow_t",
                    "_ZdaPvSt11align_val_tRKSt9nothrow_t"),
    [](const auto& param) { return std::string(param.param); });
#endif

}  // namespace
}  // namespace ashlar_test

// Tests every form of operator new and delete ([new.delete]): alignment, new_handler, bad_alloc, nothrow, and wrong
// sizes.
#include <gtest/gtest.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <new>
#include <stdexcept>
#include <vector>

#include "api.h"
#include "support/check.h"
#include "support/emulated.h"

namespace ashlar_test {
namespace {

constexpr size_t kHuge = size_t{PTRDIFF_MAX} - 4096;  // below the compiler's own limit, above any memory
constexpr std::align_val_t kAlign{256};

struct Form {
  const char* name;
  size_t alignment;
  bool throws;
  void* (*allocate)(size_t);
  void (*release)(void*, size_t);
};
void PrintTo(const Form& form, std::ostream* out) { *out << form.name; }
const Form kForms[] = {
    {"plain", 16, true, [](size_t n) { return ::operator new(n); }, [](void* p, size_t) { ::operator delete(p); }},
    {"array", 16, true, [](size_t n) { return ::operator new[](n); }, [](void* p, size_t) { ::operator delete[](p); }},
    {"sized", 16, true, [](size_t n) { return ::operator new(n); }, [](void* p, size_t n) { ::operator delete(p, n); }},
    {"sized_array", 16, true, [](size_t n) { return ::operator new[](n); },
     [](void* p, size_t n) { ::operator delete[](p, n); }},
    {"nothrow", 16, false, [](size_t n) { return ::operator new(n, std::nothrow); },
     [](void* p, size_t) { ::operator delete(p, std::nothrow); }},
    {"nothrow_array", 16, false, [](size_t n) { return ::operator new[](n, std::nothrow); },
     [](void* p, size_t) { ::operator delete[](p, std::nothrow); }},
    {"aligned", 256, true, [](size_t n) { return ::operator new(n, kAlign); },
     [](void* p, size_t) { ::operator delete(p, kAlign); }},
    {"aligned_array", 256, true, [](size_t n) { return ::operator new[](n, kAlign); },
     [](void* p, size_t) { ::operator delete[](p, kAlign); }},
    {"sized_aligned", 256, true, [](size_t n) { return ::operator new(n, kAlign); },
     [](void* p, size_t n) { ::operator delete(p, n, kAlign); }},
    {"sized_aligned_array", 256, true, [](size_t n) { return ::operator new[](n, kAlign); },
     [](void* p, size_t n) { ::operator delete[](p, n, kAlign); }},
    {"aligned_nothrow", 256, false, [](size_t n) { return ::operator new(n, kAlign, std::nothrow); },
     [](void* p, size_t) { ::operator delete(p, kAlign, std::nothrow); }},
    {"aligned_nothrow_array", 256, false, [](size_t n) { return ::operator new[](n, kAlign, std::nothrow); },
     [](void* p, size_t) { ::operator delete[](p, kAlign, std::nothrow); }},
};

class New : public testing::TestWithParam<Form> {
 protected:
  void TearDown() override { std::set_new_handler(nullptr); }
};

TEST_P(New, GivesAlignedWritableMemoryThatItsDeleteReturns) {
  const size_t before = bytes_in_use();
  for (int round = 0; round < 200; ++round) {
    for (size_t size : {size_t{0}, size_t{1}, size_t{24}, size_t{1000}, size_t{20000}, size_t{1} << 20}) {
      void* p = GetParam().allocate(size);
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % GetParam().alignment, 0u);
      memset(p, 0x3c, round == 0 ? size : std::min<size_t>(size, 64));
      GetParam().release(p, size);
    }
  }
  EXPECT_LT(bytes_in_use(), before + (8u << 20));
  GetParam().release(nullptr, 8);
}

TEST_P(New, WithAWrongSizeOnDeleteIsHarmless) {
  for (size_t wrong : {size_t{0}, size_t{1}, size_t{100000}, SIZE_MAX}) {
    void* p = GetParam().allocate(480);
    void* neighbour = GetParam().allocate(480);
    memset(neighbour, 0x21, 480);
    GetParam().release(p, wrong);
    void* fresh = GetParam().allocate(480);
    memset(fresh, 0x77, 480);
    for (size_t i = 0; i < 480; ++i) ASSERT_EQ(static_cast<char*>(neighbour)[i], 0x21);
    GetParam().release(fresh, 480);
    GetParam().release(neighbour, 480);
  }
}

TEST_P(New, WithoutAHandlerFailsAsItsFormSays) {
  std::set_new_handler(nullptr);
  if (GetParam().throws) {
    EXPECT_THROW(GetParam().allocate(kHuge), std::bad_alloc);
    EXPECT_THROW(GetParam().allocate(SIZE_MAX), std::bad_alloc);
  } else {
    EXPECT_EQ(GetParam().allocate(kHuge), nullptr);
    EXPECT_EQ(GetParam().allocate(SIZE_MAX), nullptr);
  }
}

int handler_calls = 0;

TEST_P(New, CallsTheHandlerUntilItGivesUp) {
  handler_calls = 0;
  std::set_new_handler([] {
    if (++handler_calls == 5) std::set_new_handler(nullptr);
  });
  if (GetParam().throws) {
    EXPECT_THROW(GetParam().allocate(kHuge), std::bad_alloc);
  } else {
    EXPECT_EQ(GetParam().allocate(kHuge), nullptr);
  }
  EXPECT_EQ(handler_calls, 5);
}

TEST_P(New, SucceedsOnceTheHandlerHasMadeRoom) {
  if (kEmulated) GTEST_SKIP() << "the emulator enforces no RLIMIT_AS";
  static struct rlimit free_limit;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &free_limit), 0);
  handler_calls = 0;
  std::set_new_handler([] {
    if (++handler_calls == 3) setrlimit(RLIMIT_AS, &free_limit);
    if (handler_calls > 100) std::set_new_handler(nullptr);
  });
  struct rlimit tight = free_limit;
  tight.rlim_cur = static_cast<rlim_t>(status_kib("VmSize:")) * 1024 + (64u << 20);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  // what an earlier test freed and what is held back since would serve without a call of the handler
  std::vector<void*> at_hand;
  while (void* const block = malloc(size_t{3} << 30)) at_hand.push_back(block);
  void* p = GetParam().allocate(size_t{3} << 30);
  setrlimit(RLIMIT_AS, &free_limit);
  EXPECT_NE(p, nullptr);
  EXPECT_EQ(handler_calls, 3);
  for (void* const block : at_hand) free(block);
  GetParam().release(p, size_t{3} << 30);
}

TEST_P(New, WithAHandlerThatThrowsBadAlloc) {
  handler_calls = 0;
  std::set_new_handler([] {
    ++handler_calls;
    throw std::bad_alloc();
  });
  if (GetParam().throws) {
    EXPECT_THROW(GetParam().allocate(kHuge), std::bad_alloc);
  } else {
    EXPECT_EQ(GetParam().allocate(kHuge), nullptr);
  }
  EXPECT_EQ(handler_calls, 1);
}

struct OwnFailure : std::bad_alloc {};

TEST_P(New, PassesOnWhatTheHandlerThrowsOrGivesNullInANothrowForm) {
  std::set_new_handler([] { throw OwnFailure(); });
  if (GetParam().throws) {
    EXPECT_THROW(GetParam().allocate(kHuge), OwnFailure);
  } else {
    EXPECT_EQ(GetParam().allocate(kHuge), nullptr);
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, New, testing::ValuesIn(kForms),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(NewAligned, EveryAlignmentIsHonoured) {
  for (size_t alignment = 1; alignment <= (1u << 22); alignment *= 2) {
    std::vector<void*> blocks;
    for (size_t size : {size_t{1}, size_t{24}, alignment, alignment + 1}) {
      blocks.push_back(::operator new (size, std::align_val_t{alignment}));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(blocks.back()) % alignment, 0u);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(blocks.back()) % 16, 0u);
      memset(blocks.back(), 1, size);
    }
    for (void* p : blocks) ::operator delete (p, std::align_val_t{alignment});
  }
}

TEST(NewPlain, MixesWithFree) {
  // Not portable, yet programs do it and glibc lets them.
  void* p = ::operator new(100);
  api.free(p);
  ::operator delete(api.malloc(100));
}

}  // namespace
}  // namespace ashlar_test

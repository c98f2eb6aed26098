// Is a program that replaces some forms of operator new and delete. The other forms must call these ([new.delete]):
// array forms the basic form, nothrow and sized forms the form without. Its blocks begin after a header, so that a
// block of one kind that is passed to another kind's delete is found at once. Fails unless the forms check whether the
// program has its own. REPLACED is 1 for the basic pair, 2 for the pair of arrays, 4 for the aligned pair, 8 for the
// pair of aligned arrays, or a sum of these.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <initializer_list>
#include <new>

#include "support/check.h"

namespace {
constexpr size_t kHeader = 64;
constexpr uint64_t kMagic = 0x600d600d600d600d;
constexpr size_t kTooMuch = size_t{1} << 62;
struct Counts {
  long taken = 0, given = 0;
} counts[4];

[[maybe_unused]] void* take(int pair, size_t size) {
  char* p = size < kTooMuch ? static_cast<char*>(malloc(size + 2 * kHeader)) : nullptr;
  if (p == nullptr) throw std::bad_alloc();
  char* at = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(p) + 2 * kHeader - 1) / kHeader * kHeader);
  if (at - p < 24) at += kHeader;
  reinterpret_cast<uint64_t*>(at)[-1] = kMagic + static_cast<uint64_t>(pair);
  reinterpret_cast<void**>(at)[-2] = p;
  ++counts[pair].taken;
  return at;
}
[[maybe_unused]] void give(int pair, void* at) {
  if (at == nullptr) return;
  CHECK(static_cast<uint64_t*>(at)[-1] == kMagic + static_cast<uint64_t>(pair));
  static_cast<uint64_t*>(at)[-1] = 0;
  ++counts[pair].given;
  free(static_cast<void**>(at)[-2]);
}
constexpr bool replaced(int pair) { return (REPLACED >> pair & 1) != 0; }
}  // namespace

#if REPLACED & 1
void* operator new(size_t n) { return take(0, n); }
void operator delete(void* p) noexcept { give(0, p); }
#endif
#if REPLACED & 2
void* operator new[](size_t n) { return take(1, n); }
void operator delete[](void* p) noexcept { give(1, p); }
#endif
#if REPLACED & 4
void* operator new(size_t n, std::align_val_t) { return take(2, n); }
void operator delete(void* p, std::align_val_t) noexcept { give(2, p); }
#endif
#if REPLACED & 8
void* operator new[](size_t n, std::align_val_t) { return take(3, n); }
void operator delete[](void* p, std::align_val_t) noexcept { give(3, p); }
#endif

namespace {
constexpr std::align_val_t kAlign{64};
using Take = void* (*)(size_t);
using Give = void (*)(void*, size_t);
struct Family {
  int pair;  // where the forms end if the program has it, else that of `otherwise`
  int otherwise;
  Take takes[2];
  Give gives[3];
};
const Family kFamilies[] = {
    {0,
     0,
     {[](size_t n) { return ::operator new(n); }, [](size_t n) { return ::operator new(n, std::nothrow); }},
     {[](void* p, size_t) { ::operator delete(p); }, [](void* p, size_t) { ::operator delete(p, std::nothrow); },
      [](void* p, size_t n) { ::operator delete(p, n); }}},
    {1,
     0,
     {[](size_t n) { return ::operator new[](n); }, [](size_t n) { return ::operator new[](n, std::nothrow); }},
     {[](void* p, size_t) { ::operator delete[](p); }, [](void* p, size_t) { ::operator delete[](p, std::nothrow); },
      [](void* p, size_t n) { ::operator delete[](p, n); }}},
    {2,
     2,
     {[](size_t n) { return ::operator new(n, kAlign); },
      [](size_t n) { return ::operator new(n, kAlign, std::nothrow); }},
     {[](void* p, size_t) { ::operator delete(p, kAlign); },
      [](void* p, size_t) { ::operator delete(p, kAlign, std::nothrow); },
      [](void* p, size_t n) { ::operator delete(p, n, kAlign); }}},
    {3,
     2,
     {[](size_t n) { return ::operator new[](n, kAlign); },
      [](size_t n) { return ::operator new[](n, kAlign, std::nothrow); }},
     {[](void* p, size_t) { ::operator delete[](p, kAlign); },
      [](void* p, size_t) { ::operator delete[](p, kAlign, std::nothrow); },
      [](void* p, size_t n) { ::operator delete[](p, n, kAlign); }}},
};
}  // namespace

int main() {
  for (const Family& family : kFamilies) {
    const int end = replaced(family.pair) ? family.pair : replaced(family.otherwise) ? family.otherwise : -1;
    for (Take take_form : family.takes) {
      for (Give give_form : family.gives) {
        for (size_t size : {size_t{1}, size_t{100}, size_t{5000}, size_t{100000}}) {
          for (Counts& c : counts) c = {};
          void* blocks[40];
          for (void*& block : blocks) {
            CHECK((block = take_form(size)) != nullptr);
            static_cast<char*>(block)[0] = static_cast<char*>(block)[size - 1] = 1;
          }
          for (void* block : blocks) give_form(block, size);
          give_form(nullptr, size);
          for (int pair = 0; pair < 4; ++pair) {
            const long wanted = pair == end ? 40 : 0;
            if (counts[pair].taken != wanted || counts[pair].given != wanted)
              dprintf(2, "family %d, pair %d: %ld taken, %ld given, expected %ld of each\n", family.pair, pair,
                      counts[pair].taken, counts[pair].given, wanted);
            CHECK(counts[pair].taken == wanted && counts[pair].given == wanted);
          }
        }
      }
    }
    CHECK(family.takes[1](kTooMuch) == nullptr);
    try {
      family.takes[0](kTooMuch);
      CHECK(false);
    } catch (const std::bad_alloc&) {
    }
  }
  puts("all forms ended where they should");
  return 0;
}

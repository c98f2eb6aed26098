// Is the library that late_runtime loads. It includes no header of the tests, so that it compiles with libc++ as well
// as with libstdc++.
#include <new>

namespace {
constexpr std::size_t kHuge = std::size_t{1} << 50;
constexpr std::align_val_t kAlign{256};
int handled;
struct Enough {};

template <class Allocate>
bool throws_bad_alloc(Allocate allocate) {
  try {
    allocate();
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

void give_up() {
  if (++handled == 3) std::set_new_handler(nullptr);
}
void throw_enough() {
  ++handled;
  throw Enough();
}
}  // namespace

extern "C" __attribute__((visibility("default"))) int run() {
  if (!throws_bad_alloc([] { return ::operator new(kHuge); })) return 1;
  if (!throws_bad_alloc([] { return ::operator new[](kHuge); })) return 2;
  if (!throws_bad_alloc([] { return ::operator new(kHuge, kAlign); })) return 3;
  if (!throws_bad_alloc([] { return ::operator new[](kHuge, kAlign); })) return 4;
  if (::operator new(kHuge, std::nothrow) != nullptr || ::operator new[](kHuge, std::nothrow) != nullptr) return 5;
  if (::operator new(kHuge, kAlign, std::nothrow) != nullptr) return 6;
  if (::operator new[](kHuge, kAlign, std::nothrow) != nullptr) return 7;
  std::set_new_handler(give_up);
  if (!throws_bad_alloc([] { return ::operator new(kHuge); }) || handled != 3) return 8;
  handled = 0;
  std::set_new_handler(throw_enough);
  try {
    ::operator delete[](::operator new[](kHuge));
    return 9;
  } catch (const Enough&) {
  }
  if (::operator new(kHuge, std::nothrow) != nullptr || ::operator new[](kHuge, kAlign, std::nothrow) != nullptr)
    return 10;
  if (handled < 3) return 11;
  std::set_new_handler(nullptr);
  ::operator delete(::operator new(100));
  return 0;
}

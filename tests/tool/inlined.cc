// Is a program whose allocation the compiler puts into its callers, for the tests of `ashlar profile`.
#include <cstdio>
#include <cstdlib>

namespace {

void* volatile kept[4];

[[gnu::always_inline]] inline void innermost(int n) { kept[n] = std::malloc(3000); }
[[gnu::always_inline]] inline void between(int n) {
  innermost(n);
  innermost(n + 1);
}

}  // namespace

extern "C" [[gnu::noinline]] void holder(int n) {
  between(n);
  asm volatile("");
}

// Waits for a line with an argument, so that it may be looked at.
int main(int argc, char**) {
  holder(0);
  holder(2);
  if (argc > 1) std::getchar();
}

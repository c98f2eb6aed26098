// Is compiled with the flags of a distribution, followed by the library's own settings, which must prevail.
#include <array>

#ifdef _GLIBCXX_ASSERTIONS
#error "assertions of libstdc++ call std::__glibcxx_assert_fail, which libc has not"
#endif
#ifdef __SSP_ALL__
#error "the stack protector's canary is not set up when the first calls of malloc come"
#endif

namespace ashlar {
int element(const std::array<int, 4>& numbers, unsigned at) { return numbers[at]; }
}  // namespace ashlar

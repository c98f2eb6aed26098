// The model as a libFuzzer target: built when the compiler is Clang.
#include "model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ashlar_test::Model().run({data, size});
  return 0;
}

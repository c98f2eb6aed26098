// Fuzz target: compares malloc and its family, as the ashlar_ functions, with a model (model.h).
#include "fuzz/model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ashlar_test::Model().run({data, size});
  return 0;
}

// Makes state anew, as it was when the process started.
#pragma once

#include <memory>

namespace ashlar_test {

template <class T>
void make_fresh(T& state) {
  std::destroy_at(&state);
  std::construct_at(&state);
}

}  // namespace ashlar_test

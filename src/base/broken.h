// base: the result of a check of a structure: the first rule that does not hold, or none.
#pragma once

#include <cstdint>

namespace ashlar {

struct Broken {
  const char* rule = nullptr;  // the rule that does not hold, as a sentence; null when all hold
  std::uintptr_t at = 0;       // where it does not hold; 0 if no address says it
  constexpr explicit operator bool() const { return rule != nullptr; }
};

inline Broken broken(const char* rule, const void* at = nullptr) {
  return {rule, reinterpret_cast<std::uintptr_t>(at)};
}

}  // namespace ashlar

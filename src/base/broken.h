// base: what a walk through a structure finds: the first rule that does not hold, or nothing.
#pragma once

#include <cstdint>

namespace ashlar {

struct Broken {
  const char* rule = nullptr;  // a sentence that should hold; null when all hold
  std::uintptr_t at = 0;       // the address of what breaks it, or 0
  constexpr explicit operator bool() const { return rule != nullptr; }
};

inline Broken broken(const char* rule, const void* at = nullptr) {
  return {rule, reinterpret_cast<std::uintptr_t>(at)};
}

}  // namespace ashlar

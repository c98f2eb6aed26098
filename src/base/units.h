// base: sizes in bytes, written 64_KiB, 2_MiB, 4_GiB.
#pragma once

#include <cstddef>

namespace ashlar {

consteval std::size_t operator""_KiB(unsigned long long n) { return static_cast<std::size_t>(n) << 10; }
consteval std::size_t operator""_MiB(unsigned long long n) { return static_cast<std::size_t>(n) << 20; }
consteval std::size_t operator""_GiB(unsigned long long n) { return static_cast<std::size_t>(n) << 30; }
consteval std::size_t operator""_TiB(unsigned long long n) { return static_cast<std::size_t>(n) << 40; }

}  // namespace ashlar

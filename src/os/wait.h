// os: waiting for a word to change (futex(2)).
#pragma once

#include <atomic>
#include <cstdint>

namespace ashlar::os {

// Returns when the word is no longer `value`, when a thread wakes its waiters, after the timeout in milliseconds
// (kForever: never), or spuriously. errno is kept.
inline constexpr std::uint64_t kForever = ~std::uint64_t{0};
void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t value, std::uint64_t ms);

// Wakes all threads that wait for the word.
void wake_all(const std::atomic<std::uint32_t>& word);

}  // namespace ashlar::os

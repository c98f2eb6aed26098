// Runs one function on one or several threads.
#pragma once

#include <cstddef>
#include <thread>
#include <vector>

namespace ashlar::workload {

// Calls body(index) on `count` threads and joins all of them. The caller itself runs a single one, so that a run with
// one thread stays a single-threaded process, which some allocators treat specially.
template <typename Body>
void run_threads(std::size_t count, const Body& body) {
  if (count == 1) return body(0);
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace ashlar::workload

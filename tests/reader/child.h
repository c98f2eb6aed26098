// A child that talks through pipes and is killed at the end, under the library or not.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ashlar_test {

// What ashlar_heap_stats says of a heap.
struct SaidHeap {
  std::uint64_t address = 0;
  std::string name;
  std::uint64_t bytes = 0, peak_bytes = 0, limit = 0, blocks = 0, used_bytes = 0, kept_bytes = 0, chunks = 0, large = 0;
};

struct Said {
  std::map<std::size_t, std::uint64_t> blocks;     // usable size → live blocks of the program
  std::map<std::string, std::uint64_t> caches;     // name → live objects
  std::map<std::string, std::uint64_t> addresses;  // kind → address
  std::vector<SaidHeap> heaps;
  std::uint64_t left = 0;  // blocks of heaps that were deleted
};

class Child {
 public:
  // `preload` may be empty. Does not wait for anything.
  Child(const std::vector<std::string>& words, const std::string& preload);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] int pid() const { return pid_; }
  // Reads up to the line "ready", with a deadline; fails the test if the child ended instead.
  Said wait_until_ready();
  // Lets the child go on to its next step.
  void step();
  // Ends it by a signal, and waits for its end.
  void end(int signal);

 private:
  int pid_ = 0, in_ = -1, out_ = -1;
};

// Runs a command with its output, standard error behind standard output, and gives its exit code.
int run(const std::vector<std::string>& words, std::string& output);

}  // namespace ashlar_test

// A child process that communicates through pipes and is killed at the end, with or without the library.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ashlar_test {

// The figures of a heap by ashlar_heap_stats.
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
  // Reads up to the line "ready", with a deadline. Fails the test if the child has ended instead.
  Said wait_until_ready();
  // Lets the child continue with its next step.
  void step();
  // Ends the child by a signal, and waits for its end.
  void end(int signal);

 private:
  int pid_ = 0, in_ = -1, out_ = -1;
};

// Runs a command. Returns its exit code and its output, with standard error after standard output.
int run(const std::vector<std::string>& words, std::string& output);

}  // namespace ashlar_test

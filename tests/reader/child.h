// A child that talks through pipes and is killed at the end, under the library or not.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ashlar_test {

struct Said {
  std::map<std::size_t, std::uint64_t> blocks;     // usable size → live blocks of the program
  std::map<std::string, std::uint64_t> caches;     // name → live objects
  std::map<std::string, std::uint64_t> addresses;  // kind → address
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

// Starts and ends child processes for the reader's tests.
#include "child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

namespace ashlar_test {

namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace

Child::Child(const std::vector<std::string>& words, const std::string& preload) {
  int to[2], from[2];
  EXPECT_EQ(pipe2(to, O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(from, O_CLOEXEC), 0);
  const std::vector<char*> argv = pointers(words);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &unlimited);
    if (!preload.empty()) setenv("LD_PRELOAD", preload.c_str(), 1);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  in_ = to[1];
  out_ = from[0];
}

Child::~Child() {
  end(SIGKILL);
  close(in_);
  close(out_);
}

void Child::end(int signal) {
  if (pid_ <= 0) return;
  kill(pid_, signal);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

Said Child::wait_until_ready() {
  Said said;
  std::string text;
  char buffer[65536];
  while (text.find("ready\n") == text.npos) {
    pollfd poll_out{out_, POLLIN, 0};
    const int n = poll(&poll_out, 1, 60000);
    const ssize_t got = n > 0 ? ::read(out_, buffer, sizeof buffer) : 0;
    if (got <= 0) {
      ADD_FAILURE() << "the child ended or hangs; it said: " << text.substr(0, 400);
      return said;
    }
    text.append(buffer, static_cast<std::size_t>(got));
  }
  std::istringstream lines(text);
  for (std::string word; lines >> word;) {
    std::string kind;
    if (word == "block") {
      std::size_t size = 0;
      std::uint64_t count = 0;
      lines >> size >> count;
      said.blocks[size] += count;
    } else if (word == "live") {
      lines >> kind >> said.caches[kind];
    } else if (word == "at") {
      lines >> kind >> std::hex >> said.addresses[kind] >> std::dec;
    } else if (word == "heap") {
      SaidHeap& heap = said.heaps.emplace_back();
      lines >> std::hex >> heap.address >> std::dec >> heap.name >> heap.bytes >> heap.peak_bytes >> heap.limit >>
          heap.blocks >> heap.used_bytes >> heap.kept_bytes >> heap.chunks >> heap.large;
    } else if (word == "left") {
      lines >> said.left;
    }
  }
  return said;
}

void Child::step() { EXPECT_EQ(write(in_, "\n", 1), 1); }

int run(const std::vector<std::string>& words, std::string& output) {
  int from[2];
  EXPECT_EQ(pipe2(from, O_CLOEXEC), 0);
  const std::vector<char*> argv = pointers(words);
  const int pid = fork();
  if (pid == 0) {
    dup2(from[1], STDOUT_FILENO);
    dup2(from[1], STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(from[1]);
  char buffer[65536];
  output.clear();
  for (ssize_t n = 0; (n = ::read(from[0], buffer, sizeof buffer)) > 0;)
    output.append(buffer, static_cast<std::size_t>(n));
  close(from[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace ashlar_test

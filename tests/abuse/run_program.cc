// Implements run_program.h. ASHLAR_TEST_LIBRARY is the path of the library under test.
#include "run_program.h"

#include <sys/resource.h>

#include "support/process.h"

namespace ashlar_test {
namespace {

std::string contents(FILE* file) {
  std::string text;
  rewind(file);
  for (int c; (c = fgetc(file)) != EOF;) text.push_back(static_cast<char>(c));
  fclose(file);
  return text;
}

}  // namespace

Outcome run_preloaded(const std::vector<std::string>& command, const char* options) {
  FILE* out = tmpfile();
  FILE* err = tmpfile();
  CHECK(out != nullptr && err != nullptr);
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(fileno(out), 1);
    dup2(fileno(err), 2);
    setenv("LD_PRELOAD", ASHLAR_TEST_LIBRARY, 1);
    unsetenv("ASHLAR_OPTIONS");
    if (options != nullptr) setenv("ASHLAR_OPTIONS", options, 1);
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  const int status = wait_for(pid, 30000);
  Outcome outcome{status == -1          ? SIGALRM
                  : WIFSIGNALED(status) ? WTERMSIG(status)
                                        : 0,
                  -1, contents(out), contents(err)};
  if (status != -1 && WIFEXITED(status)) outcome.exit_status = WEXITSTATUS(status);
  return outcome;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  size_t start = 0;
  for (size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    lines.push_back(text.substr(start, end - start));
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

}  // namespace ashlar_test

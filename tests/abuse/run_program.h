// Runs a program under the preloaded library and keeps all its output. The test process itself is not preloaded.
#pragma once

#include <string>
#include <vector>

namespace ashlar_test {

struct Outcome {
  int signal;       // 0 if it exited
  int exit_status;  // -1 if a signal ended it
  std::string out, err;
};

// `options` is the value of ASHLAR_OPTIONS. Null leaves it unset.
Outcome run_preloaded(const std::vector<std::string>& command, const char* options);

std::vector<std::string> lines_of(const std::string& text);

}  // namespace ashlar_test

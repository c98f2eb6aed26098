// tool: the profile of a process that runs, or of a core file, read from its memory.
#pragma once

#include <optional>
#include <string>

#include "tool/arguments.h"
#include "tool/profile_file.h"

namespace ashlar::tool {

struct Sampling {
  std::optional<double> seconds;  // 10 where the profile was not on
  std::string rate;               // as the option `profile` takes it
  bool keep = false;              // the profile is left on
  std::optional<double> growth;   // in place of `seconds`: what is known before is read, too
  Patience patience;
  [[nodiscard]] bool is_given() const { return seconds || !rate.empty() || keep || growth; }
};

// Where a process's files are found if it has another root directory than this command; else nothing.
std::string root_of(pid_t pid);

// What is known just now. Throws a Failure: no profile was ever started there, or as read_model does.
Profile read_samples_of(reader::Source& source);

struct Sampled {
  Profile profile;
  std::optional<Profile> before;  // what was known before `growth`
};

// Starts a profile unless one is on, waits, stops what was started, and reads it, also where the process does not stop
// it: then a line on stderr says so. Shows progress on stderr if that is a terminal. SIGINT, SIGTERM and SIGHUP end the
// wait, and no more.
Sampled sample_process(pid_t pid, const Sampling& sampling);

}  // namespace ashlar::tool

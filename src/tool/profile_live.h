// tool: the profile of a process that runs, or of a core file, read from its memory.
#pragma once

#include <optional>
#include <string>

#include "tool/arguments.h"
#include "tool/profile_file.h"

namespace ashlar::tool {

struct Sampling {
  std::optional<double> seconds;  // default: 10 if the profile was not on
  std::string rate;               // in the form that the option `profile` takes
  bool keep = false;              // the profile is left on
  std::optional<double> growth;   // replaces `seconds`; samples are read before this time as well as after it
  Patience patience;
  [[nodiscard]] bool is_given() const { return seconds || !rate.empty() || keep || growth || patience.is_given(); }
};

// Returns the folder of /proc below which a process's files are, or "" if its root directory is this command's.
std::string root_of(pid_t pid);

// Returns the current samples. Throws a Failure if no profile was ever started, and as read_model does.
Profile read_samples_of(reader::Source& source);

struct Sampled {
  Profile profile;
  std::optional<Profile> before;  // what was known before `growth`
};

// Starts a profile unless one is on, waits, stops the profile that it started, and reads the samples. If the process
// does not stop the profile, the samples are read as well, and a line on stderr says so. Shows progress on stderr if
// that is a terminal. SIGINT, SIGTERM and SIGHUP only end the wait.
Sampled sample_process(pid_t pid, const Sampling& sampling);

}  // namespace ashlar::tool

// api: the report of leaks, when the program exits.
#include "api/api.h"
#include "base/text.h"
#include "os/os.h"

namespace ashlar::api {

// Runs the command, which inspects this process like any other. The search needs memory of its own, and this way the
// program's memory stays as it is.
void report_leaks() {
  if (options.mmap_only != 0)
    return os::say("leaks: no report: the option mmap_only forbids the system calls that it needs");
  Text<16> number;
  number << os::process_number() << std::string_view("\0", 1);
  const char* const words[] = {"ashlar", "leaks", "--stop", number.view().data(), nullptr};
  if (os::run_on_self(words) == os::kNotFound)
    os::say("leaks: no report: the command ashlar cannot be run; its folder must be in PATH");
}

}  // namespace ashlar::api

// os: writes which assertion does not hold, and ends the process.
#include "base/assert.h"

#include "os/os.h"

namespace ashlar {

namespace {

// Returns a path from its last "src/" on, without the place of the build folder.
std::string_view within_sources(std::string_view path) {
  constexpr std::string_view kSources = "/src/";
  for (std::size_t at = path.size(); at-- > 0;) {
    if (first(after(path, at), kSources.size()) == kSources) return after(path, at + 1);
  }
  return path;
}

}  // namespace

void die_of_assertion(const Assertion& failed) {
  Text<500> line;
  line << within_sources(failed.file) << ":" << std::uint64_t{failed.line} << ": assertion failed: " << failed.sentence
       << " (" << failed.condition << ")";
  os::say(line.view());
  os::die();
}

}  // namespace ashlar

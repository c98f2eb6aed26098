// api: the options that apply where the environment does not say otherwise.
#pragma once

namespace ashlar::api {

// Reads these into `options`, each overriding the one before:
//   1. the program's own text, `const char ashlar_options[]`;
//   2. /etc/ashlar.conf;
//   3. ashlar.conf in $XDG_CONFIG_HOME or ~/.config.
// `list` is the environment's, or null. If it sets mmap_only, no file is opened. A set-id program reads no file.
// Returns whether any of the three was there.
bool read_defaults(const char* list);

}  // namespace ashlar::api

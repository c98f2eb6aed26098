// api: the options that hold where the environment does not say otherwise.
#pragma once

namespace ashlar::api {

// Reads them into `options`, each over the one before:
//   1. the program's own text, `const char ashlar_options[]`;
//   2. /etc/ashlar.conf;
//   3. ashlar.conf in $XDG_CONFIG_HOME or ~/.config.
// `list` is the environment's, or null: under its mmap_only no file is looked for. No file is read in a set-id program.
// True if any of these was there.
bool read_defaults(const char* list);

}  // namespace ashlar::api

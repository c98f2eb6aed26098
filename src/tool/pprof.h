// tool: a profile in the form of pprof (profile.proto of github.com/google/pprof), gzipped.
#pragma once

#include <string>

#include "tool/profile_file.h"
#include "tool/profile_names.h"

namespace ashlar::tool {

// Returns the gzipped bytes of a perftools.profiles.Profile. It has a sample for each site, with what was allocated and
// what is in use, and with the labels "size_class", "thread" and "thread_id".
std::string pprof_of(const Profile& profile, const Names& names);

}  // namespace ashlar::tool

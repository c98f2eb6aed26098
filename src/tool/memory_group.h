// tool: a process's memory cgroup (cgroups(7)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::tool {

// The group in the memory controller: version 1's hierarchy where the controller is there, else version 2's.
struct MemoryGroup {
  bool known = false;  // there is a group to ask
  bool v1 = false;
  std::string path;  // below the hierarchy's root; "" for the root

  // Where the hierarchy is mounted, below the root directory of a process.
  [[nodiscard]] const char* mount() const { return v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup"; }
  [[nodiscard]] const char* limit() const { return v1 ? "memory.limit_in_bytes" : "memory.max"; }
  [[nodiscard]] const char* usage() const { return v1 ? "memory.usage_in_bytes" : "memory.current"; }
};

MemoryGroup memory_group_of(pid_t pid);

// The container that a group's path names, by the conventions of Docker, containerd, CRI-O, Podman, Kubernetes, LXC and
// systemd-nspawn: an identifier of 64 digits, or the name of a machine. Empty if it names none.
std::string container_of(std::string_view path);

// Bytes, and stalls in seconds (Documentation/accounting/psi.rst), as far as they can be read.
struct MemoryFigures {
  std::optional<std::uint64_t> usage, limit;  // of the group, among it and those above it, that is next to its limit
  std::optional<std::uint64_t> high;          // of the group itself
  std::optional<double> some_stall, full_stall;
};

MemoryFigures figures_of(const MemoryGroup& group);

}  // namespace ashlar::tool

// tool: a process's memory cgroup (cgroups(7)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::tool {

// The group in the memory controller: in version 1's hierarchy if the controller is mounted there, else in version 2's.
struct MemoryGroup {
  bool known = false;  // the process is in a group
  bool v1 = false;
  std::string path;  // below the hierarchy's root; "" for the root

  // Returns where the hierarchy is mounted, relative to the root directory of a process.
  [[nodiscard]] const char* mount() const { return v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup"; }
  [[nodiscard]] const char* limit() const { return v1 ? "memory.limit_in_bytes" : "memory.max"; }
  [[nodiscard]] const char* usage() const { return v1 ? "memory.usage_in_bytes" : "memory.current"; }
};

MemoryGroup memory_group_of(pid_t pid);

// Returns the container that a group's path names, by the conventions of Docker, containerd, CRI-O, Podman, Kubernetes,
// LXC and systemd-nspawn: an identifier of 64 digits, or the name of a machine. Empty if the path names none.
std::string container_of(std::string_view path);

// Bytes, and stalls in seconds (Documentation/accounting/psi.rst). Figures that cannot be read are empty.
struct MemoryFigures {
  // Of the group and the groups above it, those of the one that is closest to its limit.
  std::optional<std::uint64_t> usage, limit;
  std::optional<std::uint64_t> high;  // of the group itself
  std::optional<double> some_stall, full_stall;
};

MemoryFigures figures_of(const MemoryGroup& group);

}  // namespace ashlar::tool

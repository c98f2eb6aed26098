// os: everything that Ashlar asks of the operating system. It is the only layer that makes system calls. The layers
// above are tested on a fake of this header (tests/unit/fake_os).
//
// Contract for all functions: they are thread-safe, do not allocate through malloc, and keep errno. Addresses and sizes
// of mappings are multiples of the allocator page (4 KiB). Where the OS page is larger, sizes given to the kernel are
// rounded here. Under the option mmap_only the only system calls are mmap, munmap and futex, and the writes of
// messages.
//
// What the layer remembers are facts that hold until the process ends: its clock, processors and page size, which
// process it is, its copy of stderr, who forks. So there is no struct of it to make anew.
//
// Mappings are in memory.h, files in file.h, and threads, signals and forks in process.h. The rest is defined in
// cgroup.cc, command.cc, guard.cc, mapped_file.cc, memory.cc, numa.cc, probe.cc, process.cc, processor.cc and vdso.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/base.h"
#include "base/siphash.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/try_lock.h"

namespace ashlar::os {

// --- Nodes (NUMA): the kernel's numbers

inline constexpr unsigned kMaxNodes = 64;

// Lists the nodes that have memory, in rising order, at most `max`. Returns how many; 0 where sysfs does not say.
[[nodiscard]] unsigned memory_nodes(std::uint16_t* numbers, unsigned max);

// Reads the distances from one node to `count` nodes (10 is the node itself). Returns false where sysfs does not say;
// `distances` is then unspecified.
[[nodiscard]] bool node_distances(unsigned from, const std::uint16_t* to, std::uint8_t* distances, unsigned count);

// Returns the node on which the calling thread runs.
[[nodiscard]] int current_node();

// Returns the node of the page at p, which becomes resident by this (get_mempolicy(2)), or -1 where the system does not
// say.
[[nodiscard]] int node_of_page(const void* p);

// Returns false if the calling thread has a memory policy of its own (set_mempolicy(2), numactl(8)).
[[nodiscard]] bool has_default_policy();

// Lets pages of a range that are not resident yet come from a node, as long as it has any (mbind(2), MPOL_PREFERRED).
// Returns false when the system refuses; then a page comes from the node that touches it first.
bool prefer_node(void* start, std::size_t bytes, int node);

// Returns the number of the processor that the calling thread runs on, without a system call. It is a hint, since the
// thread may be moved at any time (sched_getcpu(3)). Under `cpus_fake` a thread keeps the simulated processor that it
// was assigned.
[[nodiscard]] unsigned processor();

// Returns the milliseconds of a monotonic clock (CLOCK_MONOTONIC_COARSE: takes a few nanoseconds, exact to some
// milliseconds).
[[nodiscard]] std::uint64_t now_ms();

// Returns the nanoseconds of CLOCK_MONOTONIC, for intervals that are shorter than a tick of the coarse clock.
[[nodiscard]] std::uint64_t now_ns();

// Whether the system is short of memory. kSome: some tasks of the process's cgroup wait for memory (PSI), or some tasks
// of the system where the group does not say. kHigh: all of them wait, or a group is charged with more than its
// memory.high.
enum class Pressure : std::uint8_t { kNone, kSome, kHigh };

// What the process's memory cgroups allow, v2 or v1: the lowest limit up to the root, and how much more they may be
// charged with until one of them reaches its limit. Memory that files back does not count as charged, since the kernel
// reclaims that first. What the groups may swap out counts as headroom. In bytes; SIZE_MAX means no limit. Reads about
// ten files.
struct MemoryLimits {
  std::size_t limit = SIZE_MAX, headroom = SIZE_MAX;
  Pressure pressure = Pressure::kNone;
};
[[nodiscard, gnu::cold]] MemoryLimits memory_limits();

// Returns the value of an environment variable, or null. It is also null in a set-id program (secure_getenv(3)) and
// before libc has set up the environment.
[[nodiscard]] const char* environment(const char* name);

// Returns whether the program runs with other rights than its user's (AT_SECURE, getauxval(3)).
[[nodiscard]] bool is_set_id();

// Returns whether the dynamic linker finds symbols here before it finds libc's: the library is preloaded or linked, not
// loaded later by dlopen(3). False in a static program. Precondition: no other thread loads libraries, as when the
// library starts.
[[nodiscard]] bool comes_before_libc();

// Returns whether the program has no dynamic linker.
[[nodiscard]] bool is_static();

// Returns whether libc is glibc, whose calls may return blocks to the program that do not come from Ashlar.
[[nodiscard]] bool has_glibc();

// Writes one whole line "ashlar: TEXT\n" to stderr with one write(2).
[[gnu::cold]] void say(std::string_view text);

// Writes text to stderr as it is.
[[gnu::cold]] void write_error(std::string_view text);

// Keeps a copy of stderr for messages after the program closes its own, as GNU coreutils do before they exit. Only the
// first call has an effect.
[[gnu::cold]] void keep_stderr();

// Returns the name of the file that the process executes, without folders (AT_EXECFN, getauxval(3)).
[[nodiscard]] std::string_view program_name();

// Runs a command of PATH that may inspect this process (ptrace(2)), and waits for its end. The command writes to
// stderr. It has the program's environment without the variables that make it run under this library. The program gets
// no SIGCHLD, and its wait(2) does not see the command. Returns the exit status, or 127 where the command cannot run.
// Not available under mmap_only.
inline constexpr int kNotFound = 127;  // as in shells
[[nodiscard, gnu::cold]] int run_on_self(const char* const* words);

// Returns the seconds since 1970.
[[nodiscard]] std::uint64_t calendar_seconds();

// --- For checking and guarding (guard.cc)

// Returns a secret key, which differs for each process and each call. Where getrandom(2) fails it is the same at each
// call. It is derived one way, so that it reveals nothing of AT_RANDOM (getauxval(3)), whose bytes libc uses for the
// stack protector's canary and for its pointer guard.
[[nodiscard]] Key process_key();

// Installs a handler of SIGSEGV and SIGBUS. `explain` gets the faulting address, and returns true if it has reported
// what happened: then the previous action is restored and the instruction faults again. A fault that `explain` does not
// know, and a signal that was sent (kill(2), raise(3)), goes to the previous action with its flags and mask.
void on_fault(bool (*explain)(std::uintptr_t address));

// Returns true when all pages of [start, start + bytes) are mapped, by one system call; false where that is forbidden.
[[nodiscard]] bool all_mapped(const void* start, std::size_t bytes);

// Returns whether the n bytes at `p`, at most 64, can be read. Where a seccomp filter allows no question, returns
// whether something is mapped there.
[[nodiscard, gnu::cold]] bool readable(const void* p, std::size_t n);

// Returns whether `p` lies between the process's first and current break (sbrk(2)): in glibc's own main arena.
[[nodiscard, gnu::cold]] bool in_break(const void* p);

}  // namespace ashlar::os

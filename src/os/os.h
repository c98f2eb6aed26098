// os: everything that Ashlar asks of the operating system, and the only layer with system calls. The layers above are
// tested on a fake of this header (tests/unit/fake_os).
//
// Contract for all functions: thread-safe, no allocation through malloc, errno kept. Addresses and sizes of mappings
// are multiples of the allocator page (4 KiB); where the OS page is larger, sizes given to the kernel are rounded
// here. Under the option mmap_only nothing but mmap, munmap and futex is called, and messages are written.
//
// Defined in action.cc, cgroup.cc, command.cc, fork.cc, mapped_file.cc, memory.cc, numa.cc, process.cc, processor.cc,
// swap_file.cc, vdso.cc and file.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/base.h"
#include "base/siphash.h"
#include "os/lock.h"
#include "os/try_lock.h"

namespace ashlar::os {

// The kernel's page in bytes (4, 16 or 64 KiB), read at run time.
[[nodiscard]] std::size_t page_bytes();

// Address space of which nothing may be touched (PROT_NONE); null when there is none (ENOMEM, RLIMIT_AS).
[[nodiscard]] void* reserve(std::size_t bytes);

// The same, and what is committed of it counts for the system's overcommit check (proc(5), overcommit_memory): under 0
// what is larger than memory and swap is refused.
[[nodiscard]] void* reserve_charged(std::size_t bytes);

// The same as reserve, at a multiple of `alignment`, a power of two.
[[nodiscard]] void* reserve_aligned(std::size_t bytes, std::size_t alignment);

// Makes part of a reservation readable and writable, zero-filled. False when the system refuses (RLIMIT_AS, strict
// overcommit); the part then is as before.
[[nodiscard]] bool commit(void* start, std::size_t bytes);

// Makes whole pages inaccessible and gives their memory back; what they held is lost. False, and nothing changed, when
// the system refuses. `commit` makes them usable again, zero-filled.
bool seal(void* start, std::size_t bytes);

// The most mappings that the process may have (vm.max_map_count), read once.
[[nodiscard]] std::size_t max_mappings();

// Fresh zero-filled memory, or null.
[[nodiscard]] void* map(std::size_t bytes);

// The same with an inaccessible guard page behind it; `bytes` counts without the guard.
[[nodiscard]] void* map_guarded(std::size_t bytes);

// Fresh zero-filled memory exactly there; false if anything is mapped there, or there is none.
[[nodiscard]] bool map_at(void* start, std::size_t bytes);

// Moves pages over memory that was mapped before (mremap(2)), which takes their place's contents; false, and nothing
// changed, when refused. What they leave is no longer mapped.
[[nodiscard]] bool move_pages(void* from, std::size_t bytes, void* to);

// Moves and resizes what map_guarded gave, contents kept (mremap(2)): null, and nothing changed, when refused.
[[nodiscard]] void* remap_guarded(void* start, std::size_t old_bytes, std::size_t new_bytes);

// Ends a mapping, or part of one. Where the system refuses (vm.max_map_count), its memory goes all the same.
void unmap(void* start, std::size_t bytes);
void unmap_guarded(void* start, std::size_t bytes);

// Names of mappings in /proc/PID/maps, see name_memory.
inline constexpr const char* kArenaName = "ashlar: arena";
inline constexpr const char* kMetadataName = "ashlar: metadata";

// Gives the pages of [start, start + bytes) back; the range reads as zero afterwards for kDontNeed, and as zero or
// as before for kFree. Where the OS page is larger than the allocator's, only OS pages that lie wholly inside go.
// `start` and `bytes` are set to what was given back; false when nothing could be, as when the range is locked
// (mlock(2)) and the kernel does not know how to drop locked pages. `name` is what name_memory gave the mapping.
bool purge(std::uintptr_t& start, std::size_t& bytes, PurgeMode how, const char* name = kArenaName);

// How many bytes of the OS pages of [start, start + bytes) are resident or swapped out (proc(5), pagemap). As much as
// was asked for where the system does not tell.
[[nodiscard]] std::size_t used_bytes(const void* start, std::size_t bytes);

// Asks for huge pages in a range, or for none; advice only.
void advise_huge(void* start, std::size_t bytes);
void avoid_huge(void* start, std::size_t bytes);

// True if the system makes huge pages of memory that nobody asked them for. False where it does not tell.
// Source: the kernel's Documentation/admin-guide/mm/transhuge.rst.
bool huge_pages_everywhere();

// What a transparent huge page holds, and is aligned to.
inline constexpr std::size_t kHugeBytes = 2_MiB;

// --- Nodes (NUMA): the kernel's numbers

inline constexpr unsigned kMaxNodes = 64;

// The numbers of the nodes that have memory, in rising order, at most `max`. How many; 0 where sysfs does not tell.
[[nodiscard]] unsigned memory_nodes(std::uint16_t* numbers, unsigned max);

// How far `count` nodes are from one (10 is the node itself); false where sysfs does not tell, `distances` then is
// unspecified.
[[nodiscard]] bool node_distances(unsigned from, const std::uint16_t* to, std::uint8_t* distances, unsigned count);

// The node on which the calling thread runs.
[[nodiscard]] int current_node();

// The node of the page at p, which is made resident for it (get_mempolicy(2)); -1 if it cannot be told.
[[nodiscard]] int node_of_page(const void* p);

// False if the calling thread was given a memory policy (set_mempolicy(2), numactl(8)).
[[nodiscard]] bool has_default_policy();

// Has pages of a range that are not resident yet come from a node, while that has any (mbind(2), MPOL_PREFERRED).
// False when the system refuses: then they come from where they are touched first.
bool prefer_node(void* start, std::size_t bytes, int node);

// Names anonymous memory in /proc/PID/maps ("[anon:ashlar: WHAT]"), where the kernel can (PR_SET_VMA(2const), 5.17).
void name_memory(void* start, std::size_t bytes, const char* what);

// The number of the processor that the calling thread runs on, without a system call: a hint, as the thread may be
// moved at once (sched_getcpu(3)). Under `cpus_fake` a thread keeps the pretended one that it was dealt out to.
[[nodiscard]] unsigned processor();

// Milliseconds of a clock that only rises (CLOCK_MONOTONIC_COARSE: a few nanoseconds, right to some milliseconds).
[[nodiscard]] std::uint64_t now_ms();

// Nanoseconds of CLOCK_MONOTONIC, for spans that are shorter than a tick of the other one.
[[nodiscard]] std::uint64_t now_ns();

// Whether the system is short of memory: kSome when some tasks of the process's cgroup (or of the system, where the
// group does not tell) wait for it (PSI), kHigh when all of them do, or when a group is charged with more than its
// memory.high.
enum class Pressure : std::uint8_t { kNone, kSome, kHigh };

// What the process's memory cgroups allow, v2 or v1: the lowest limit up to the root, and how much more they may be
// charged with until any of them meets its own. What files back does not count as charged, since the kernel takes that
// first; what the groups may swap out counts as headroom. In bytes, SIZE_MAX where there is no limit. Reads some ten
// files.
struct MemoryLimits {
  std::size_t limit = SIZE_MAX, headroom = SIZE_MAX;
  Pressure pressure = Pressure::kNone;
};
[[nodiscard, gnu::cold]] MemoryLimits memory_limits();

// The value of an environment variable, or null; null too in a set-id program (secure_getenv(3)) and before libc
// has set the environment up.
[[nodiscard]] const char* environment(const char* name);

// Whether the program runs with other rights than its user's (AT_SECURE, getauxval(3)).
[[nodiscard]] bool is_set_id();

// Whether the dynamic linker finds symbols here before it finds libc's: preloaded or linked, not loaded later by
// dlopen(3). False in a static program. Call it while no other thread loads libraries: when the library starts.
[[nodiscard]] bool comes_before_libc();

// Whether the program has no dynamic linker.
[[nodiscard]] bool is_static();

// Whether libc is glibc, whose blocks the program may have from calls that do not come to Ashlar.
[[nodiscard]] bool has_glibc();

// Writes one whole line "ashlar: TEXT\n" to stderr with one write(2).
[[gnu::cold]] void say(std::string_view text);

// Writes text to stderr as it is.
[[gnu::cold]] void write_error(std::string_view text);

// Keeps a copy of stderr for messages after the program closed its own, as GNU coreutils do before they exit. Once.
[[gnu::cold]] void keep_stderr();

// The name of the file that the process executes, without folders (AT_EXECFN, getauxval(3)).
[[nodiscard]] std::string_view program_name();

// Opens a file of settings: a regular file of root's or of the process's user, which nobody else may write. What
// others can write must not steer this process. A descriptor, or less than 0.
[[nodiscard]] int open_settings(const char* path);
// What is in it, at most `size` bytes.
[[nodiscard, gnu::cold]] std::string_view read_settings(int file, char* buffer, std::size_t size);

// Runs a command of PATH that may look at this process (ptrace(2)), and waits for its end. It writes to stderr, and has
// the program's environment without what makes it run under this library. The program gets no SIGCHLD, and its
// wait(2) does not know of it. Its exit status, or 127 where it cannot be run. Not under mmap_only.
inline constexpr int kNotFound = 127;  // as shells say it
[[nodiscard, gnu::cold]] int run_on_self(const char* const* words);

// Makes an empty file, or empties one, that only its owner may read. A descriptor, or an errno less than 0.
[[nodiscard]] int create_file(const char* path);

// The same of a file that nobody else can have open: one of that name is removed first, and no link is followed.
[[nodiscard]] int create_new_file(const char* path);

// Whether something that is no regular file has a name: a link, a pipe, a device.
[[nodiscard]] bool is_special_file(const char* path);

// Gives a file another name, in the place of one that has it: 0, or an errno.
[[nodiscard]] int rename_file(const char* from, const char* to);
void remove_file(const char* path);

// Writes all of a text; writes the lines of proc_pid_maps(5); closes. False where the system refuses.
[[nodiscard]] bool write_file(int file, std::string_view text);
[[nodiscard]] bool copy_mappings(int to);
bool close_file(int file);

// Files that are written through mappings, so that nothing is lost with the process. A file is told by its numbers: its
// name may come to lead elsewhere. It is opened for each call, as programs close descriptors that they do not know.
// Nothing of it under mmap_only.
struct FileId {
  std::uint64_t device = 0, number = 0;
};
// Makes a file that only its owner may read, where there is none of the name. 0, or an errno (EEXIST).
[[nodiscard]] int make_file(const char* path, FileId& made);
// Gives a part of the file room, zero-filled, and maps it; a forked child does not have the mapping. `offset` and
// `bytes` are multiples of the kernel's page. 0, or an errno; no signal comes of a full disk or of a limit (SIGXFSZ,
// SIGBUS).
[[nodiscard]] int map_file(const char* path, FileId file, std::uint64_t offset, std::size_t bytes, void*& at);
// --- Swap areas (swap_file.cc)

// An open file that backs a swap area, told by its numbers as above.
struct SwapFile {
  int number = -1;
  FileId id;
};
// Makes a sparse file of `bytes` that only its owner may read: without a name in the folder `path`, or of the name
// `path`, where nothing may have it, which is removed at once unless it is to be kept. 0, or an errno: ENOSYS under
// mmap_only; EFBIG, not a signal, beyond RLIMIT_FSIZE.
[[nodiscard]] int make_swap_file(const char* path, std::uint64_t bytes, bool keep, SwapFile& made);
// Maps its first `bytes`, shared, over what is mapped there; a forked child does not have the mapping. 0, or an errno.
[[nodiscard]] int map_swap_file(const SwapFile& file, void* at, std::size_t bytes);
// Gives a part that is a hole room on the disk, so that no write through the mapping fails. 0, or an errno: EBADF where
// the program closed the descriptor.
[[nodiscard]] int reserve_swap(const SwapFile& file, std::uint64_t offset, std::size_t bytes);
// Makes pages of such a mapping a hole again, which reads as zero: as `purge`, without its ways out.
bool punch(std::uintptr_t& start, std::size_t& bytes);
// Tells the kernel that pages of such a mapping will not be used for a while: it takes them before others (MADV_COLD),
// or at once where they are to go out (MADV_PAGEOUT). 0, or an errno: EINVAL before Linux 5.4.
[[nodiscard]] int advise_idle(std::uintptr_t start, std::size_t bytes, bool out);
// Copies a part of a file, which is mapped at `memory`, to the same place of another one. 0, or an errno.
[[nodiscard]] int copy_swap(const SwapFile& from, const SwapFile& to, std::uint64_t offset, std::size_t bytes,
                            const void* memory);
void close_swap_file(const SwapFile& file);

// Why the system refused a file, for messages: of the errors that users can mend, else empty.
[[nodiscard]] std::string_view text_of(int error);

// The current folder (getcwd(3)) with a zero byte behind it; false where it does not fit or cannot be told.
[[nodiscard]] bool current_folder(char* into, std::size_t bytes);

// Fresh zero-filled memory, which is zero again in the child of any fork, or null where the kernel has no such memory
// (madvise(2), MADV_WIPEONFORK, since Linux 4.14).
[[nodiscard]] void* map_wiped(std::size_t bytes);

// Seconds since 1970.
[[nodiscard]] std::uint64_t calendar_seconds();

// The calling thread's name (PR_GET_NAME(2const)), empty where it cannot be had; the process's number (getpid(2)).
inline constexpr std::size_t kThreadName = 16;
void thread_name(char (&name)[kThreadName]);
[[nodiscard]] std::uint32_t process_number();

// Ends the process as abort(3) does.
[[noreturn]] void die();

// Starts a detached thread with all signals blocked; false when there is none to be had. Allocates through malloc and
// takes glibc's lock of thread stacks: no lock may be held, nor may glibc hold that one, as it does around some
// frees.
[[gnu::cold]] bool start_thread(void (*run)());

// True when the process certainly has no other thread (__libc_single_threaded, since glibc 2.32). No call.
[[nodiscard]] bool single_threaded();  // NOLINT(readability-redundant-declaration): sanitizers.h needs it too

// Has every other thread of the process that runs pass a full memory fence (membarrier(2)). False where the kernel has
// no such call, it is forbidden, or prepare_fences was not called. That takes the kernel some 15 ms in a process of
// several threads, so it comes before the first heap: libc says that there are several when it is about to start the
// second, and allocates for it after that. A forked child inherits it.
void prepare_fences();
[[nodiscard, gnu::cold]] bool fence_all_threads();

// Keeps all signals from the calling thread for a scope. Not under mmap_only.
class [[nodiscard]] SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  std::uint64_t before_ = 0;  // the kernel's sigset_t
};

// The same in two halves, except for signals that instructions cause, as a program may handle its faults.
[[gnu::cold]] std::uint64_t block_signals();
[[gnu::cold]] void restore_signals(std::uint64_t before);

// Whether two places are certain to lie on one stack, which the calling thread runs on: not on a signal handler's own
// (sigaltstack(2)), and within the thread's first stack, not one that the program made. `inner` is the lower one.
[[nodiscard, gnu::cold]] bool on_same_stack(std::uintptr_t inner, std::uintptr_t outer);

// True in a thread's very last moments, after its destructors: glibc (since 2.34) keeps from it even the signal that
// cancels threads, which programs cannot block. True too within some calls of libc's (pthread_create, posix_spawn).
[[nodiscard, gnu::cold]] bool thread_is_ending();

// Has a signal call a handler, on the signals' own stack if there is one and with all signals blocked; and has it do
// what it did before, if nobody gave it another handler since.
using SignalHandler = void (*)(int signal);
void catch_signal(int signal, SignalHandler handler);
[[nodiscard]] bool program_catches(int signal);  // has a handler
void release_signal(int signal, SignalHandler handler);

// Notes the process that calls, and again in a forked child if it was noted before. False from is_noted_process in the
// child of _Fork(3) or clone(2), where no handlers of pthread_atfork(3) ran; true if no process was noted.
void note_process();
// If none was noted, and not in a process's first thread: a child that shares this memory (vfork(2)) is one.
void note_process_in_thread();
void note_process_again();
[[nodiscard]] bool is_noted_process();
[[nodiscard, gnu::cold]] bool is_known_process();  // false as well if none was noted

// Locks stdio's list of streams as fork(3) itself does, a recursive lock. False where libc has no such function.
bool lock_streams();
void unlock_streams();
void reset_streams_in_child();

// Sleeps; some 50 microseconds.
void sleep_ms(std::uint64_t ms);  // NOLINT(readability-redundant-declaration): try_lock.h needs it too
void pause();

// Whether the process has a thread of the kernel's number; false too where that cannot be told.
[[nodiscard]] bool thread_exists(std::uint32_t number);

// --- For checking and guarding (guard.cc)

// A secret key, another one in each process and at each call, or where getrandom(2) gives nothing the same at each
// call. It is derived one way, so that it tells nothing of AT_RANDOM (getauxval(3)), whose bytes libc makes the stack
// protector's canary and its own pointer guard of.
[[nodiscard]] Key process_key();

// The kernel's number of the calling thread (gettid(2)).
[[nodiscard]] std::uint32_t thread_number();

// A value that tells the calling thread from every other one that lives, without a system call. Never 0.
[[nodiscard]] inline std::uintptr_t thread_identity() {
  return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
}

// Installs a handler of SIGSEGV and SIGBUS. `explain` gets the faulting address, and returns true if it has told what
// happened: then the action before is restored and the instruction faults again. A fault that it does not know, and a
// signal that was sent (kill(2), raise(3)), meets the action before with its flags and mask.
void on_fault(bool (*explain)(std::uintptr_t address));

// True when all pages of [start, start + bytes) are mapped, by one system call; false where that is forbidden.
[[nodiscard]] bool all_mapped(const void* start, std::size_t bytes);

// True when the n bytes at `p`, at most 64, can be read. Where a seccomp filter allows nothing to be asked, true when
// something is mapped there.
[[nodiscard, gnu::cold]] bool readable(const void* p, std::size_t n);

// True when `p` lies between the process's first and current break (sbrk(2)): glibc's own main arena.
[[nodiscard, gnu::cold]] bool in_break(const void* p);

}  // namespace ashlar::os

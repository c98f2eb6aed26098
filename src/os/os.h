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
// Defined in action.cc, cgroup.cc, command.cc, fork.cc, mapped_file.cc, memory.cc, numa.cc, pagemap.cc, probe.cc,
// process.cc, processor.cc, started_thread.cc, swap_file.cc, vdso.cc and file.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/base.h"
#include "base/siphash.h"
#include "os/lock.h"
#include "os/try_lock.h"

namespace ashlar::os {

// Returns the kernel's page in bytes (4, 16 or 64 KiB), read at run time.
[[nodiscard]] std::size_t page_bytes();

// Returns address space that may not be touched (PROT_NONE), or null when there is none (ENOMEM, RLIMIT_AS).
[[nodiscard]] void* reserve(std::size_t bytes);

// Like reserve, and the parts that are committed count for the system's overcommit check (proc(5), overcommit_memory).
// In mode 0 a size larger than memory and swap is refused.
[[nodiscard]] void* reserve_charged(std::size_t bytes);

// Like reserve, at a multiple of `alignment`, a power of two.
[[nodiscard]] void* reserve_aligned(std::size_t bytes, std::size_t alignment);

// Makes part of a reservation readable and writable, zero-filled. Returns false when the system refuses (RLIMIT_AS,
// strict overcommit); then the part is unchanged.
[[nodiscard]] bool commit(void* start, std::size_t bytes);

// Makes whole pages inaccessible and returns their memory; their contents are lost. Returns false, with nothing
// changed, when the system refuses. `commit` makes the pages usable again, zero-filled.
bool seal(void* start, std::size_t bytes);

// Returns the limit of mappings for a process (vm.max_map_count), read once.
[[nodiscard]] std::size_t max_mappings();

// Returns fresh zero-filled memory, or null.
[[nodiscard]] void* map(std::size_t bytes);

// Like map, followed by an inaccessible guard page. `bytes` does not include the guard.
[[nodiscard]] void* map_guarded(std::size_t bytes);

// Maps fresh zero-filled memory exactly there. Returns false if anything is mapped there, or there is no memory.
[[nodiscard]] bool map_at(void* start, std::size_t bytes);

// Moves pages over memory that was mapped before (mremap(2)) and that they replace. Their old addresses are no longer
// mapped. Returns false, with nothing changed, when refused.
[[nodiscard]] bool move_pages(void* from, std::size_t bytes, void* to);

// Moves and resizes what map_guarded returned, and keeps the contents (mremap(2)). Returns null, with nothing changed,
// when refused.
[[nodiscard]] void* remap_guarded(void* start, std::size_t old_bytes, std::size_t new_bytes);

// Ends a mapping, or part of one. Where the system refuses (vm.max_map_count), the memory is returned nevertheless.
void unmap(void* start, std::size_t bytes);
void unmap_guarded(void* start, std::size_t bytes);

// Names of mappings in /proc/PID/maps, for name_memory.
inline constexpr const char* kArenaName = "ashlar: arena";
inline constexpr const char* kMetadataName = "ashlar: metadata";

// Returns the memory of the pages of [start, start + bytes) to the system. The range reads as zero afterwards for
// kDontNeed, and as zero or as before for kFree. Where the OS page is larger than the allocator's, only OS pages that
// lie wholly inside are returned. Sets `start` and `bytes` to the part that was returned. Returns false when nothing
// was, for example when the range is locked (mlock(2)) and the kernel cannot drop locked pages. `name` is the name that
// name_memory gave the mapping.
bool purge(std::uintptr_t& start, std::size_t& bytes, PurgeMode how, const char* name = kArenaName);

// Returns how many bytes of the OS pages of [start, start + bytes) are resident or swapped out (proc(5), pagemap).
// Returns `bytes` where the system does not say.
[[nodiscard]] std::size_t used_bytes(const void* start, std::size_t bytes);

// Returns whether at least half of them are, as far as eight looks tell; true where the system does not say.
[[nodiscard]] bool mostly_used(const void* start, std::size_t bytes);

// Copies the OS pages of [from, from + bytes) that used_bytes counts to `to`, a fresh mapping: of anonymous memory the
// others are zero, too. Returns false, perhaps with a part copied, where the system does not say, or not the truth.
[[nodiscard]] bool copy_used(void* to, const void* from, std::size_t bytes);

// Asks for huge pages in a range, or for none. This is only advice.
void advise_huge(void* start, std::size_t bytes);
void avoid_huge(void* start, std::size_t bytes);

// Returns whether the system makes huge pages of memory that nobody requested them for; false where it does not say.
// Source: the kernel's Documentation/admin-guide/mm/transhuge.rst.
bool huge_pages_everywhere();

// --- The reserved pool of huge pages (huge_pool.cc)

// Maps huge pages of `page` bytes from the pool, of which the system sets as many aside for this mapping. Returns null
// where the pool has too few. A part of such a page can be neither returned nor protected. After a fork, the first
// write to a page takes another one from the pool. Where it has none, the child's write is SIGBUS, and its parent's
// write takes the page from the child.
[[nodiscard]] void* map_from_pool(std::size_t bytes, std::size_t page);
// Makes all pages of such a mapping resident (MADV_POPULATE_WRITE). Returns false where the system refuses, as under a
// limit of the hugetlb controller: a write would be SIGBUS.
[[nodiscard]] bool fill_from_pool(void* start, std::size_t bytes);
// In a forked child: makes such a mapping, whose pages are all resident, one of ordinary memory with the same contents.
// Returns false, and changes nothing, without memory.
[[nodiscard]] bool leave_pool(void* start, std::size_t bytes);

// The size and alignment of a transparent huge page.
inline constexpr std::size_t kHugeBytes = 2_MiB;

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

// Names anonymous memory in /proc/PID/maps ("[anon:ashlar: WHAT]"), where the kernel can (PR_SET_VMA(2const), 5.17).
void name_memory(void* start, std::size_t bytes, const char* what);

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

// Opens a file of settings: a regular file that belongs to root or to the process's user and that nobody else may
// write, since what others can write must not steer this process. Returns a descriptor, or less than 0.
[[nodiscard]] int open_settings(const char* path);
// Returns the contents of the file, at most `size` bytes.
[[nodiscard, gnu::cold]] std::string_view read_settings(int file, char* buffer, std::size_t size);

// Runs a command of PATH that may inspect this process (ptrace(2)), and waits for its end. The command writes to
// stderr. It has the program's environment without the variables that make it run under this library. The program gets
// no SIGCHLD, and its wait(2) does not see the command. Returns the exit status, or 127 where the command cannot run.
// Not available under mmap_only.
inline constexpr int kNotFound = 127;  // as in shells
[[nodiscard, gnu::cold]] int run_on_self(const char* const* words);

// Makes an empty file, or empties an existing one, that only its owner may read. Returns a descriptor, or a negative
// errno.
[[nodiscard]] int create_file(const char* path);

// Like create_file, for a file that nobody else can have open: an existing file is removed first, and no link is
// followed.
[[nodiscard]] int create_new_file(const char* path);

// Returns whether the name is that of something that is no regular file: a link, a pipe, a device.
[[nodiscard]] bool is_special_file(const char* path);

// Renames a file, and replaces a file that has the new name. Returns 0, or an errno.
[[nodiscard]] int rename_file(const char* from, const char* to);
void remove_file(const char* path);

// write_file writes all of a text; copy_mappings writes the lines of proc_pid_maps(5). All three return 0, or an errno:
// EFBIG, not a signal, beyond RLIMIT_FSIZE.
[[nodiscard]] int write_file(int file, std::string_view text);
[[nodiscard]] int copy_mappings(int to);
int close_file(int file);

// Files that are written through mappings, so that nothing is lost when the process dies. A file is identified by its
// numbers, since its name may come to lead to another one. It is opened for each call, since programs close descriptors
// that they do not know. Not available under mmap_only.
struct FileId {
  std::uint64_t device = 0, number = 0;
};
// Makes a file that only its owner may read; the name must be new. Returns 0, or an errno (EEXIST).
[[nodiscard]] int make_file(const char* path, FileId& made);
// Reserves zero-filled room in the file and maps it. A forked child does not have the mapping. `offset` and `bytes` are
// multiples of the kernel's page. Returns 0, or an errno. A full disk or a limit (RLIMIT_FSIZE) causes no signal
// (SIGBUS, SIGXFSZ).
[[nodiscard]] int map_file(const char* path, FileId file, std::uint64_t offset, std::size_t bytes, void*& at);
// --- Swap areas (swap_file.cc)

// An open file that backs a swap area, identified like the files above.
struct SwapFile {
  int number = -1;
  FileId id;
};
// Makes a sparse file of `bytes` that only its owner may read. If `path` is a folder, the file has no name. Otherwise
// it gets the name `path`, which must be new and is removed at once unless the file is to be kept. Nobody can read what
// is on the disk of an encrypted one once it is closed and no process maps it (fscrypt). Returns 0, or an errno: ENOSYS
// under mmap_only, EFBIG, not a signal, beyond RLIMIT_FSIZE, EOPNOTSUPP where the file system does not encrypt.
enum class SwapFileKind : std::uint8_t { kNameless, kKept, kEncrypted };
[[nodiscard]] int make_swap_file(const char* path, std::uint64_t bytes, SwapFileKind kind, SwapFile& made);
// Maps the file's first `bytes`, shared, over the mapping at `at`. A forked child does not have it. Returns 0, or an
// errno.
[[nodiscard]] int map_swap_file(const SwapFile& file, void* at, std::size_t bytes);
// Reserves room on the disk for a part that is a hole, so that no write through the mapping fails. Returns 0, or an
// errno: EBADF where the program closed the descriptor.
[[nodiscard]] int reserve_swap(const SwapFile& file, std::uint64_t offset, std::size_t bytes);
// Makes pages of such a mapping a hole again, which reads as zero. Like `purge`, without its fallbacks.
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

// Returns fresh zero-filled memory that is zero again in the child of any fork, or null where the kernel has no such
// memory (madvise(2), MADV_WIPEONFORK, since Linux 4.14).
[[nodiscard]] void* map_wiped(std::size_t bytes);

// Returns the seconds since 1970.
[[nodiscard]] std::uint64_t calendar_seconds();

// The calling thread's name (PR_GET_NAME(2const)), empty where it is not known, and another one for it; the process's
// number (getpid(2)).
inline constexpr std::size_t kThreadName = 16;
void thread_name(char (&name)[kThreadName]);
void set_thread_name(const char (&name)[kThreadName]);
[[nodiscard]] std::uint32_t process_number();

// Ends the process like abort(3).
[[noreturn]] void die();

// Starts a detached thread with all signals blocked. Returns false when that fails. It allocates through malloc and
// takes glibc's lock of thread stacks. Locks: the caller holds none of Ashlar's, and glibc does not hold that one, as
// it does around some frees.
[[gnu::cold]] bool start_thread(void (*run)());

// Returns true when the process certainly has no other thread (__libc_single_threaded, since glibc 2.32). Makes no
// call.
[[nodiscard]] bool single_threaded();  // NOLINT(readability-redundant-declaration): sanitizers.h needs it too

// fence_all_threads makes every other running thread of the process pass a full memory fence (membarrier(2)). It
// returns false where the kernel lacks or forbids the call, or prepare_fences was not called. prepare_fences takes the
// kernel some 15 ms in a process of several threads, so it is called before the first heap exists: libc reports several
// threads when it is about to start the second, and allocates for that thread afterwards. A forked child inherits the
// preparation.
void prepare_fences();
[[nodiscard, gnu::cold]] bool fence_all_threads();

// Blocks all signals of the calling thread for a scope. Has no effect under mmap_only.
class [[nodiscard]] SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  std::uint64_t before_ = 0;  // the kernel's sigset_t
};

// The same in two halves, except for signals that instructions cause, since a program may handle its faults.
[[gnu::cold]] std::uint64_t block_signals();
[[gnu::cold]] void restore_signals(std::uint64_t before);

// Returns whether two places certainly lie on one stack, on which the calling thread runs: the thread's first stack,
// not a signal handler's own (sigaltstack(2)) and not one that the program made. `inner` is the lower place.
[[nodiscard, gnu::cold]] bool on_same_stack(std::uintptr_t inner, std::uintptr_t outer);

// Returns true in a thread's last moments, after its destructors: there glibc (since 2.34) blocks even the signal that
// cancels threads, which programs cannot block. Also true within some calls of libc's (pthread_create, posix_spawn).
[[nodiscard, gnu::cold]] bool thread_is_ending();

// catch_signal makes a signal call a handler, on the signals' own stack if there is one and with all signals blocked.
// The other function restores the previous action, unless the program has set another handler since.
using SignalHandler = void (*)(int signal);
void catch_signal(int signal, SignalHandler handler);
[[nodiscard]] bool program_catches(int signal);  // it has a handler
void release_signal(int signal, SignalHandler handler);

// note_process notes the calling process, and in a forked child notes the child if the parent was noted.
// is_noted_process returns false in the child of _Fork(3) or clone(2), where no handlers of pthread_atfork(3) ran. It
// returns true if no process was noted.
void note_process();
// Notes the process if none was noted, except from a process's first thread: a child that shares this memory (vfork(2))
// runs as one.
void note_process_in_thread();
void note_process_again();
[[nodiscard]] bool is_noted_process();
[[nodiscard, gnu::cold]] bool is_known_process();  // also false if none was noted

// Locks stdio's list of streams like fork(3) itself; the lock is recursive. Returns false where libc has no such
// function.
bool lock_streams();
void unlock_streams();
void reset_streams_in_child();

// sleep_ms sleeps for `ms` milliseconds, pause for some 50 microseconds.
void sleep_ms(std::uint64_t ms);  // NOLINT(readability-redundant-declaration): try_lock.h needs it too
void pause();

// Returns whether the process has a thread with the kernel's number; also false where that is not known.
[[nodiscard]] bool thread_exists(std::uint32_t number);

// --- For checking and guarding (guard.cc)

// Returns a secret key, which differs for each process and each call. Where getrandom(2) fails it is the same at each
// call. It is derived one way, so that it reveals nothing of AT_RANDOM (getauxval(3)), whose bytes libc uses for the
// stack protector's canary and for its pointer guard.
[[nodiscard]] Key process_key();

// Returns the kernel's number of the calling thread (gettid(2)).
[[nodiscard]] std::uint32_t thread_number();

// Returns a value that distinguishes the calling thread from every other live one, without a system call. Never 0.
[[nodiscard]] inline std::uintptr_t thread_identity() {
  return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
}

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

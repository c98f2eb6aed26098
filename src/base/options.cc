// base: the option table.
#include "base/options.h"

#include <iterator>

#include "base/hints.h"

namespace ashlar {

constinit Options options;

namespace {

using Type = OptionInfo::Type;

constexpr std::uint64_t kDayMs = 24ull * 3600 * 1000;
constexpr std::uint64_t kMaxInterval = std::uint64_t{1} << 40;

constexpr auto kAtStart = OptionInfo::Changes::kNever, kLive = OptionInfo::Changes::kAtRunTime;

constexpr OptionInfo kTable[] = {
    {"help", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, help),
     "print the options and their defaults to stderr at the start"},
    {"stats", Type::kFlag, kLive, "0|1|json", 0, 2, offsetof(Options, stats),
     "write a short report to stderr when the program exits; json writes it as one line of JSON"},
    {"leaks", Type::kFlag, kLive, "0|1", 0, 1, offsetof(Options, leaks),
     "when the program exits, run the command ashlar leaks on it, which must be in PATH and reports the blocks that "
     "nothing points to on stderr"},
    {"decay_ms", Type::kNumber, kLive, "milliseconds", 0, kDayMs, offsetof(Options, decay_ms),
     "age at which a free page that is still resident returns to the system; 0 returns it at once"},
    {"dirty_ratio", Type::kNumber, kLive, "percent", 0, 1000, offsetof(Options, dirty_ratio),
     "how much free memory may stay resident beyond the recent peak, as a percentage of that peak; what exceeds that "
     "is purged at once"},
    {"dirty_min", Type::kBytes, kLive, "bytes", 0, 1_TiB, offsetof(Options, dirty_min),
     "how much free memory may stay resident, however little is in use, until it is older than decay_ms"},
    {"purge", Type::kChoice, kLive, "dontneed|free", 0, 1, offsetof(Options, purge),
     "how pages return to the system: dontneed (MADV_DONTNEED) lowers RSS at once; free (MADV_FREE) lowers it when "
     "the kernel needs memory"},
    {"kswapd", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, kswapd),
     "start a helper thread that purges aged pages, in processes that have several threads"},
    {"memcg", Type::kFlag, kLive, "0|1", 0, 1, offsetof(Options, memcg),
     "fail with ENOMEM when the heap would exceed the memory cgroup's limit, before the OOM killer acts"},
    {"mmap_only", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, mmap_only),
     "make no system calls except mmap, munmap and futex, for seccomp filters that kill the process at others; there "
     "is then no helper thread, no use of memory cgroups, and one node"},
    {"mmap_threshold", Type::kBytes, kLive, "bytes", 64_KiB, 32_MiB, offsetof(Options, mmap_threshold),
     "blocks of this size and larger get a mapping of their own (M_MMAP_THRESHOLD)"},
    {"hugepages", Type::kChoice, kLive, "never|dense|always|reserved|reserved1g", 0, 4, offsetof(Options, hugepages),
     "use transparent huge pages (MADV_HUGEPAGE): dense uses them in a zone Huge, which serves requests first once "
     "32 MiB are in use; always uses them everywhere; reserved is dense with pages of the reserved pool (MAP_HUGETLB) "
     "where twice as many are free, half for a fork; reserved1g prefers 1 GiB"},
    {"perturb", Type::kNumber, kLive, "byte value", 0, 255, offsetof(Options, perturb),
     "fill freed memory with this byte and new memory with its complement; 0 is off (M_PERTURB)"},
    {"slob", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, slob),
     "serve blocks up to 8 KiB from pages that all sizes share; for tiny processes: it saves memory and costs time"},
    {"numa", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, numa),
     "on a machine with several NUMA nodes, take each thread's memory from its own node, after a second thread "
     "allocates"},
    {"numa_fake", Type::kNumber, kAtStart, "nodes", 0, 64, offsetof(Options, numa_fake),
     "for tests: simulate this many NUMA nodes, assigned to threads in turn; 0 is off"},
    {"cpus_fake", Type::kNumber, kAtStart, "processors", 0, 1024, offsetof(Options, cpus_fake),
     "for tests: simulate this many processors, assigned to threads in turn; 0 is off"},
    {"slab_debug", Type::kSlabDebug, kAtStart, "[FZPUT][,cache...]", 0, 31, offsetof(Options, slab_debug),
     "check blocks like the kernel's slab_debug: F consistency on free, Z red zones, P poison, U stacks that "
     "allocated and freed, T trace; no letters mean FZPU; applies to all caches, or to those named (malloc-64, "
     "my_cache, my_*)"},
    {"slab_nomerge", Type::kFlag, kLive, "0|1", 0, 1, offsetof(Options, slab_nomerge),
     "named caches that are created from now on share slabs with no other cache, so that each has its own figures"},
    {"debug_continue", Type::kFlag, kLive, "0|1", 0, 1, offsetof(Options, debug_continue),
     "repair the errors that slab_debug, harden and guard_sample find and continue, instead of aborting"},
    {"harden", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, harden),
     "defend the heap in production: checked pointers, canaries, zero on free, delayed reuse, random order, guard "
     "pages"},
    {"mismatch", Type::kFlag, kLive, "0|1", 0, 1, offsetof(Options, mismatch),
     "under slab_debug and harden, report a block that is freed by the wrong function or with the wrong size"},
    {"guard_sample", Type::kNumber, kLive, "allocations", 0, kMaxInterval, offsetof(Options, guard_sample),
     "place about one in this many blocks between guard pages, and report overflows and uses after free; 0 is off"},
    {"deepbind", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, deepbind),
     "let dlopen honour RTLD_DEEPBIND: the opened library then uses glibc's malloc, and must not free the program's "
     "blocks; 0 removes the flag"},
    {"failslab", Type::kFault, kAtStart, "percent[:interval[:min-max[:times]]]", 0, 100, offsetof(Options, failslab),
     "make calls of malloc for min to max bytes fail: this percentage of every interval-th call, and at most this "
     "many times"},
    {"profile", Type::kRate, kLive, "bytes", 0, 1_TiB, offsetof(Options, profile),
     "sample one in about this many allocated bytes with its stack (ashlar_profile_dump); the name alone means 512k; "
     "1 records each block; 0 is off"},
    {"profile_file", Type::kText, kLive, "path", 0, kMaxPattern, offsetof(Options, profile_file),
     "write the profile to this file when the program exits; %p stands for the process's number, %n for the count of "
     "files written"},
    {"profile_every", Type::kBytes, kLive, "bytes", 0, 1_TiB, offsetof(Options, profile_every),
     "also write profile_file each time that about this many bytes were allocated while a profile is on; 0 is off"},
    {"profile_peak", Type::kBytes, kLive, "bytes", 0, 1_TiB, offsetof(Options, profile_peak),
     "also write profile_file when the bytes in use, as the profile estimates them, exceed the last such peak by "
     "about this many; 0 is off"},
    {"profile_signal", Type::kChoice, kLive, "none|hup|usr1|usr2|urg|winch|pwr", 0, 6,
     offsetof(Options, profile_signal),
     "also write profile_file when the process gets this signal, unless the program catches it itself"},
    {"record", Type::kText, kAtStart, "path", 0, kMaxPattern, offsetof(Options, record),
     "record each call of malloc and its relatives in this file, for ashlar trace and ashlar replay; if the file "
     "exists, the process's number is appended to its name"},
    {"swap", Type::kSwap, kAtStart, "path:bytes[:priority]", 0, kMaxSwapWishes, offsetof(Options, swap),
     "make a swap area of this size, in a folder or as a new file, for memory beyond what limits allow; may be given "
     "32 times, and areas of higher priority are used first; the path must not contain a comma, colon or blank; none "
     "drops the areas before it; an area is encrypted if its file system is"},
    {"swap_encrypt", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, swap_encrypt),
     "let the kernel encrypt the files of swap areas (fscrypt) with a random key that ends with the process; needs "
     "ext4 "
     "or f2fs with the feature encrypt, and no area is made elsewhere"},
    {"cold", Type::kChoice, kLive, "off|cold|pageout", 0, 2, offsetof(Options, cold),
     "tell the kernel that blocks of ashlar_malloc_cold are idle, decay_ms after they were allocated: cold (MADV_COLD) "
     "makes it take their pages first when memory is short, pageout (MADV_PAGEOUT) at once"},
};

static_assert(std::size(kTable) <= kMaxOptions, "each option has its origin");

}  // namespace

[[ASHLAR_OFTEN_RUN]] std::span<const OptionInfo> option_table() { return kTable; }
constinit const OptionRows option_rows{kTable, std::size(kTable)};

[[ASHLAR_OFTEN_RUN]] Option<Origin>& origin_of(const OptionInfo& info, Options& of) {
  return of.origins[&info - kTable];
}

}  // namespace ashlar

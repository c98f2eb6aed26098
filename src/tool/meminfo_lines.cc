// tool: the table of /proc/meminfo's lines.
#include "tool/meminfo_lines.h"

namespace ashlar::tool {

namespace {

constexpr MeminfoLine kLines[] = {
    {"MemTotal", "RAM that the kernel manages: all, less what firmware and the kernel's code keep", {"Pss"}},
    {"MemFree", "RAM that nobody uses; much is kept as cache instead, so little here is no alarm", {}},
    {"MemAvailable", "what new programs can get without swapping: free, and caches that can be dropped", {}},
    {"Buffers", "cache of disk blocks outside of files, mostly of file systems' own structures", {}},
    {"Cached", "contents of files kept in memory, with tmpfs and shared memory", {"Pss_File", "Pss_Shmem"}},
    {"SwapCached", "pages that are in memory and still have their copy in swap", {}},
    {"Active", "used not long ago; taken back last", {}},
    {"Inactive", "not used for longer; taken back first", {}},
    {"Active(anon)", "the part of Active without a file behind it: heaps, stacks, tmpfs", {}},
    {"Inactive(anon)", "the part of Inactive without a file; it can go to swap only", {}},
    {"Active(file)", "the part of Active that is file contents", {}},
    {"Inactive(file)", "the part of Inactive that is file contents; clean pages of it cost nothing to drop", {}},
    {"Unevictable", "what cannot be taken back, locked memory for instance", {}},
    {"Mlocked", "locked into memory by mlock(2)", {"Locked"}},
    {"SwapTotal", "all swap space; of a process what is swapped out", {"SwapPss"}},
    {"SwapFree", "swap space that is not in use", {}},
    {"Zswap", "RAM that swapped pages take in their compressed form", {}},
    {"Zswapped", "what these pages were before compression", {}},
    {"Dirty", "file contents that wait to be written to disk", {}},
    {"Writeback", "file contents that are being written just now", {}},
    {"AnonPages", "memory of programs without a file behind it: heaps and stacks", {"Pss_Anon"}},
    {"Mapped", "file contents and shared memory that programs have mapped", {"Pss_File", "Pss_Shmem"}},
    {"Shmem", "shared memory, tmpfs and shared anonymous mappings", {"Pss_Shmem"}},
    {"KReclaimable", "memory of the kernel that it gives up under pressure", {}},
    {"Slab", "the kernel's own objects, in slabs", {}},
    {"SReclaimable", "the part of Slab that can be given up: caches of names and inodes", {}},
    {"SUnreclaim", "the part of Slab that cannot", {}},
    {"KernelStack", "kernel stacks of all threads", {}},
    {"PageTables", "tables that map addresses to pages", {"status:VmPTE"}},
    {"SecPageTables", "further such tables, of virtual machines and devices", {}},
    {"NFS_Unstable", "always 0 today; once pages sent to an NFS server but not on its disk", {}},
    {"Bounce", "copies for devices that cannot reach all memory", {}},
    {"WritebackTmp", "buffers of FUSE file systems that are being written", {}},
    {"CommitLimit", "how much may be promised in all under strict overcommit (vm.overcommit_memory=2)", {}},
    {"Committed_AS",
     "how much is promised: what would be needed if all programs used all they asked for",
     {"status:VmData", "status:VmStk"}},
    {"VmallocTotal", "address space for the kernel's vmalloc", {}},
    {"VmallocUsed", "the part of it that is in use", {}},
    {"VmallocChunk", "always 0 today; once its largest free part", {}},
    {"Percpu", "the kernel's data that each CPU has a copy of", {}},
    {"EarlyMemtestBad", "RAM that was found broken when the system started", {}},
    {"HardwareCorrupted", "RAM that the hardware reported as broken since", {}},
    {"AnonHugePages", "the part of AnonPages in transparent huge pages", {"AnonHugePages"}},
    {"ShmemHugePages", "the part of Shmem in huge pages", {}},
    {"ShmemPmdMapped", "huge pages of Shmem that are mapped as such", {"ShmemPmdMapped"}},
    {"FileHugePages", "file contents in huge pages", {}},
    {"FilePmdMapped", "huge pages of files that are mapped as such", {"FilePmdMapped"}},
    {"CmaTotal", "memory set aside for devices that need it in one piece", {}},
    {"CmaFree", "the part of it that is free", {}},
    {"Unaccepted", "RAM of a virtual machine that it has not accepted from its host yet", {}},
    {"Balloon", "RAM that a virtual machine has given back to its host", {}},
    {"HugePages_Total", "huge pages in the reserved pool (vm.nr_hugepages)", {}},
    {"HugePages_Free", "those of the pool that are not in use", {}},
    {"HugePages_Rsvd", "those that are promised but not in use yet", {}},
    {"HugePages_Surp", "those beyond the pool's size (vm.nr_overcommit_hugepages)", {}},
    {"Hugepagesize", "the size of a huge page of the pool", {}},
    {"Hugetlb", "memory of the pools of all sizes", {"Shared_Hugetlb", "Private_Hugetlb"}},
    {"DirectMap4k", "RAM that the kernel's own map reaches by pages of 4 KiB", {}},
    {"DirectMap2M", "by pages of 2 MiB; the more the better", {}},
    {"DirectMap4M", "by pages of 4 MiB; the more the better", {}},
    {"DirectMap1G", "by pages of 1 GiB", {}},
};

}  // namespace

const MeminfoLine* meminfo_line(std::string_view name) {
  for (const MeminfoLine& line : kLines) {
    if (line.name == name) return &line;
  }
  return nullptr;
}

}  // namespace ashlar::tool

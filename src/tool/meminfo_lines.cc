// tool: the table of /proc/meminfo's lines.
#include "tool/meminfo_lines.h"

namespace ashlar::tool {

namespace {

constexpr MeminfoLine kLines[] = {
    {"MemTotal", "RAM that the kernel manages: all except what firmware and the kernel's code keep", {"Pss"}},
    {"MemFree", "RAM that is not in use; much is kept as cache instead, so a low figure is no alarm", {}},
    {"MemAvailable", "what new programs can get without swapping: free, and caches that can be dropped", {}},
    {"Buffers", "cache of disk blocks outside of files, mostly of file systems' own structures", {}},
    {"Cached", "contents of files kept in memory, with tmpfs and shared memory", {"Pss_File", "Pss_Shmem"}},
    {"SwapCached", "pages that are in memory and still have a copy in swap", {}},
    {"Active", "used recently; reclaimed last", {}},
    {"Inactive", "not used recently; reclaimed first", {}},
    {"Active(anon)", "the part of Active without a file behind it: heaps, stacks, tmpfs", {}},
    {"Inactive(anon)", "the part of Inactive without a file behind it, which can only go to swap", {}},
    {"Active(file)", "the part of Active that is file contents", {}},
    {"Inactive(file)", "the part of Inactive that is file contents, whose clean pages can be dropped at no cost", {}},
    {"Unevictable", "cannot be reclaimed, for instance locked memory", {}},
    {"Mlocked", "locked into memory by mlock(2)", {"Locked"}},
    {"SwapTotal", "all swap space; for a process, what is swapped out", {"SwapPss"}},
    {"SwapFree", "swap space that is not in use", {}},
    {"Zswap", "RAM that swapped pages take after compression", {}},
    {"Zswapped", "the size of these pages before compression", {}},
    {"Dirty", "file contents that wait to be written to disk", {}},
    {"Writeback", "file contents that are being written to disk", {}},
    {"AnonPages", "memory of programs without a file behind it: heaps and stacks", {"Pss_Anon"}},
    {"Mapped", "file contents and shared memory that programs have mapped", {"Pss_File", "Pss_Shmem"}},
    {"Shmem", "shared memory, tmpfs and shared anonymous mappings", {"Pss_Shmem"}},
    {"KReclaimable", "the kernel's memory that can be reclaimed under pressure", {}},
    {"Slab", "the kernel's own objects, in slabs", {}},
    {"SReclaimable", "the part of Slab that can be reclaimed: caches of names and inodes", {}},
    {"SUnreclaim", "the part of Slab that cannot be reclaimed", {}},
    {"KernelStack", "kernel stacks of all threads", {}},
    {"PageTables", "tables that map addresses to pages", {"status:VmPTE"}},
    {"SecPageTables", "page tables of virtual machines and devices", {}},
    {"NFS_Unstable", "always 0 today; formerly pages sent to an NFS server but not yet on its disk", {}},
    {"Bounce", "copies for devices that cannot reach all memory", {}},
    {"WritebackTmp", "buffers of FUSE file systems that are being written", {}},
    {"CommitLimit", "how much memory may be promised under strict overcommit (vm.overcommit_memory=2)", {}},
    {"Committed_AS",
     "how much is promised: the need if all programs used all memory that they requested",
     {"status:VmData", "status:VmStk"}},
    {"VmallocTotal", "address space for the kernel's vmalloc", {}},
    {"VmallocUsed", "the part of VmallocTotal that is in use", {}},
    {"VmallocChunk", "always 0 today; formerly the largest free part of VmallocTotal", {}},
    {"Percpu", "the kernel's data of which each CPU has a copy", {}},
    {"EarlyMemtestBad", "RAM that was found broken when the system started", {}},
    {"HardwareCorrupted", "RAM that the hardware has reported as broken since the start", {}},
    {"AnonHugePages", "the part of AnonPages in transparent huge pages", {"AnonHugePages"}},
    {"ShmemHugePages", "the part of Shmem in huge pages", {}},
    {"ShmemPmdMapped", "huge pages of Shmem that are mapped as such", {"ShmemPmdMapped"}},
    {"FileHugePages", "file contents in huge pages", {}},
    {"FilePmdMapped", "huge pages of files that are mapped as such", {"FilePmdMapped"}},
    {"CmaTotal", "memory reserved for devices that need it in one piece", {}},
    {"CmaFree", "the part of CmaTotal that is free", {}},
    {"Unaccepted", "RAM of a virtual machine that it has not accepted from its host yet", {}},
    {"Balloon", "RAM that a virtual machine has returned to its host", {}},
    {"HugePages_Total", "huge pages in the reserved pool (vm.nr_hugepages)", {}},
    {"HugePages_Free", "huge pages of the pool that are not in use", {}},
    {"HugePages_Rsvd", "huge pages of the pool that are promised but not yet in use", {}},
    {"HugePages_Surp", "huge pages beyond the pool's size (vm.nr_overcommit_hugepages)", {}},
    {"Hugepagesize", "the size of a huge page of the pool", {}},
    {"Hugetlb", "memory of the pools of all sizes", {"Shared_Hugetlb", "Private_Hugetlb"}},
    {"DirectMap4k", "RAM that the kernel's own map reaches by pages of 4 KiB", {}},
    {"DirectMap2M", "the same by pages of 2 MiB; more is better", {}},
    {"DirectMap4M", "the same by pages of 4 MiB; more is better", {}},
    {"DirectMap1G", "the same by pages of 1 GiB; more is better", {}},
};

}  // namespace

const MeminfoLine* meminfo_line(std::string_view name) {
  for (const MeminfoLine& line : kLines) {
    if (line.name == name) return &line;
  }
  return nullptr;
}

}  // namespace ashlar::tool

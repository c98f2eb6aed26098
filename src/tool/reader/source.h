// tool, reader: where a heap is read from: a live process, which is not stopped and does not cooperate, or a core file.
//
// All functions throw a tool::Failure with one line for the user if nothing can be read at all. A Source is for one
// thread.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ashlar::reader {

// A range of addresses, end excluded.
struct Range {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  [[nodiscard]] std::uint64_t bytes() const { return end - start; }
  [[nodiscard]] bool contains(std::uint64_t address) const { return address >= start && address < end; }
};

// No process has memory from here on (kAddressBits of the library).
inline constexpr std::uint64_t kAddressEnd = std::uint64_t{1} << 48;

// Returns the entry of an ascending vector whose range contains an address, or null. `range_of` returns an entry's
// range.
template <class T, class RangeOf = std::identity>
const T* around(const std::vector<T>& entries, std::uint64_t address, RangeOf range_of = {}) {
  const auto behind = std::upper_bound(entries.begin(), entries.end(), address, [&](std::uint64_t a, const T& entry) {
    return a < Range(range_of(entry)).start;
  });
  if (behind == entries.begin() || !Range(range_of(*(behind - 1))).contains(address)) return nullptr;
  return &*(behind - 1);
}

// A mapping of the process (proc_pid_maps(5)), and its figures from proc_pid_smaps(5), in bytes.
struct Mapping : Range {
  bool readable = false, writable = false, executable = false, shared = false;
  std::uint64_t offset = 0;  // in the file
  std::uint64_t inode = 0;   // 0: no file
  std::string name;          // path, "[stack]", "[anon:ashlar: arena]", or empty

  // Zero in a core file.
  std::uint64_t rss = 0, pss = 0, private_dirty = 0, anonymous = 0, anon_huge = 0, swap = 0;
  std::uint64_t hugetlb = 0;  // private pages of the reserved pool, which no other figure has
};

// Returns whether a process exists. /proc may hide processes of other users (hidepid, proc(5)).
bool exists(pid_t pid);

// Returns a name with characters that would break its line replaced by '?'. Names of processes and files may hold any
// byte.
std::string single_line(std::string name);

// A piece of memory to read: whole, or not at all.
struct Piece {
  std::uint64_t address = 0;
  void* to = nullptr;
  std::size_t bytes = 0;
  bool done = false;  // set by read_all
};

// A stretch of pages that are all in the same state.
struct PageStretch : Range {
  enum class State : std::uint8_t { kResident, kSwapped, kZero };  // kZero: the shared page of zeros, not in RSS
  State state = State::kResident;
};

// The registers of a thread.
struct ThreadState {
  pid_t number = 0;
  std::uint64_t stack_pointer = 0;       // 0: not known
  std::vector<std::uint64_t> registers;  // the words in them, in no order
  bool whole = false;                    // all registers are known
};

// Return the numbers of a process's threads, in ascending order; and what proc_pid_syscall(5) says of them.
std::vector<pid_t> threads_of(pid_t pid);
std::vector<ThreadState> waiting_threads(pid_t pid);

class Source {
 public:
  static std::unique_ptr<Source> live(pid_t pid);
  static std::unique_ptr<Source> core(const std::string& path);

  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  [[nodiscard]] virtual bool is_core() const = 0;
  [[nodiscard]] virtual pid_t pid() const = 0;
  // Return the command's name, as ps(1) shows it; and "process 123 (name)" or "core file PATH (name)", for messages.
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::string title() const = 0;

  // Returns a text that identifies the program. It changes if the process executes another program (execve(2)).
  [[nodiscard]] virtual std::string identity() const = 0;

  // Reads the process's memory map and identity anew. The mappings are in ascending order.
  virtual void refresh() = 0;
  [[nodiscard]] const std::vector<Mapping>& mappings() const { return mappings_; }
  // Returns the mapping around an address, or null.
  [[nodiscard]] const Mapping* mapping_at(std::uint64_t address) const;

  // Returns where the program starts (AT_ENTRY, getauxval(3)), which tells its file from libraries; 0 if unknown.
  [[nodiscard]] virtual std::uint64_t entry() const = 0;

  // Reads n bytes. Returns false if not all of them can be read. Throws if the process is gone.
  [[nodiscard]] bool read(std::uint64_t address, void* to, std::size_t n);
  // The same for bytes that never change, such as texts in a program's code. If they are not in the process's memory
  // they are read from the file, as reading them from the process would bring 64 KiB of the file into its memory.
  [[nodiscard]] virtual bool read_constant(std::uint64_t address, void* to, std::size_t n) {
    return read(address, to, n);
  }
  // Reads the memory map anew if a read brought memory into the process, which read_constant does if all else fails.
  virtual void settle() {}
  // Reads many pieces with few system calls, and notes in each whether it was read.
  virtual void read_all(std::span<Piece> pieces) = 0;

  // Appends the pages in [range.start, range.end) that are resident, swapped, or the page of zeros, in ascending order.
  // Returns false if that is unknown: for a core file, or if /proc/PID/pagemap may not be read.
  [[nodiscard]] virtual bool pages(Range range, std::vector<PageStretch>& into) = 0;

  // Appends the parts of a range that have contents, in ascending order: the parts that are resident or swapped out in
  // a process, or the parts that are in the core file.
  virtual void contents(Range range, std::vector<Range>& into) = 0;

  // Returns the threads. A core file has all registers. For a thread that waits in the kernel, only those of
  // proc_pid_syscall(5) are known, and none for a running thread.
  [[nodiscard]] virtual std::vector<ThreadState> threads() = 0;

 protected:
  std::vector<Mapping> mappings_;
};

}  // namespace ashlar::reader

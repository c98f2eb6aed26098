// tool, reader: where a heap is read from: a live process, which is neither stopped nor asked, or a core file.
//
// All functions throw a tool::Failure with one line for the user where nothing can be read at all. A Source is for one
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

// A stretch of addresses, end excluded.
struct Range {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  [[nodiscard]] std::uint64_t bytes() const { return end - start; }
  [[nodiscard]] bool contains(std::uint64_t address) const { return address >= start && address < end; }
};

// No process has memory from here on (kAddressBits of the library).
inline constexpr std::uint64_t kAddressEnd = std::uint64_t{1} << 48;

// The entry of an ascending vector whose range an address lies in, or null. `range_of` gives an entry's range.
template <class T, class RangeOf = std::identity>
const T* around(const std::vector<T>& entries, std::uint64_t address, RangeOf range_of = {}) {
  const auto behind = std::upper_bound(entries.begin(), entries.end(), address, [&](std::uint64_t a, const T& entry) {
    return a < Range(range_of(entry)).start;
  });
  if (behind == entries.begin() || !Range(range_of(*(behind - 1))).contains(address)) return nullptr;
  return &*(behind - 1);
}

// A mapping of the process (proc_pid_maps(5)), and what proc_pid_smaps(5) says of it, in bytes.
struct Mapping : Range {
  bool readable = false, writable = false, executable = false, shared = false;
  std::uint64_t offset = 0;  // in the file
  std::uint64_t inode = 0;   // 0: no file
  std::string name;          // path, "[stack]", "[anon:ashlar: arena]", or empty

  // Zero in a core file.
  std::uint64_t rss = 0, pss = 0, private_dirty = 0, anonymous = 0, anon_huge = 0, swap = 0;
};

// Whether there is a process. /proc may hide those of others (hidepid, proc(5)).
bool exists(pid_t pid);

// A name with what would break its line replaced by '?'. Names of processes and files may hold any byte.
std::string single_line(std::string name);

// A piece of memory to read: whole, or not at all.
struct Piece {
  std::uint64_t address = 0;
  void* to = nullptr;
  std::size_t bytes = 0;
  bool done = false;  // set by read_all
};

// What the kernel knows of a stretch of pages that are all in the same state.
struct PageStretch : Range {
  enum class State : std::uint8_t { kResident, kSwapped, kZero };  // kZero: the shared page of zeros, not in RSS
  State state = State::kResident;
};

// A thread where it stands.
struct ThreadState {
  pid_t number = 0;
  std::uint64_t stack_pointer = 0;       // 0: not known
  std::vector<std::uint64_t> registers;  // words that it holds in them, in no order
  bool whole = false;                    // they are all known
};

// The numbers of a process's threads, in ascending order; and what proc_pid_syscall(5) says of them.
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
  // The command's name, as ps(1) shows it; and "process 123 (name)" or "core file PATH (name)", for messages.
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::string title() const = 0;

  // Tells programs apart: another one has another text, even if it took the process over (execve(2)).
  [[nodiscard]] virtual std::string identity() const = 0;

  // Looks at the process anew, at its memory map and at which program it is. The mappings are in ascending order.
  virtual void refresh() = 0;
  [[nodiscard]] const std::vector<Mapping>& mappings() const { return mappings_; }
  // The mapping around an address, or null.
  [[nodiscard]] const Mapping* mapping_at(std::uint64_t address) const;

  // Where the program starts (AT_ENTRY, getauxval(3)), which tells its file from libraries; 0 if unknown.
  [[nodiscard]] virtual std::uint64_t entry() const = 0;

  // Reads n bytes; false if not all of them can be read. Throws when the process is gone.
  [[nodiscard]] bool read(std::uint64_t address, void* to, std::size_t n);
  // The same for what never changes, as texts in a program's code: where the process has it not in memory it is read
  // from the file, since a look at its memory would bring 64 KiB of the file into it.
  [[nodiscard]] virtual bool read_constant(std::uint64_t address, void* to, std::size_t n) {
    return read(address, to, n);
  }
  // Reads the memory map anew if a read brought memory into the process, as the last resort of read_constant does.
  virtual void settle() {}
  // Reads many pieces with few system calls, and notes in each whether it was read.
  virtual void read_all(std::span<Piece> pieces) = 0;

  // The pages in [range.start, range.end) that are resident, swapped, or the page of zeros, in ascending order. False
  // where that is not to be had: in a core file, or without the right to read /proc/PID/pagemap.
  [[nodiscard]] virtual bool pages(Range range, std::vector<PageStretch>& into) = 0;

  // Appends the parts of a range that hold something, in ascending order: of a process what is resident or swapped out,
  // of a core file what is in the file.
  virtual void contents(Range range, std::vector<Range>& into) = 0;

  // The threads. Of a thread that runs nothing is known, and of one that waits in the kernel what proc_pid_syscall(5)
  // says; of a core file all is known.
  [[nodiscard]] virtual std::vector<ThreadState> threads() = 0;

 protected:
  std::vector<Mapping> mappings_;
};

}  // namespace ashlar::reader

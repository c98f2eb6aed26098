// tool, reader: a live process, which is not stopped. Its memory is copied by process_vm_readv(2), or, if that is
// forbidden, read from /proc/PID/mem.
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <elf.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "base/units.h"
#include "tool/error.h"
#include "tool/reader/file.h"
#include "tool/reader/maps.h"
#include "tool/reader/pagemap.h"
#include "tool/reader/source.h"

namespace ashlar::reader {

namespace {

using tool::Exit;
using tool::Failure;

constexpr std::size_t kMaxVectors = 1024;  // IOV_MAX

class Live final : public Source {
 public:
  explicit Live(pid_t pid) : pid_(pid) {
    if (pid <= 0 || (!read_stat() && !exists(pid))) {
      throw Failure(Exit::kNoProcess, "there is no process " + std::to_string(pid));
    }
    Live::refresh();
    opened_ = true;
  }

  [[nodiscard]] bool is_core() const override { return false; }
  [[nodiscard]] pid_t pid() const override { return pid_; }
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] std::string title() const override {
    return "process " + std::to_string(pid_) + " (" + single_line(name_) + ")";
  }
  [[nodiscard]] std::uint64_t entry() const override { return entry_; }

  [[nodiscard]] std::string identity() const override { return std::to_string(started_) + auxv_; }

  // Opens all files anew: files that were opened before an execve(2) refer to the former program.
  void refresh() override {
    const std::uint64_t started = started_;
    if (!read_stat() && !exists(pid_)) throw_gone();
    if (started != 0 && started != started_) throw_gone();
    forbidden_ = false;
    constants_ = {};
    pagemap_ = Pagemap(pid_);
    memory_ = File::kernel(path("mem"));
    read_auxv();
    read_mappings();
  }

  void read_all(std::span<Piece> pieces) override {
    while (!pieces.empty()) {
      const std::span<Piece> batch = pieces.first(std::min(pieces.size(), kMaxVectors));
      read_batch(batch);
      pieces = pieces.subspan(batch.size());
    }
  }

  [[nodiscard]] bool read_constant(std::uint64_t address, void* to, std::size_t n) override {
    const Mapping* const m = mapping_at(address);
    if (m == nullptr || m->writable || m->inode == 0 || address + n > m->end) return read(address, to, n);
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const Range range{address / page * page, (address + n + page - 1) / page * page};
    std::vector<PageStretch> stretches;
    if (!pages(range, stretches)) return read(address, to, n);
    const bool resident = stretches.size() == 1 && stretches[0].bytes() == range.bytes();
    if (resident) return read(address, to, n);
    if (read_from_mapped_file(*m, address, to, n)) return true;
    stale_ = true;
    return read(address, to, n);
  }

  void settle() override {
    if (stale_) read_mappings();
    stale_ = false;
  }

  [[nodiscard]] bool pages(Range range, std::vector<PageStretch>& into) override {
    // For a range larger than any program's, look up only mapped parts: a damaged table may have any range.
    constexpr std::uint64_t kLarge = 64_GiB;
    if (range.bytes() <= kLarge) return pagemap_.stretches(range, into);
    return std::all_of(mappings_.begin(), mappings_.end(), [&](const Mapping& mapping) {
      const Range part{std::max(range.start, mapping.start), std::min(range.end, mapping.end)};
      return part.start >= part.end || pagemap_.stretches(part, into);
    });
  }

  void contents(Range range, std::vector<Range>& into) override {
    std::vector<PageStretch> stretches;
    if (!pages(range, stretches)) stretches = {{range, PageStretch::State::kResident}};
    for (const PageStretch& stretch : stretches) {
      const Range part{std::max(stretch.start, range.start), std::min(stretch.end, range.end)};
      if (stretch.state == PageStretch::State::kZero || part.start >= part.end) continue;
      if (!into.empty() && into.back().end == part.start) into.back().end = part.end;
      else into.push_back(part);
    }
  }

  [[nodiscard]] std::vector<ThreadState> threads() override { return waiting_threads(pid_); }

 private:
  [[nodiscard]] std::string path(const char* file) const { return "/proc/" + std::to_string(pid_) + "/" + file; }

  [[noreturn]] void throw_gone() const {
    throw Failure(Exit::kGone, title() + (opened_ ? ": it ended while it was read" : ": it has ended"));
  }
  [[noreturn]] void throw_not_permitted() const {
    const char* const remedy = geteuid() == 0
                                   ? "this root lacks CAP_SYS_PTRACE for it, as in a container, or a security module "
                                     "forbids it"
                                   : "be root, or its user where /proc/sys/kernel/yama/ptrace_scope is 0";
    throw Failure(Exit::kNotPermitted, title() + ": reading its memory is not permitted; " + remedy);
  }

  // Reads a whole file of the process's folder in /proc. Returns false, with errno, if that fails.
  bool slurp(const char* name, std::string& into) const {
    const File file = File::kernel(path(name));
    into.clear();
    return file && file.read_all(into);
  }

  // Reads the name, the state and the start from "123 (name) S ...", proc_pid_stat(5). The name may hold any bytes.
  bool read_stat() {
    std::string stat;
    if (!slurp("stat", stat)) return false;
    const std::size_t open = stat.find('('), close = stat.rfind(')');
    if (open == stat.npos || close == stat.npos || close < open) return false;
    name_ = stat.substr(open + 1, close - open - 1);
    std::istringstream fields(stat.substr(close + 1));
    constexpr int kStart = 22, kState = 3;  // as proc_pid_stat(5) counts
    std::string field;
    for (int number = kState; number < kStart && fields >> field; ++number) {
      if (number == kState) state_ = field[0];
    }
    return static_cast<bool>(fields >> started_);
  }

  void read_auxv() {
    slurp("auxv", auxv_);
    for (std::size_t at = 0; at + sizeof(Elf64_auxv_t) <= auxv_.size(); at += sizeof(Elf64_auxv_t)) {
      Elf64_auxv_t entry;
      std::memcpy(&entry, auxv_.data() + at, sizeof entry);
      if (entry.a_type == AT_ENTRY) entry_ = entry.a_un.a_val;
    }
  }

  void read_mappings() {
    std::string text;
    if (!slurp("smaps", text)) {
      if (errno == EACCES || errno == EPERM) throw_not_permitted();
      if (errno == ENOENT && !read_stat() && exists(pid_)) throw_not_permitted();  // hidden
      throw_gone();
    }
    mappings_ = parse_smaps(text);
    if (!mappings_.empty()) return;
    // a zombie has no memory map, and neither has a kernel thread
    if (read_stat() && state_ != 'Z' && state_ != 'X') {
      throw Failure(Exit::kNoAshlar, title() + ": it has no memory of its own (a thread of the kernel)");
    }
    throw_gone();
  }

  void read_batch(std::span<Piece> batch) {
    for (std::size_t first = 0; first < batch.size();) {
      std::array<iovec, kMaxVectors> to, from;
      std::size_t n = 0;
      for (std::size_t i = first; i < batch.size(); ++i, ++n) {
        to[n] = {batch[i].to, batch[i].bytes};
        from[n] = {reinterpret_cast<void*>(batch[i].address), batch[i].bytes};
      }
      ssize_t copied = forbidden_ ? -1 : process_vm_readv(pid_, to.data(), n, from.data(), n, 0);
      if (copied < 0) {
        const int why = forbidden_ ? EPERM : errno;
        if (why == ESRCH) throw_gone();
        if (why == EPERM || why == ENOSYS || why == EACCES) {
          read_from_file(batch.subspan(first));
          return;
        }
        copied = 0;  // EFAULT: nothing of the first piece was copied
      }
      // the copy stops in the first piece that cannot be read; go on after it
      auto left = static_cast<std::size_t>(copied);
      while (first < batch.size() && left >= batch[first].bytes) {
        left -= batch[first].bytes;
        batch[first++].done = true;
      }
      if (first < batch.size()) batch[first++].done = false;
    }
  }

  // Opens the file by the kernel's link to it (proc_pid_map_files(5)), which root may follow, and otherwise by its
  // path, if that is still the mapped file.
  bool read_from_mapped_file(const Mapping& m, std::uint64_t address, void* to, std::size_t n) {
    if (!constants_ || constants_name_ != m.name) {
      char range[48];
      std::snprintf(range, sizeof range, "map_files/%lx-%lx", m.start, m.end);
      constants_ = File::regular(path(range));
      if (!constants_) constants_ = File::regular(path("root") + m.name);
      constants_name_ = m.name;
    }
    struct stat status {};
    if (!constants_ || fstat(constants_.get(), &status) != 0 || status.st_ino != m.inode) return false;
    return constants_.read_at(static_cast<off_t>(m.offset + (address - m.start)), to, n);
  }

  void read_from_file(std::span<Piece> batch) {
    forbidden_ = true;
    if (!memory_) throw_not_permitted();
    for (Piece& piece : batch) {
      const ssize_t n = pread(memory_.get(), piece.to, piece.bytes, static_cast<off_t>(piece.address));
      if (n == 0 && piece.bytes != 0) throw_gone();  // without a memory map, /proc/PID/mem reads as an empty file
      piece.done = n == static_cast<ssize_t>(piece.bytes);
    }
  }

  pid_t pid_;
  std::string name_ = "?";
  char state_ = '?';
  bool opened_ = false;
  std::uint64_t started_ = 0;  // in ticks after the system's start
  std::string auxv_;
  std::uint64_t entry_ = 0;
  Pagemap pagemap_;
  File memory_;
  bool forbidden_ = false;
  bool stale_ = false;
  File constants_;
  std::string constants_name_;
};

}  // namespace

std::unique_ptr<Source> Source::live(pid_t pid) { return std::make_unique<Live>(pid); }

}  // namespace ashlar::reader

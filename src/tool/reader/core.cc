// tool, reader: a core file (core(5)), as the kernel or gcore(1) writes it. A core file leaves out memory that equals
// the mapped file. Such memory is read from that file, if it still exists.
#include <elf.h>
#include <sys/procfs.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/units.h"
#include "tool/error.h"
#include "tool/reader/file.h"
#include "tool/reader/source.h"

namespace ashlar::reader {

namespace {

using tool::Exit;
using tool::Failure;

// Bytes of the list of files: the kernel allows 65 530 mappings, and paths of 4 KiB.
constexpr std::uint64_t kMaxFiles = 512_MiB;

constexpr std::uint64_t kMaxRegisters = 64_KiB;  // of a thread, in one note

// A file to read from; empty if it is not a regular file. It is not mapped, as SIGBUS would end this process if another
// process truncated the file.
class SizedFile {
 public:
  explicit SizedFile(const std::string& path) : file_(File::regular(path)) {
    struct stat status {};
    if (!file_) error_ = errno == EINVAL ? 0 : errno;  // not a regular file: empty
    else if (fstat(file_.get(), &status) == 0 && status.st_size > 0) size_ = static_cast<std::size_t>(status.st_size);
  }

  // Returns whether the file has n bytes at an offset.
  [[nodiscard]] bool holds(std::uint64_t offset, std::uint64_t n) const {
    return offset <= size_ && n <= size_ - offset;
  }
  // Copies n bytes at an offset. Returns false if the file does not have all of them.
  [[nodiscard]] bool copy(std::uint64_t offset, void* to, std::size_t n) const {
    return holds(offset, n) && file_.read_at(static_cast<off_t>(offset), to, n);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] int error() const { return error_; }

 private:
  File file_;
  std::size_t size_ = 0;
  int error_ = 0;
};

struct Segment : Range {
  std::uint64_t offset = 0, filled = 0;  // in the core file; the rest is zero, or in the mapped file
};

struct NamedFile : Range {
  std::uint64_t offset = 0;
  std::string path;
};

class Core final : public Source {
 public:
  explicit Core(const std::string& path) : path_(path), file_(path) {
    if (file_.error() != 0) throw Failure(Exit::kFailed, path + ": " + std::strerror(file_.error()));
    read_headers();
    build_mappings();
  }

  [[nodiscard]] bool is_core() const override { return true; }
  [[nodiscard]] pid_t pid() const override { return pid_; }
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] std::string title() const override { return "core file " + path_ + " (" + single_line(name_) + ")"; }
  [[nodiscard]] std::string identity() const override { return path_; }
  [[nodiscard]] std::uint64_t entry() const override { return entry_; }
  [[nodiscard]] bool pages(Range /*range*/, std::vector<PageStretch>& /*into*/) override { return false; }
  void refresh() override {}
  [[nodiscard]] std::vector<ThreadState> threads() override { return threads_; }

  void contents(Range range, std::vector<Range>& into) override {
    auto segment = std::upper_bound(segments_.begin(), segments_.end(), range.start,
                                    [](std::uint64_t a, const Segment& one) { return a < one.end; });
    for (; segment != segments_.end() && segment->start < range.end; ++segment) {
      const Range part{std::max(range.start, segment->start), std::min(range.end, segment->start + segment->filled)};
      if (part.start < part.end) into.push_back(part);
    }
  }

  void read_all(std::span<Piece> pieces) override {
    for (Piece& piece : pieces) piece.done = copy(piece.address, static_cast<char*>(piece.to), piece.bytes);
  }

 private:
  [[noreturn]] void damaged(const std::string& how) const {
    throw Failure(Exit::kBadCore, path_ + ": damaged core file: " + how);
  }

  template <class T>
  bool load(std::uint64_t offset, T& into) const {
    return file_.copy(offset, &into, sizeof into);
  }

  void read_headers() {
    Elf64_Ehdr head;
    if (!load(0, head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_type != ET_CORE) {
      throw Failure(Exit::kBadCore, path_ + ": this is not a core file of a 64-bit process");
    }
    if (head.e_phentsize != sizeof(Elf64_Phdr)) damaged("its headers have an unknown size");
    machine_ = head.e_machine;
    std::uint64_t count = head.e_phnum, filled = 0;
    if (count == PN_XNUM) {  // elf(5): too many for the field
      Elf64_Shdr first;
      if (!load(head.e_shoff, first)) damaged("it ends before its headers");
      count = first.sh_info;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      Elf64_Phdr segment;
      if (!load(head.e_phoff + i * sizeof segment, segment)) damaged("it ends before its headers");
      if (segment.p_type != PT_NOTE && segment.p_type != PT_LOAD) continue;
      if (segment.p_filesz != 0 && !file_.holds(segment.p_offset, segment.p_filesz)) {
        damaged("it ends before the memory that it should hold (is the disk full, or `ulimit -c` too small?)");
      }
      filled += segment.p_filesz;
      if (filled > file_.size()) damaged("its segments hold more than the file");
      if (segment.p_type == PT_NOTE) read_notes(segment.p_offset, segment.p_filesz);
      else add_segment(segment);
    }
    std::sort(segments_.begin(), segments_.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
    std::sort(mappings_.begin(), mappings_.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
    for (std::size_t i = 1; i < segments_.size(); ++i) {
      if (segments_[i].start < segments_[i - 1].end) damaged("its segments overlap");
    }
    if (segments_.empty()) damaged("it holds no memory");
  }

  void add_segment(const Elf64_Phdr& segment) {
    if (segment.p_memsz == 0) return;
    if (segment.p_filesz > segment.p_memsz || segment.p_vaddr + segment.p_memsz < segment.p_vaddr) {
      damaged("a segment is longer than its place");
    }
    const Range range{segment.p_vaddr, segment.p_vaddr + segment.p_memsz};
    segments_.push_back({range, segment.p_offset, segment.p_filesz});
    Mapping mapping;
    mapping.start = range.start;
    mapping.end = range.end;
    mapping.readable = (segment.p_flags & PF_R) != 0;
    mapping.writable = (segment.p_flags & PF_W) != 0;
    mapping.executable = (segment.p_flags & PF_X) != 0;
    mappings_.push_back(mapping);
  }

  void read_notes(std::uint64_t at, std::uint64_t size) {
    const std::uint64_t end = at + size;
    while (at + sizeof(Elf64_Nhdr) <= end) {
      Elf64_Nhdr note;
      if (!load(at, note)) return;
      const std::uint64_t name = at + sizeof note;
      const std::uint64_t content = name + (note.n_namesz + std::uint64_t{3}) / 4 * 4;
      const std::uint64_t next = content + (note.n_descsz + std::uint64_t{3}) / 4 * 4;
      if (content + note.n_descsz > end) damaged("a note is longer than its place");
      if (note.n_type == NT_PRPSINFO) read_process(content, note.n_descsz);
      if (note.n_type == NT_PRSTATUS) add_thread(content, note.n_descsz);
      if (note.n_type == NT_FPREGSET || note.n_type == NT_X86_XSTATE) add_registers(content, note.n_descsz);
      if (note.n_type == NT_AUXV) read_auxv(content, note.n_descsz);
      if (note.n_type == NT_FILE) read_files(content, note.n_descsz);
      at = next;
    }
  }

  void read_process(std::uint64_t at, std::uint64_t size) {
    prpsinfo_t process;
    if (size < sizeof process || !load(at, process)) return;
    pid_ = process.pr_pid;
    name_.assign(process.pr_fname, strnlen(process.pr_fname, sizeof process.pr_fname));
  }

  // Adds registers to the thread whose notes are being read.
  void add_registers(std::uint64_t at, std::uint64_t size) {
    if (threads_.empty() || size > kMaxRegisters) return;
    std::vector<std::uint64_t>& registers = threads_.back().registers;
    const std::size_t before = registers.size();
    registers.resize(before + size / sizeof(std::uint64_t));
    const std::size_t bytes = (registers.size() - before) * sizeof(std::uint64_t);
    if (!file_.copy(at, registers.data() + before, bytes)) registers.resize(before);
  }

  // Reads struct elf_prstatus. On all 64-bit processors the registers are at offset 112.
  void add_thread(std::uint64_t at, std::uint64_t size) {
    constexpr std::uint64_t kNumber = 32, kRegisters = 112;
    std::uint32_t number = 0;
    if (size < kRegisters || !load(at + kNumber, number)) return;
    ThreadState& thread = threads_.emplace_back();
    thread.number = static_cast<pid_t>(number);
    thread.whole = true;
    add_registers(at + kRegisters, size - kRegisters);
    // the order of <asm/ptrace.h>
    const std::size_t stack = machine_ == EM_X86_64 ? 19 : machine_ == EM_AARCH64 ? 31 : machine_ == EM_RISCV ? 2 : 0;
    if (stack != 0 && stack < thread.registers.size()) thread.stack_pointer = thread.registers[stack];
  }

  void read_auxv(std::uint64_t at, std::uint64_t size) {
    for (std::uint64_t end = at + size; at + sizeof(Elf64_auxv_t) <= end; at += sizeof(Elf64_auxv_t)) {
      Elf64_auxv_t entry;
      if (load(at, entry) && entry.a_type == AT_ENTRY) entry_ = entry.a_un.a_val;
      if (load(at, entry) && entry.a_type == AT_RANDOM) on_stack_ = entry.a_un.a_val;
    }
  }

  // The note has a count, the page size, then start, end and offset in pages of each file, then the names, each ended
  // by a zero byte.
  void read_files(std::uint64_t at, std::uint64_t size) {
    std::uint64_t head[2];
    if (size < sizeof head || size > kMaxFiles || !load(at, head) || head[0] > (size - sizeof head) / 24)
      damaged("its list of files makes no sense");
    std::string rest(size - sizeof head, '\0');
    if (!file_.copy(at + sizeof head, rest.data(), rest.size())) return;
    std::size_t text = head[0] * 24;
    for (std::uint64_t i = 0; i < head[0] && text < rest.size(); ++i) {
      std::uint64_t row[3];
      std::memcpy(row, rest.data() + i * sizeof row, sizeof row);
      const std::string name = rest.c_str() + text;
      files_.push_back({{row[0], row[1]}, row[2] * head[1], name});
      text += name.size() + 1;
    }
    std::sort(files_.begin(), files_.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  }

  void build_mappings() {
    for (Mapping& mapping : mappings_) {
      const NamedFile* const file = around(files_, mapping.start);
      if (file == nullptr && mapping.contains(on_stack_)) mapping.name = "[stack]";
      if (file == nullptr) continue;
      mapping.name = single_line(file->path);
      mapping.offset = file->offset + (mapping.start - file->start);
      mapping.inode = 1;  // the inode is not recorded; not 0, as it is a file
    }
  }

  bool copy(std::uint64_t address, char* to, std::size_t n) {
    while (n > 0) {
      const Segment* const segment = around(segments_, address);
      if (segment == nullptr) return copy_from_file(address, to, n);
      const std::uint64_t inside = address - segment->start;
      std::size_t here = std::min<std::uint64_t>(n, segment->bytes() - inside);
      if (inside < segment->filled) {
        here = std::min<std::uint64_t>(here, segment->filled - inside);
        if (!file_.copy(segment->offset + inside, to, here)) damaged("it became shorter while it was read");
      } else if (!copy_from_file(address, to, here)) {
        if (around(files_, address) != nullptr) return false;
        std::memset(to, 0, here);  // anonymous memory that was never touched
      }
      address += here;
      to += here;
      n -= here;
    }
    return true;
  }

  bool copy_from_file(std::uint64_t address, char* to, std::size_t n) {
    const NamedFile* const file = around(files_, address);
    if (file == nullptr || address + n > file->end) return false;
    auto& opened = opened_[file->path];
    if (opened == nullptr) opened = std::make_unique<SizedFile>(file->path);
    return opened->copy(file->offset + (address - file->start), to, n);
  }

  std::string path_;
  SizedFile file_;
  pid_t pid_ = 0;
  std::string name_ = "?";
  std::uint64_t entry_ = 0;
  std::uint64_t on_stack_ = 0;  // bytes that the kernel puts onto the main stack
  std::uint16_t machine_ = 0;
  std::vector<ThreadState> threads_;
  std::vector<Segment> segments_;
  std::vector<NamedFile> files_;
  std::map<std::string, std::unique_ptr<SizedFile>> opened_;
};

}  // namespace

std::unique_ptr<Source> Source::core(const std::string& path) { return std::make_unique<Core>(path); }

}  // namespace ashlar::reader

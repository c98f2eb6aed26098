// tool, reader: the symbol tables of ELF files on disk, and where their debug files lie.
#include "tool/reader/names.h"

#include <cxxabi.h>
#include <elf.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "tool/reader/debug_data.h"
#include "tool/reader/file.h"

namespace ashlar::reader {

namespace {

constexpr unsigned kMaxSegments = 64;
constexpr std::size_t kMaxSymbols = 4'000'000, kMaxName = 1000, kMaxNote = 4096, kMaxLink = 300;
constexpr const char* kDebugFiles = "/usr/lib/debug";
constexpr const char* kPacked = ".gnu_debugdata";
// A mangled name may double in length with each back reference. A name with more of them is not demangled.
constexpr unsigned kMaxReferences = 14;
// Functions do not overlap, but aliases start at the same address. At most this many symbols are looked at.
constexpr unsigned kMaxSteps = 16;

struct Symbol {
  std::uint64_t start = 0;
  std::uint64_t bytes = 0;
  std::uint64_t name = 0;  // an offset in the file
  std::uint32_t max = 0;   // maximum length: bytes up to the end of the table of names, at most kMaxName
};

unsigned references(const std::string& mangled) {
  unsigned n = 0;
  for (std::size_t i = 1; i < mangled.size(); ++i) {
    const bool reference = mangled[i - 1] == 'S' || mangled[i - 1] == 'T';
    const auto c = static_cast<unsigned char>(mangled[i]);
    if (reference && (c == '_' || std::isdigit(c) != 0 || std::isupper(c) != 0)) ++n;
  }
  return n;
}

std::string demangled(const std::string& name) {
  if (!name.starts_with("_Z") || references(name) > kMaxReferences) return name;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                         &std::free);
  return text == nullptr ? name : std::string(text.get());
}

}  // namespace

std::string shown_name(const std::string& name) {
  std::string text = demangled(name);
  if (text.size() > kMaxName) text = text.substr(0, kMaxName) + "...";
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  return text;
}

namespace {

class Elf {
 public:
  explicit Elf(const std::string& path) : Elf(path, File::regular(path)) {}
  Elf(std::string path, File file) : path_(std::move(path)), file_(std::move(file)) {
    good_ = file_ && load(0, head_) && std::memcmp(head_.e_ident, ELFMAG, SELFMAG) == 0 &&
            head_.e_ident[EI_CLASS] == ELFCLASS64 && head_.e_phnum <= kMaxSegments;
    segments_.resize(good_ ? head_.e_phnum : 0);
    for (std::size_t i = 0; good_ && i < segments_.size(); ++i)
      good_ = load(head_.e_phoff + i * sizeof(Elf64_Phdr), segments_[i]);
    if (!good_) segments_.clear();
    whole_ = good_ && read_table(SHT_SYMTAB);
    if (good_ && !whole_) read_table(SHT_DYNSYM);
    std::sort(symbols_.begin(), symbols_.end(), [](const Symbol& a, const Symbol& b) { return a.start < b.start; });
  }

  const std::string& path() const { return path_; }

  // Returns whether the table has all functions, and not only those that other files may use.
  bool whole() const { return whole_; }

  // Returns the name of the function at an address, or an empty one.
  std::string name_of(std::uint64_t address) const {
    auto behind = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                                   [](std::uint64_t a, const Symbol& s) { return a < s.start; });
    for (unsigned step = 0; step < kMaxSteps && behind != symbols_.begin(); ++step) {
      --behind;
      if (address - behind->start >= behind->bytes) continue;
      std::string name(behind->max, '\0');
      if (!file_.read_at(static_cast<off_t>(behind->name), name.data(), name.size())) return {};
      return shown_name(name.c_str());
    }
    return {};
  }

  // Returns the address of an offset, or 0.
  std::uint64_t address_of(std::uint64_t offset) const {
    for (const Elf64_Phdr& s : segments_) {
      if (s.p_type == PT_LOAD && offset >= s.p_offset && offset - s.p_offset < s.p_filesz)
        return offset - s.p_offset + s.p_vaddr;
    }
    return 0;
  }

  // Returns the name of the debug file in the section .gnu_debuglink, or an empty one.
  std::string debug_link() const {
    Elf64_Shdr one;
    return section_named(".gnu_debuglink", one) && one.sh_size <= kMaxLink ? text_at(one.sh_offset, one.sh_size) : "";
  }

  bool has_section(const std::string& name) const {
    Elf64_Shdr one;
    return section_named(name, one);
  }

  // Returns the file in the section .gnu_debugdata, or null. It has the symbols that .dynsym has not.
  std::unique_ptr<Elf> packed() const {
    Elf64_Shdr one;
    if (whole_ || !section_named(kPacked, one)) return nullptr;
    auto out = std::make_unique<Elf>(path_, unpacked(file_, one.sh_offset, one.sh_size));
    return out->whole() ? std::move(out) : nullptr;
  }

  std::string build_id() const {
    for (const Elf64_Phdr& s : segments_) {
      if (s.p_type != PT_NOTE) continue;
      std::string id = id_at(s.p_offset, s.p_filesz);
      if (!id.empty()) return id;
    }
    Elf64_Shdr one;  // the segments of a debug file lead nowhere
    for (unsigned i = 0; section(i, one); ++i) {
      std::string id = one.sh_type == SHT_NOTE ? id_at(one.sh_offset, one.sh_size) : "";
      if (!id.empty()) return id;
    }
    return {};
  }

 private:
  template <class T>
  bool load(std::uint64_t offset, T& into) const {
    return file_.read_at(static_cast<off_t>(offset), &into, sizeof into);
  }

  bool section(std::uint64_t i, Elf64_Shdr& into) const {
    return good_ && i < head_.e_shnum && load(head_.e_shoff + i * sizeof into, into);
  }

  bool section_named(const std::string& name, Elf64_Shdr& into) const {
    Elf64_Shdr names;
    if (!section(head_.e_shstrndx, names)) return false;
    for (unsigned i = 0; section(i, into); ++i) {
      if (into.sh_type == SHT_PROGBITS && into.sh_name < names.sh_size &&
          text_at(names.sh_offset + into.sh_name, name.size() + 1) == name)
        return true;
    }
    return false;
  }

  bool read_table(std::uint32_t type) {
    Elf64_Shdr table, names;
    for (unsigned i = 0; section(i, table); ++i) {
      if (table.sh_type == type && section(table.sh_link, names)) return read_symbols(table, names);
    }
    return false;
  }

  bool read_symbols(const Elf64_Shdr& table, const Elf64_Shdr& names) {
    std::vector<Elf64_Sym> some(4096);
    std::uint64_t left = std::min<std::uint64_t>(table.sh_size / sizeof(Elf64_Sym), kMaxSymbols);
    for (std::uint64_t at = table.sh_offset; left != 0; at += some.size() * sizeof(Elf64_Sym)) {
      some.resize(std::min<std::uint64_t>(left, some.size()));
      if (!file_.read_at(static_cast<off_t>(at), some.data(), some.size() * sizeof(Elf64_Sym))) return false;
      left -= some.size();
      for (const Elf64_Sym& s : some) {
        const unsigned type = ELF64_ST_TYPE(s.st_info);
        if ((type != STT_FUNC && type != STT_GNU_IFUNC) || s.st_shndx == SHN_UNDEF || s.st_size == 0) continue;
        if (s.st_name >= names.sh_size) continue;
        const auto max = static_cast<std::uint32_t>(std::min<std::uint64_t>(names.sh_size - s.st_name, kMaxName));
        symbols_.push_back({s.st_value, s.st_size, names.sh_offset + s.st_name, max});
      }
    }
    return !symbols_.empty();
  }

  // Returns a text of at most `bytes`, with its end. Empty if that lies outside of the file.
  std::string text_at(std::uint64_t offset, std::size_t bytes) const {
    std::string text(bytes, '\0');
    return file_.read_at(static_cast<off_t>(offset), text.data(), text.size()) ? text.c_str() : "";
  }

  std::string id_at(std::uint64_t offset, std::uint64_t bytes) const {
    if (bytes > kMaxNote) return {};
    std::string notes(bytes, '\0');
    return file_.read_at(static_cast<off_t>(offset), notes.data(), notes.size()) ? id_in(notes) : "";
  }

  static std::string id_in(const std::string& notes) {
    constexpr char kDigits[] = "0123456789abcdef";
    Elf64_Nhdr head;
    for (std::size_t at = 0; notes.size() - at >= sizeof head;) {
      std::memcpy(&head, notes.data() + at, sizeof head);
      at += sizeof head;
      const std::size_t name = (std::size_t{head.n_namesz} + 3) & ~std::size_t{3};
      const std::size_t body = (std::size_t{head.n_descsz} + 3) & ~std::size_t{3};
      if (name > notes.size() - at || body > notes.size() - at - name) return {};
      if (head.n_type == NT_GNU_BUILD_ID && notes.compare(at, 4, std::string("GNU\0", 4)) == 0) {
        std::string id;
        for (std::size_t i = 0; i < head.n_descsz; ++i) {
          const auto byte = static_cast<unsigned char>(notes[at + name + i]);
          id += {kDigits[byte >> 4], kDigits[byte & 15]};
        }
        return id;
      }
      at += name + body;
    }
    return {};
  }

  const std::string path_;
  File file_;
  bool good_ = false, whole_ = false;
  Elf64_Ehdr head_{};
  std::vector<Elf64_Phdr> segments_;
  std::vector<Symbol> symbols_;
};

std::vector<std::string> debug_files(const std::string& root, const std::string& path, const std::string& id,
                                     const std::string& link) {
  std::string by_id = "/.build-id/";
  by_id.append(id, 0, 2).append("/").append(id, 2).append(".debug");
  std::vector<std::string> out{root + kDebugFiles + by_id};
  if (!root.empty()) out.push_back(kDebugFiles + by_id);
  if (link.empty() || link.find('/') != std::string::npos) return out;
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  for (const std::string& folder : {directory, directory + ".debug/", kDebugFiles + directory})
    out.emplace_back(root).append(folder).append(link);
  return out;
}

// Returns the debug file of a file without all of its symbols, or null.
std::unique_ptr<Elf> debug_file_of(const Elf& elf, const std::string& root, const std::string& path,
                                   const std::string& id) {
  if (elf.whole() || id.size() <= 2) return nullptr;
  for (const std::string& candidate : debug_files(root, path, id, elf.debug_link())) {
    auto debug = std::make_unique<Elf>(candidate);
    if (debug->whole() && debug->build_id() == id) return debug;
  }
  return nullptr;
}

}  // namespace

FileNames names_in_file(const std::string& root, const std::string& path, const std::vector<std::uint64_t>& offsets) {
  const Elf elf(root + path);
  FileNames out;
  out.build_id = elf.build_id();
  const std::unique_ptr<Elf> debug = debug_file_of(elf, root, path, out.build_id);
  const Elf& named = debug ? *debug : elf;  // with the same addresses, but its segments have no bytes
  const std::unique_ptr<Elf> packed = named.packed();
  out.debug_file = named.path();
  out.has_dwarf = named.has_section(".debug_info") || named.has_section(".zdebug_info");
  out.is_packed = !named.whole() && !can_unpack() && named.has_section(kPacked);
  for (const std::uint64_t offset : offsets) {
    const std::uint64_t address = elf.address_of(offset);
    out.addresses.push_back(address);
    std::string name = packed && address != 0 ? packed->name_of(address) : "";
    out.names.push_back(name.empty() && address != 0 ? named.name_of(address) : std::move(name));
  }
  return out;
}

}  // namespace ashlar::reader

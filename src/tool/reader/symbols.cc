// tool, reader: dynamic symbol tables in memory (elf(5)), by GNU's hash table.
#include "tool/reader/symbols.h"

#include <elf.h>

#include <cstring>

namespace ashlar::reader {

namespace {

constexpr unsigned kMaxSegments = 64, kMaxEntries = 256, kMaxSteps = 4096;

std::uint32_t hash_of(std::string_view symbol) {
  std::uint32_t h = 5381;
  for (const char c : symbol) h = h * 33 + static_cast<unsigned char>(c);
  return h;
}

class Object {
 public:
  // The object whose first page is at `base`.
  Object(Source& source, std::uint64_t base) : source_(source), base_(base) {}

  bool defines(std::string_view symbol) {
    std::uint32_t head[4];  // number of buckets, first symbol, words of the filter, the filter's shift
    if (!find_tables() || !load(hashes_, head) || head[0] == 0) return false;
    const std::uint64_t buckets = hashes_ + sizeof head + std::uint64_t{head[2]} * sizeof(std::uint64_t);
    const std::uint64_t chains = buckets + std::uint64_t{head[0]} * sizeof(std::uint32_t);
    const std::uint32_t hash = hash_of(symbol);
    std::uint32_t index = 0;
    if (!load(buckets + hash % head[0] * sizeof index, index) || index < head[1]) return false;
    for (unsigned step = 0; step < kMaxSteps; ++step, ++index) {
      std::uint32_t here = 0;
      if (!load(chains + std::uint64_t{index - head[1]} * sizeof here, here)) return false;
      if ((here | 1) == (hash | 1) && is(index, symbol)) return true;
      if ((here & 1) != 0) return false;  // the bucket's last symbol
    }
    return false;
  }

 private:
  template <class T>
  bool load(std::uint64_t address, T& into) {
    return source_.read_constant(address, &into, sizeof into);
  }

  bool find_tables() {
    Elf64_Ehdr file;
    if (!load(base_, file) || std::memcmp(file.e_ident, ELFMAG, SELFMAG) != 0 || file.e_phnum > kMaxSegments)
      return false;
    const std::uint64_t bias = file.e_type == ET_DYN ? base_ : 0;
    for (unsigned i = 0; i < file.e_phnum; ++i) {
      Elf64_Phdr segment;
      if (!load(base_ + file.e_phoff + i * sizeof segment, segment)) return false;
      if (segment.p_type == PT_DYNAMIC) return read_dynamic(bias, bias + segment.p_vaddr);
    }
    return false;
  }

  bool read_dynamic(std::uint64_t bias, std::uint64_t address) {
    for (unsigned i = 0; i < kMaxEntries; ++i) {
      Elf64_Dyn entry;
      if (!load(address + i * sizeof entry, entry) || entry.d_tag == DT_NULL) break;
      // these are offsets until the dynamic linker has relocated the object, and then addresses
      const std::uint64_t at = entry.d_un.d_ptr < bias ? bias + entry.d_un.d_ptr : entry.d_un.d_ptr;
      if (entry.d_tag == DT_SYMTAB) symbols_ = at;
      if (entry.d_tag == DT_STRTAB) names_ = at;
      if (entry.d_tag == DT_GNU_HASH) hashes_ = at;
    }
    return symbols_ != 0 && names_ != 0 && hashes_ != 0;
  }

  bool is(std::uint32_t index, std::string_view symbol) {
    Elf64_Sym entry;
    if (!load(symbols_ + std::uint64_t{index} * sizeof entry, entry) || entry.st_shndx == SHN_UNDEF) return false;
    std::string name(symbol.size() + 1, '?');
    return source_.read_constant(names_ + entry.st_name, name.data(), name.size()) && name.c_str() == symbol;
  }

  Source& source_;
  std::uint64_t base_;
  std::uint64_t symbols_ = 0, names_ = 0, hashes_ = 0;
};

}  // namespace

std::vector<std::string> files_that_define(Source& source, std::string_view symbol) {
  std::vector<std::string> files;
  // a copy, as a read may make the source read its mappings anew
  const std::vector<Mapping> mappings = source.mappings();
  for (const Mapping& m : mappings) {
    if (m.offset != 0 || m.inode == 0 || !m.readable || m.shared || m.name.empty()) continue;
    if (!files.empty() && files.back() == m.name) continue;
    if (Object(source, m.start).defines(symbol)) files.push_back(m.name);
  }
  return files;
}

}  // namespace ashlar::reader

// tool: program files: search in PATH, and whether the dynamic linker will apply LD_PRELOAD (ld.so(8), elf(5)).
#include "tool/program.h"

#include <elf.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace ashlar::tool {

namespace {

constexpr std::size_t kMaxHead = 4096;                 // program headers and "#!" lines are searched in these bytes
constexpr int kMaxScripts = 4;                         // levels of "#!", the kernel's limit (BINPRM_MAX_RECURSION)
constexpr const char* kDefaultPath = "/bin:/usr/bin";  // execvp(3), when PATH is not set

bool is_file(const std::string& path) {
  struct stat s = {};
  return stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode);
}

std::string head_of(const std::string& file) {
  if (!is_file(file)) return {};  // a "#!" line may name anything
  std::ifstream in(file, std::ios::binary);
  std::string head(kMaxHead, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  return head;
}

// Returns the interpreter of a "#!" line, or an empty text.
std::string script_interpreter(const std::string& head) {
  if (head.compare(0, 2, "#!") != 0) return {};
  std::istringstream line(head.substr(2, head.find('\n') - 2));
  std::string name;
  line >> name;
  // env(1) executes its first word that is neither an option nor an assignment.
  if (name.size() < 4 || name.compare(name.size() - 4, 4, "/env") != 0) return name;
  std::string word;
  while (line >> word) {
    if (word[0] != '-' && word.find('=') == std::string::npos) return find_program(word).value_or("");
  }
  return name;
}

template <class T>
bool read_at(const std::string& head, std::size_t at, T& out) {
  if (at > head.size() || head.size() - at < sizeof(T)) return false;
  std::memcpy(&out, head.data() + at, sizeof(T));
  return true;
}

// Finds the dynamic linker that an ELF file names (PT_INTERP). Returns false if the headers lie beyond `head`.
bool elf_interpreter(const std::string& head, const Elf64_Ehdr& elf, std::string& name) {
  for (unsigned i = 0; i < elf.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!read_at(head, elf.e_phoff + std::size_t{i} * elf.e_phentsize, segment)) return false;
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_offset >= head.size()) return false;
    name = head.c_str() + segment.p_offset;
    return true;
  }
  return true;
}

std::string why_not_elf(const std::string& head) {
  Elf64_Ehdr elf;
  if (!read_at(head, 0, elf) || std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0) return {};
  if (elf.e_ident[EI_CLASS] != ELFCLASS64) return "is a 32-bit program";
  std::string interpreter;
  if (!elf_interpreter(head, elf, interpreter)) return {};
  if (interpreter.empty()) return "is statically linked";
  if (interpreter.find("/ld-musl") != std::string::npos) return "is linked with musl, not with glibc";
  return {};
}

// Returns why the kernel sets AT_SECURE for a file, or an empty text. With AT_SECURE, the dynamic linker ignores paths
// in LD_PRELOAD.
std::string why_not_secure(const std::string& file) {
  struct stat s = {};
  if (stat(file.c_str(), &s) != 0) return {};
  if ((s.st_mode & S_ISUID) != 0 && s.st_uid != getuid()) return "is set-user-ID";
  if ((s.st_mode & S_ISGID) != 0 && s.st_gid != getgid()) return "is set-group-ID";
  if (getuid() != 0 && getxattr(file.c_str(), "security.capability", nullptr, 0) > 0) return "has file capabilities";
  return {};
}

}  // namespace

std::optional<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return is_file(name) ? std::optional(name) : std::nullopt;
  const char* const path = std::getenv("PATH");
  // a final colon makes getline return an empty last folder, which means the current one
  std::istringstream folders(std::string(path != nullptr ? path : kDefaultPath) + ":");
  std::optional<std::string> second_best;
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string file = (folder.empty() ? "." : folder) + "/" + name;
    if (!is_file(file)) continue;
    if (access(file.c_str(), X_OK) == 0) return file;
    if (!second_best) second_best = file;
  }
  return second_best;
}

bool is_library(const std::string& file) {
  Elf64_Ehdr elf;
  return read_at(head_of(file), 0, elf) && std::memcmp(elf.e_ident, ELFMAG, SELFMAG) == 0 &&
         elf.e_ident[EI_CLASS] == ELFCLASS64 && elf.e_type == ET_DYN;
}

std::string why_not_preloaded(const std::string& file) {
  std::string at = file;
  for (int i = 0; i <= kMaxScripts && !at.empty(); ++i) {
    const std::string head = head_of(at);
    const std::string next = script_interpreter(head);
    if (next.empty()) {
      const std::string secure = why_not_secure(at);
      return secure.empty() ? why_not_elf(head) : secure;
    }
    at = next;
  }
  return {};
}

}  // namespace ashlar::tool

// tool, reader: what live processes and core files share.
#include "tool/reader/source.h"

#include <signal.h>

#include <cerrno>

namespace ashlar::reader {

bool exists(pid_t pid) { return kill(pid, 0) == 0 || errno != ESRCH; }

std::string single_line(std::string name) {
  for (std::size_t at = 0; (at = name.find('\n', at)) != name.npos;) name.replace(at, 1, "\\x0a");
  return name;
}

const Mapping* Source::mapping_at(std::uint64_t address) const { return around(mappings_, address); }

bool Source::read(std::uint64_t address, void* to, std::size_t n) {
  Piece piece{address, to, n};
  read_all({&piece, 1});
  return piece.done;
}

}  // namespace ashlar::reader

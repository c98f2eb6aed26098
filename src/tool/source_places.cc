// tool: DWARF data by libdw, in a child.
#include "tool/source_places.h"

#ifndef ASHLAR_LIBDW

namespace ashlar::tool {

bool finds_places() { return false; }

std::vector<std::vector<SourcePlace>> places_in_file(const std::string&, const std::vector<std::uint64_t>& addresses) {
  return std::vector<std::vector<SourcePlace>>(addresses.size());
}

}  // namespace ashlar::tool

#else

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>

#include <fmt/format.h>

#include "base/units.h"
#include "tool/reader/file.h"
#include "tool/reader/names.h"

namespace ashlar::tool {

namespace {

using Places = std::vector<SourcePlace>;

constexpr std::size_t kMaxPlaces = 64, kMaxAnswer = 64_MiB;
constexpr rlim_t kMaxSeconds = 20, kMaxAddressSpace = 4_GiB;

std::uint32_t bounded(std::uint64_t line) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(line, UINT32_MAX));
}

std::string name_of(Dwarf_Die& die) {
  Dwarf_Attribute attribute;
  for (const unsigned which : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    if (dwarf_attr_integrate(&die, which, &attribute) == nullptr) continue;
    if (const char* const name = dwarf_formstring(&attribute)) return reader::shown_name(name);
  }
  const char* const name = dwarf_diename(&die);
  return name != nullptr ? reader::shown_name(name) : "";
}

std::uint64_t number_of(Dwarf_Die& die, unsigned which) {
  Dwarf_Attribute attribute;
  Dwarf_Word number = 0;
  if (dwarf_attr(&die, which, &attribute) == nullptr || dwarf_formudata(&attribute, &number) != 0) return 0;
  return number;
}

// Returns the place from which an inlined function is called, without the name of the caller.
SourcePlace call_of(Dwarf_Die& inlined, Dwarf_Die& unit) {
  SourcePlace place;
  place.line = bounded(number_of(inlined, DW_AT_call_line));
  Dwarf_Files* files = nullptr;
  if (dwarf_getsrcfiles(&unit, &files, nullptr) != 0) return place;
  const char* const file = dwarf_filesrc(files, number_of(inlined, DW_AT_call_file), nullptr, nullptr);
  if (file != nullptr) place.file = reader::shown_name(file);
  return place;
}

SourcePlace line_at(Dwarf_Die& unit, std::uint64_t address) {
  SourcePlace place;
  int number = 0;
  Dwarf_Line* const line = dwarf_getsrc_die(&unit, address);
  if (line == nullptr) return place;
  if (dwarf_lineno(line, &number) == 0 && number > 0) place.line = static_cast<std::uint32_t>(number);
  if (const char* const file = dwarf_linesrc(line, nullptr, nullptr)) place.file = reader::shown_name(file);
  return place;
}

struct Scopes {
  Dwarf_Die* all = nullptr;
  int count = 0;
  Scopes() = default;
  ~Scopes() { std::free(all); }
  Scopes(const Scopes&) = delete;
  Scopes& operator=(const Scopes&) = delete;
};

Places places_at(Dwarf_Die& unit, std::uint64_t address) {
  Places out;
  Scopes around, outward;  // the first one goes from an inlined function to where it is declared
  around.count = dwarf_getscopes(&unit, address, &around.all);
  if (around.count <= 0) return out;
  outward.count = dwarf_getscopes_die(&around.all[0], &outward.all);
  SourcePlace place = line_at(unit, address);
  for (int i = 0; i < outward.count && out.size() < kMaxPlaces; ++i) {
    Dwarf_Die& scope = outward.all[i];
    const int tag = dwarf_tag(&scope);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
    place.function = name_of(scope);
    out.push_back(std::move(place));
    if (tag == DW_TAG_subprogram) break;
    place = call_of(scope, unit);
  }
  return out;
}

// Returns each unit that has some of the addresses, with these. The file's own index of units is not used, as compilers
// leave it out.
std::map<Dwarf_Off, std::vector<std::uint64_t>> units_with(Dwarf* data, const std::vector<std::uint64_t>& ascending) {
  std::map<Dwarf_Off, std::vector<std::uint64_t>> out;
  std::size_t head = 0;
  for (Dwarf_Off at = 0, next = 0; dwarf_nextcu(data, at, &next, &head, nullptr, nullptr, nullptr) == 0; at = next) {
    Dwarf_Die unit;
    if (dwarf_offdie(data, at + head, &unit) == nullptr) continue;
    Dwarf_Addr base = 0, low = 0, high = 0;
    for (ptrdiff_t range = 0; (range = dwarf_ranges(&unit, range, &base, &low, &high)) > 0;) {
      auto address = std::lower_bound(ascending.begin(), ascending.end(), low);
      for (; address != ascending.end() && *address < high; ++address) out[at + head].push_back(*address);
    }
  }
  return out;
}

// A line for each place: the address, the source's line, the function and the file, with tabs between them.
std::string look(int file, std::vector<std::uint64_t> addresses) {
  std::sort(addresses.begin(), addresses.end());
  std::string out;
  const std::unique_ptr<Dwarf, int (*)(Dwarf*)> data(dwarf_begin(file, DWARF_C_READ), dwarf_end);
  if (!data) return out;
  for (const auto& [at, inside] : units_with(data.get(), addresses)) {
    Dwarf_Die unit;
    if (dwarf_offdie(data.get(), at, &unit) == nullptr) continue;
    for (const std::uint64_t address : inside) {
      for (const SourcePlace& place : places_at(unit, address))
        out += fmt::format("{:x}\t{}\t{}\t{}\n", address, place.line, place.function, place.file);
    }
  }
  return out;
}

[[noreturn]] void answer(int to, int file, const std::vector<std::uint64_t>& addresses) {
  const auto limit = [](auto which, rlim_t max) {
    const struct rlimit both = {max, max};
    setrlimit(which, &both);
  };
  limit(RLIMIT_CPU, kMaxSeconds);
  limit(RLIMIT_AS, kMaxAddressSpace);
  limit(RLIMIT_CORE, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_DFL);
  const std::string text = look(file, addresses);
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t n = write(to, rest.data(), rest.size());
    if (n <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  _exit(0);
}

std::string_view take_field(std::string_view& line) {
  const std::size_t end = std::min(line.find('\t'), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

template <class Number>
Number number_in(std::string_view text, int base) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

std::map<std::uint64_t, Places> parsed(std::string_view text) {
  std::map<std::uint64_t, Places> out;
  for (std::size_t end = 0; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
    std::string_view line = text.substr(0, end);
    const auto address = number_in<std::uint64_t>(take_field(line), 16);
    SourcePlace place;
    place.line = number_in<std::uint32_t>(take_field(line), 10);
    place.function = take_field(line);
    place.file = take_field(line);
    out[address].push_back(std::move(place));
  }
  return out;
}

std::string read_answer(int from) {
  std::string text;
  char buffer[65536];
  while (text.size() < kMaxAnswer) {
    const ssize_t n = read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

std::string ask_child(const reader::File& file, const std::vector<std::uint64_t>& addresses) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  const pid_t child = fork();
  if (child == 0) answer(ends[1], file.get(), addresses);
  close(ends[1]);
  std::string text = child > 0 ? read_answer(ends[0]) : "";
  close(ends[0]);
  while (child > 0 && waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return text;
}

}  // namespace

bool finds_places() { return true; }

std::vector<Places> places_in_file(const std::string& path, const std::vector<std::uint64_t>& addresses) {
  std::vector<Places> out(addresses.size());
  const reader::File file = reader::File::regular(path);
  if (!file) return out;
  const std::map<std::uint64_t, Places> found = parsed(ask_child(file, addresses));
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (const auto places = found.find(addresses[i]); places != found.end()) out[i] = places->second;
  }
  return out;
}

}  // namespace ashlar::tool

#endif

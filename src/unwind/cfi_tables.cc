// unwind: reads the tables for exceptions. A sorted index of functions leads to the one around an address.
#include "unwind/cfi_tables.h"

#include <cstring>

namespace ashlar::unwind {

namespace {

constexpr std::uint8_t kOmitted = 0xff, kPcRelative = 0x10, kDataRelative = 0x30, kIndirect = 0x80;

}  // namespace

std::uintptr_t read_encoded(Cursor& at, std::uint8_t encoding, std::uintptr_t data) {
  if (encoding == kOmitted) return 0;
  const std::uintptr_t here = at.address();
  std::uintptr_t value = 0;
  switch (encoding & 0x0f) {
    case 0x00:
    case 0x04:
    case 0x0c: value = at.fixed<std::uint64_t>(); break;
    case 0x01: value = at.uleb(); break;
    case 0x02: value = at.fixed<std::uint16_t>(); break;
    case 0x03: value = at.fixed<std::uint32_t>(); break;
    case 0x09: value = static_cast<std::uintptr_t>(at.sleb()); break;
    case 0x0a: value = static_cast<std::uintptr_t>(std::int64_t{at.fixed<std::int16_t>()}); break;
    case 0x0b: value = static_cast<std::uintptr_t>(std::int64_t{at.fixed<std::int32_t>()}); break;
    default: at.fail(); return 0;
  }
  if ((encoding & 0x70) == kPcRelative) value += here;
  if ((encoding & 0x70) == kDataRelative) value += data;
  if ((encoding & kIndirect) != 0) at.fail();
  return value;
}

namespace {

// Returns the index's entry for the last function that starts at or before an address, or 0. Also returns 0 where the
// index is not made of pairs of 32-bit offsets from itself (0x3b), as all linkers write it.
std::uintptr_t find_entry(const Tables& tables, std::uintptr_t code) {
  Cursor at(tables.index, tables.end);
  const auto version = at.fixed<std::uint8_t>();
  const auto frame_encoding = at.fixed<std::uint8_t>(), count_encoding = at.fixed<std::uint8_t>();
  const auto table_encoding = at.fixed<std::uint8_t>();
  read_encoded(at, frame_encoding, tables.index);
  const std::uint64_t count = read_encoded(at, count_encoding, tables.index);
  if (!at.good() || version != 1 || table_encoding != (kDataRelative | 0x0b)) return 0;
  if (count == 0 || count > (tables.end - at.address()) / 8) return 0;
  const std::uintptr_t first = at.address();
  const auto word = [&](std::uint64_t i) {
    std::int32_t offset = 0;
    std::memcpy(&offset, reinterpret_cast<const void*>(first + 4 * i), sizeof offset);
    return tables.index + static_cast<std::uintptr_t>(std::int64_t{offset});
  };
  std::uint64_t low = 0, high = count;
  while (low < high) {
    const std::uint64_t middle = (low + high) / 2;
    if (word(2 * middle) <= code) low = middle + 1;
    else high = middle;
  }
  return low == 0 ? 0 : word(2 * low - 1);
}

// Opens an entry, which starts with its length. The 64-bit form does not occur.
Cursor open_entry(const Tables& tables, std::uintptr_t address) {
  Cursor at(address, tables.end);
  const auto length = at.fixed<std::uint32_t>();
  if (address < tables.start || length == 0 || length == UINT32_MAX || length > tables.end - at.address()) at.fail();
  return at.good() ? Cursor(at.address(), at.address() + length) : at;
}

bool read_common(const Tables& tables, std::uintptr_t address, Function& function) {
  Cursor at = open_entry(tables, address);
  if (at.fixed<std::uint32_t>() != 0) return false;
  const auto version = at.fixed<std::uint8_t>();
  char letters[8] = {};
  for (unsigned i = 0; i < sizeof letters && at.good(); ++i) {
    letters[i] = static_cast<char>(at.fixed<std::uint8_t>());
    if (letters[i] == '\0') break;
    if (i + 1 == sizeof letters) return false;
  }
  function.code_unit = at.uleb();
  function.data_unit = at.sleb();
  function.return_register = version == 1 ? at.fixed<std::uint8_t>() : static_cast<unsigned>(at.uleb());
  function.has_length = letters[0] == 'z';
  if (letters[0] != '\0' && !function.has_length) return false;
  const std::uint64_t length = function.has_length ? at.uleb() : 0;
  const std::uintptr_t end = at.address() + length;
  for (const char* letter = letters + 1; function.has_length && *letter != '\0' && at.good(); ++letter) {
    if (*letter == 'R') {
      function.encoding = at.fixed<std::uint8_t>();
    } else if (*letter == 'P') {
      const auto encoding = static_cast<std::uint8_t>(at.fixed<std::uint8_t>() & ~kIndirect);
      read_encoded(at, encoding, 0);
    } else if (*letter == 'L') {
      at.fixed<std::uint8_t>();
    } else if (*letter == 'S') {
      function.of_signal = true;
    } else {
      return false;
    }
  }
  at.go_to(end);
  function.common = at;
  return at.good() && function.return_register < kRegisters;
}

}  // namespace

bool read_function(const Tables& tables, std::uintptr_t code, Function& function) {
  function.entry = find_entry(tables, code);
  if (function.entry == 0) return false;
  Cursor at = open_entry(tables, function.entry);
  const std::uintptr_t here = at.address();
  const auto back = at.fixed<std::uint32_t>();
  if (!at.good() || back == 0 || back > here - tables.start) return false;
  if (!read_common(tables, here - back, function)) return false;
  function.start = read_encoded(at, function.encoding, tables.index);
  function.bytes = read_encoded(at, function.encoding & 0x0f, 0);
  if (function.has_length) {
    const std::uint64_t length = at.uleb();
    at.go_to(at.address() + length);
  }
  function.own = at;
  return at.good() && code >= function.start && code - function.start < function.bytes;
}

}  // namespace ashlar::unwind

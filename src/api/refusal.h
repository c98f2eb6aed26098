// api, private: writes the message and sets the errno of a refused call.
#pragma once

#include <cerrno>
#include <utility>

#include "os/os.h"

namespace ashlar::api {

// Writes "CALLER: WHY" and sets errno. Returns null for the caller to return.
inline std::nullptr_t refuse(std::string_view caller, std::string_view why) {
  Text<300> line;
  line << caller << ": " << why;
  os::say(line.view());
  errno = EINVAL;
  return nullptr;
}

// What follows the path of a swap area that is to be encrypted and cannot be.
inline constexpr std::string_view kNoEncryption =
    " is in no file system that encrypts a new folder (fscrypt): expected ext4 or f2fs with the feature encrypt, and a "
    "folder that is not encrypted; else use a folder on dm-crypt, without encryption by Ashlar";

// The same with a number that is out of range: "CALLER: WHAT N END".
template <class Number>
[[gnu::cold]] std::nullptr_t refuse_number(std::string_view caller, std::string_view what, Number n,
                                           std::string_view end) {
  const auto magnitude = static_cast<std::uint64_t>(n);
  Text<200> why;
  if (std::cmp_less(n, 0)) why << what << "-" << 0 - magnitude;
  else why << what << magnitude;
  why << end;
  refuse(caller, why.view());
  return nullptr;
}

// The same for flags: "CALLER: unknown flags 0x…: expected KNOWN".
[[gnu::cold]] inline std::nullptr_t refuse_flags(std::string_view caller, unsigned flags, std::string_view known) {
  Text<200> why;
  why << "unknown flags ";
  why.hex(flags) << ": expected " << known;
  refuse(caller, why.view());
  return nullptr;
}

// The same with an address in between: "CALLER: 0x… WHY".
inline void refuse_address(std::string_view caller, const void* p, std::string_view why) {
  Text<300> line;
  line << caller << ": ";
  line.pointer(p) << " " << why;
  os::say(line.view());
  errno = EINVAL;
}

// Appends a number with its sign.
template <class Line>
Line& write_signed(Line& line, int n) {
  if (n < 0) line << "-";
  return line << static_cast<std::uint64_t>(n < 0 ? -static_cast<std::int64_t>(n) : n);
}

}  // namespace ashlar::api

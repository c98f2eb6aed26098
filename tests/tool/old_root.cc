// Is a program with a root block of an older version of Ashlar, which takes no requests.
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <initializer_list>

#include "stats/format.h"

namespace {
using ashlar::format::Root;
char words[4096];

constexpr unsigned kTables = ashlar::format::kFirstTables, kFields = ashlar::format::kFirstFields;

// The head of a block, followed by this many rows of each kind.
struct alignas(16) Old {
  char head[offsetof(Root, tables)];
  ashlar::format::TableInfo tables[kTables];
  ashlar::format::FieldInfo fields[kFields];
  std::uint16_t class_sizes[ashlar::format::kMaxClasses];
} old_root;
}  // namespace

int main() {
  Root head{};
  std::memcpy(head.magic, ashlar::format::kMagic, sizeof head.magic);
  head.self = reinterpret_cast<const Root*>(&old_root);
  head.version = ashlar::format::kOldestVersion;
  head.bytes = sizeof old_root;
  std::strcpy(head.library_version, "0.1.9");
  head.page_shift = 12;
  head.classes = 2;
  head.tables_used = kTables;
  head.fields_used = kFields;
  std::memcpy(old_root.head, &head, sizeof old_root.head);
  for (auto& table : old_root.tables) table = {words, 16, 2};
  using ashlar::format::Field;
  for (const Field f : {Field::kOptionName, Field::kOptionUnit}) old_root.fields[static_cast<unsigned>(f)] = {0, 16};
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 1;
  char c;
  return read(STDIN_FILENO, &c, 1) < 0 ? 1 : 0;
}

// os: files whose contents the kernel encrypts (its Documentation/filesystems/fscrypt.rst). Only folders get a policy,
// which files made in them inherit. So a file is made in a folder of its own, which is removed at once.
//
// The key is random, and nobody but the kernel has it. Once the file is open, its key is removed from the file system:
// the kernel keeps what it derived for this one file until the last descriptor and mapping of it end, even if the
// process is killed. From then on nobody can read what is on the disk.
#include <fcntl.h>
#include <linux/ioctl.h>

#include <cstring>
#include <string_view>

#include "base/hints.h"
#include "base/text.h"
#include "os/call.h"
#include "os/mapped_file.h"

namespace ashlar::os {

namespace {

// As in linux/fscrypt.h, which headers before Linux 5.4 lack.
struct KeySpecifier {
  std::uint32_t type, reserved;
  std::uint8_t identifier[32];
};
struct AddKey {
  KeySpecifier specifier;
  std::uint32_t raw_size, key_id, reserved[8];
  std::uint8_t raw[64];
};
struct RemoveKey {
  KeySpecifier specifier;
  std::uint32_t status, reserved[5];
};
struct Policy {
  std::uint8_t version, contents_mode, names_mode, flags, data_unit, reserved[3], identifier[16];
};
constexpr std::size_t kAddKeyBytes = sizeof(AddKey) - sizeof AddKey::raw;
static_assert(kAddKeyBytes == 80 && sizeof(RemoveKey) == 64 && sizeof(Policy) == 24, "the kernel's ABI");
constexpr unsigned long kAddKey = _IOC(_IOC_READ | _IOC_WRITE, 'f', 23, kAddKeyBytes);
constexpr unsigned long kRemoveKey = _IOC(_IOC_READ | _IOC_WRITE, 'f', 24, sizeof(RemoveKey));
constexpr unsigned long kSetPolicy = _IOC(_IOC_READ, 'f', 19, 12);
constexpr std::uint32_t kByIdentifier = 2;
constexpr std::uint8_t kAes256Xts = 1, kAes256Cts = 4, kPadTo32 = 3, kVersion = 2;

void wipe(void* p, std::size_t bytes) {
  std::memset(p, 0, bytes);
  asm volatile("" : : "r"(p) : "memory");  // so that it is not left out
}

int ask(int file, unsigned long request, void* argument) {
  return call::number(SYS_ioctl, file, request, argument) == 0 ? 0 : errno;
}

bool fill_randomly(void* p, std::size_t bytes) {
  return call::number(SYS_getrandom, p, bytes, 0) == static_cast<long>(bytes);
}

// Gives the file system a random key. 0, or an errno.
int add_key(int folder, KeySpecifier& made) {
  AddKey key{};
  key.specifier.type = kByIdentifier;
  key.raw_size = sizeof key.raw;
  const int error = fill_randomly(key.raw, sizeof key.raw) ? ask(folder, kAddKey, &key) : errno;
  made = key.specifier;
  wipe(&key, sizeof key);
  return error;
}

int set_policy(int folder, const KeySpecifier& key) {
  Policy policy{};
  policy.version = kVersion;
  policy.contents_mode = kAes256Xts;
  policy.names_mode = kAes256Cts;
  policy.flags = kPadTo32;
  std::memcpy(policy.identifier, key.identifier, sizeof policy.identifier);
  return ask(folder, kSetPolicy, &policy);
}

int open_in(int folder, const char* name, int flags) {
  const long file = call::number(SYS_openat, folder, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
  return file < 0 ? -errno : static_cast<int>(file);
}

// A file without a name in a folder, or a negative errno.
int open_nameless(int folder) {
  int file = open_in(folder, ".", O_RDWR | O_TMPFILE);
  if (file >= 0 || (file != -EOPNOTSUPP && file != -EISDIR)) return file;
  file = open_in(folder, "area", O_RDWR | O_CREAT | O_EXCL);
  if (file >= 0) call::number(SYS_unlinkat, folder, "area", 0);
  return file;
}

// An encrypted file in an empty folder without a policy, or a negative errno.
int make_in(int folder) {
  KeySpecifier key{};
  if (const int error = add_key(folder, key)) return -error;
  const int error = set_policy(folder, key);
  const int file = error != 0 ? -error : open_nameless(folder);
  RemoveKey gone{};
  gone.specifier = key;
  const int left = ask(folder, kRemoveKey, &gone);
  if (file < 0 || left == 0) return file;
  call::close(file);
  return -left;
}

// The folder that a path names, or the one around a file of that name, which must be new. A negative errno else.
int open_folder(const char* path) {
  const int folder = open_in(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  if (folder != -ENOENT) return folder == -ENOTDIR ? -EEXIST : folder;
  const std::size_t slash = std::string_view(path).rfind('/');
  char parent[4096] = ".";
  const bool has_folder = slash != std::string_view::npos;
  const std::size_t length = !has_folder || slash == 0 ? 1 : slash;
  if (length >= sizeof parent) return -ENAMETOOLONG;
  if (has_folder) std::memcpy(parent, path, length);
  parent[length] = 0;
  return open_in(AT_FDCWD, parent, O_PATH | O_DIRECTORY);
}

// What file systems answer that cannot encrypt, that were made without, or whose folder has another key already.
int as_not_supported(int error) { return error == ENOTTY || error == EEXIST || error == EINVAL ? EOPNOTSUPP : error; }

}  // namespace

int open_encrypted(const char* path) {
  const int around = open_folder(path);
  if (around < 0) return around;
  std::uint64_t number = 0;
  int file = -EIO;
  if (fill_randomly(&number, sizeof number)) {
    Text<64> text;
    text << ".ashlar-" << std::uint64_t{process_number()} << "-" << number;
    char name[64] = {};
    std::memcpy(name, text.view().data(), text.view().size());
    if (call::number(SYS_mkdirat, around, name, 0700) != 0) {
      file = -errno;
    } else {
      const int folder = open_in(around, name, O_RDONLY | O_DIRECTORY);
      file = folder < 0 ? folder : make_in(folder);
      if (folder >= 0) call::close(folder);
      if (file < 0) file = -as_not_supported(-file);
      call::number(SYS_unlinkat, around, name, AT_REMOVEDIR);
    }
  }
  call::close(around);
  return file;
}

}  // namespace ashlar::os

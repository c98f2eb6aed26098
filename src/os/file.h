// os: files: settings, profiles and traces that are written, and what backs swap areas. os.h includes this header, and
// its contract holds here too.
//
// Defined in file.cc, mapped_file.cc and swap_file.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ashlar::os {

// Opens a file of settings: a regular file that belongs to root or to the process's user and that nobody else may
// write, since what others can write must not steer this process. Returns a descriptor, or less than 0.
[[nodiscard]] int open_settings(const char* path);
// Returns the contents of the file, at most `size` bytes.
[[nodiscard, gnu::cold]] std::string_view read_settings(int file, char* buffer, std::size_t size);

// Makes an empty file, or empties an existing one, that only its owner may read. Returns a descriptor, or a negative
// errno.
[[nodiscard]] int create_file(const char* path);

// Like create_file, for a file that nobody else can have open: an existing file is removed first, and no link is
// followed.
[[nodiscard]] int create_new_file(const char* path);

// Returns whether the name is that of something that is no regular file: a link, a pipe, a device.
[[nodiscard]] bool is_special_file(const char* path);

// Renames a file, and replaces a file that has the new name. Returns 0, or an errno.
[[nodiscard]] int rename_file(const char* from, const char* to);
void remove_file(const char* path);

// write_file writes all of a text; copy_mappings writes the lines of proc_pid_maps(5). All three return 0, or an errno:
// EFBIG, not a signal, beyond RLIMIT_FSIZE.
[[nodiscard]] int write_file(int file, std::string_view text);
[[nodiscard]] int copy_mappings(int to);
int close_file(int file);

// Files that are written through mappings, so that nothing is lost when the process dies. A file is identified by its
// numbers, since its name may come to lead to another one. It is opened for each call, since programs close descriptors
// that they do not know. Not available under mmap_only.
struct FileId {
  std::uint64_t device = 0, number = 0;
};
// Makes a file that only its owner may read; the name must be new. Returns 0, or an errno (EEXIST).
[[nodiscard]] int make_file(const char* path, FileId& made);
// Reserves zero-filled room in the file and maps it. A forked child does not have the mapping. `offset` and `bytes` are
// multiples of the kernel's page. Returns 0, or an errno. A full disk or a limit (RLIMIT_FSIZE) causes no signal
// (SIGBUS, SIGXFSZ).
[[nodiscard]] int map_file(const char* path, FileId file, std::uint64_t offset, std::size_t bytes, void*& at);

// --- Swap areas (swap_file.cc)

// An open file that backs a swap area, identified like the files above.
struct SwapFile {
  int number = -1;
  FileId id;
};
// Makes a sparse file of `bytes` that only its owner may read. If `path` is a folder, the file has no name. Otherwise
// it gets the name `path`, which must be new and is removed at once unless the file is to be kept. Nobody can read what
// is on the disk of an encrypted one once it is closed and no process maps it (fscrypt). Returns 0, or an errno: ENOSYS
// under mmap_only, EFBIG, not a signal, beyond RLIMIT_FSIZE, EOPNOTSUPP where the file system does not encrypt.
enum class SwapFileKind : std::uint8_t { kNameless, kKept, kEncrypted };
[[nodiscard]] int make_swap_file(const char* path, std::uint64_t bytes, SwapFileKind kind, SwapFile& made);
// Maps the file's first `bytes`, shared, over the mapping at `at`. A forked child does not have it. Returns 0, or an
// errno.
[[nodiscard]] int map_swap_file(const SwapFile& file, void* at, std::size_t bytes);
// Reserves room on the disk for a part that is a hole, so that no write through the mapping fails. Returns 0, or an
// errno: EBADF where the program closed the descriptor.
[[nodiscard]] int reserve_swap(const SwapFile& file, std::uint64_t offset, std::size_t bytes);
// Makes pages of such a mapping a hole again, which reads as zero. Like `purge`, without its fallbacks.
bool punch(std::uintptr_t& start, std::size_t& bytes);
// Tells the kernel that pages of such a mapping will not be used for a while: it takes them before others (MADV_COLD),
// or at once where they are to go out (MADV_PAGEOUT). 0, or an errno: EINVAL before Linux 5.4.
[[nodiscard]] int advise_idle(std::uintptr_t start, std::size_t bytes, bool out);
// Copies a part of a file, which is mapped at `memory`, to the same place of another one. 0, or an errno.
[[nodiscard]] int copy_swap(const SwapFile& from, const SwapFile& to, std::uint64_t offset, std::size_t bytes,
                            const void* memory);
void close_swap_file(const SwapFile& file);

// Why the system refused a file, for messages: of the errors that users can mend, else empty.
[[nodiscard]] std::string_view text_of(int error);

// The current folder (getcwd(3)) with a zero byte behind it; false where it does not fit or cannot be told.
[[nodiscard]] bool current_folder(char* into, std::size_t bytes);

}  // namespace ashlar::os

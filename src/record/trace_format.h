// record: the file of a trace. The core writes it, the `ashlar` command reads it.
//
//   FileHeader … up to header_bytes │ chunk │ chunk │ …       a chunk: ChunkHeader, records, zeros up to its end
//
// A chunk is one thread's at a time, and can be read alone. Where one was not begun there are zeros, of a multiple of
// page_bytes. Numbers in records are varints: seven bits a byte, the lowest first, the high bit set in all except the
// last. Differences are zigzag-coded: 0, -1, 1, -2, … are 0, 1, 2, 3, ….
//
// A record is a byte of op and flags, and then, each if it is there:
//
//   kGap         varint: the sequence numbers left out since the thread's record before
//   allocation   varint: bytes │ kAligned: a byte, the alignment's logarithm │ unless kFailed: address
//   free         address │ kTouched: varint, see below
//   realloc      address of the old block │ varint: bytes │ kAligned: varint, the sequence numbers left out between its
//                own two │ unless kFailed: difference of the new address from the old
//   time         varint: nanoseconds since the time before │ varint: processor
//   thread       varint: the number of the thread whose records follow
//   left         address │ varint, see below: the block lives when the process exits
//
// An address is the difference from the address before it in the chunk, in units of 16 bytes, or with kFine of a byte.
// All calls of a process are numbered: a free before it happens, an allocation after it happened, a realloc both times.
// So what became of an address is in the order of the numbers.
//
// Of a block of more than kMinTouched bytes it is written how much of it is resident or swapped out when it ends, in
// units of kTouchUnit bytes, unless that is all of it or is not known. Files of version 1 have neither this nor what
// is left.
#pragma once

#include <cstdint>

namespace ashlar::record {

inline constexpr char kMagic[8] = {'A', 's', 'h', 'T', 'r', 'a', 'c', 'e'};
inline constexpr std::uint32_t kVersion = 2, kOldestVersion = 1;
inline constexpr std::uint32_t kChunkMagic = 0x6b6e6843;  // "Chnk"
inline constexpr unsigned kUnitShift = 4;                 // addresses are counted by 16 bytes
inline constexpr std::uint32_t kCallsPerTime = 64;        // a record of the time comes each so many of a thread's calls

struct FileHeader {
  char magic[8];
  std::uint32_t version;
  std::uint32_t header_bytes;  // where the first chunk lies
  std::uint32_t page_bytes;
  std::uint32_t process;
  std::uint64_t seconds;  // since 1970, when the trace began
  std::uint64_t ns;       // the clock of the times then
  char name[16];          // of the thread that began it
  std::uint32_t ended;    // an errno: nothing more could be written; 0 while it can
  std::uint32_t parent;   // 1: a forked child's, whose parent was recorded
  std::uint32_t live;     // 1: begun in a process that ran; blocks of before may be freed and resized
  std::uint32_t stopped;  // 1: a request ended it, and nothing more is written
};

struct ChunkHeader {
  std::uint32_t magic;
  std::uint32_t bytes;
  std::uint32_t thread;  // 0: threads past their end
  std::uint32_t processor;
  std::uint64_t sequence;  // the first record's number is one more, and its gap
  std::uint64_t ns;
};

enum class Op : std::uint8_t {
  kEnd = 0,
  kMalloc,
  kCalloc,
  kAligned,  // aligned_alloc and its relatives
  kNew,
  kNewArray,
  kRealloc,
  kFree,
  kDelete,
  kDeleteArray,
  kTime,
  kThread,
  kLeft,
  kCount,
};
inline constexpr std::uint8_t kOpMask = 0x0f;
static_assert(static_cast<unsigned>(Op::kCount) <= kOpMask + 1);

inline constexpr std::uint8_t kGap = 0x10, kFailed = 0x20, kFine = 0x40, kAligned = 0x80;
inline constexpr std::uint8_t kTouched = kAligned;  // of a record that has no alignment

inline constexpr std::uint64_t kMinTouched = 32u << 10, kTouchUnit = 4096;

inline constexpr unsigned kMaxRecord = 64;  // bytes; six varints of at most ten are 60
inline constexpr std::uint32_t kMaxChunk = 1u << 20;

}  // namespace ashlar::record

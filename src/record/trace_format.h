// record: the file of a trace. The core writes it, the `ashlar` command reads it.
//
//   FileHeader … up to header_bytes │ chunk │ chunk │ …       a chunk: ChunkHeader, records, zeros up to its end
//
// A chunk belongs to one thread at a time, and can be read alone. A chunk that was not begun is all zeros, a multiple
// of page_bytes long. Numbers in records are varints: seven bits a byte, the lowest first, the high bit set in all
// except the last. Differences are zigzag-coded: 0, -1, 1, -2, … are 0, 1, 2, 3, ….
//
// A record is a byte of op and flags, followed by those of these fields that the op and its flags call for:
//
//   kGap         varint: the number of sequence numbers skipped since the thread's previous record
//   allocation   varint: bytes │ kAligned: a byte, the alignment's logarithm │ unless kFailed: address
//   free         address │ kTouched: varint, see below
//   realloc      address of the old block │ varint: bytes │ kAligned: varint, the sequence numbers skipped between its
//                own two │ unless kFailed: difference of the new address from the old
//   time         varint: nanoseconds since the previous time │ varint: processor
//   thread       varint: the number of the thread whose records follow
//   left         address │ varint, see below: the block lives when the process exits
//
// An address is written as the difference from the previous address in the chunk, in units of 16 bytes, or of one byte
// with kFine. All calls of a process are numbered: a free before it happens, an allocation after it happened, a realloc
// at both times. So the order of the numbers gives the history of each address.
//
// When a block of more than kMinTouched bytes ends, its record says how much of it is resident or swapped out, in units
// of kTouchUnit bytes, unless that is all of it or is not known. Files of version 1 have neither this nor the records
// of what is left.
#pragma once

#include <cstdint>

namespace ashlar::record {

inline constexpr char kMagic[8] = {'A', 's', 'h', 'T', 'r', 'a', 'c', 'e'};
inline constexpr std::uint32_t kVersion = 2, kOldestVersion = 1;
inline constexpr std::uint32_t kChunkMagic = 0x6b6e6843;  // "Chnk"
inline constexpr unsigned kUnitShift = 4;                 // addresses are in units of 16 bytes
inline constexpr std::uint32_t kCallsPerTime = 64;        // calls of a thread from one record of the time to the next

struct FileHeader {
  char magic[8];
  std::uint32_t version;
  std::uint32_t header_bytes;  // where the first chunk begins
  std::uint32_t page_bytes;
  std::uint32_t process;
  std::uint64_t seconds;  // since 1970, when the trace began
  std::uint64_t ns;       // the clock of kTime at that moment
  char name[16];          // the name of the thread that began it
  std::uint32_t ended;    // an errno: nothing more could be written; 0: it still can
  std::uint32_t parent;   // 1: of a forked child whose parent was recorded
  std::uint32_t live;     // 1: begun in a running process; earlier blocks may be freed and resized
  std::uint32_t stopped;  // 1: a request ended it, and nothing more is written
};

struct ChunkHeader {
  std::uint32_t magic;
  std::uint32_t bytes;
  std::uint32_t thread;  // 0: threads past their end
  std::uint32_t processor;
  std::uint64_t sequence;  // the first record's number is one more plus its gap
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
inline constexpr std::uint8_t kTouched = kAligned;  // for records that have no alignment

inline constexpr std::uint64_t kMinTouched = 32u << 10, kTouchUnit = 4096;

inline constexpr unsigned kMaxRecord = 64;  // bytes; six varints of at most ten are 60
inline constexpr std::uint32_t kMaxChunk = 1u << 20;

}  // namespace ashlar::record

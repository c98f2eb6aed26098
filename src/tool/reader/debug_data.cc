// tool, reader: unpacking by liblzma.
#include "tool/reader/debug_data.h"

#ifndef ASHLAR_LZMA

namespace ashlar::reader {

bool can_unpack() { return false; }
File unpacked(const File&, std::uint64_t, std::uint64_t) { return {}; }

}  // namespace ashlar::reader

#else

#include <lzma.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/units.h"

namespace ashlar::reader {

namespace {

constexpr std::uint64_t kMaxDecoder = 128_MiB, kMaxUnpacked = 64_MiB;
constexpr std::size_t kStep = 64_KiB;

bool write_all(const File& to, const std::uint8_t* from, std::size_t n) {
  while (n != 0) {
    const ssize_t written = write(to.get(), from, n);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    from += written;
    n -= static_cast<std::size_t>(written);
  }
  return true;
}

// Returns whether all data were good and the end was found.
bool unpack(lzma_stream& stream, const File& from, std::uint64_t offset, std::uint64_t bytes, const File& to) {
  std::vector<std::uint8_t> packed(kStep), plain(kStep);
  for (;;) {
    if (stream.avail_in == 0 && bytes != 0) {
      const std::size_t n = std::min<std::uint64_t>(bytes, kStep);
      if (!from.read_at(static_cast<off_t>(offset), packed.data(), n)) return false;
      stream.next_in = packed.data();
      stream.avail_in = n;
      offset += n;
      bytes -= n;
    }
    stream.next_out = plain.data();
    stream.avail_out = kStep;
    const lzma_ret done = lzma_code(&stream, bytes == 0 ? LZMA_FINISH : LZMA_RUN);
    if ((done != LZMA_OK && done != LZMA_STREAM_END) || stream.total_out > kMaxUnpacked) return false;
    if (!write_all(to, plain.data(), kStep - stream.avail_out)) return false;
    if (done == LZMA_STREAM_END) return true;
  }
}

}  // namespace

bool can_unpack() { return true; }

File unpacked(const File& from, std::uint64_t offset, std::uint64_t bytes) {
  File to(memfd_create("ashlar debug data", MFD_CLOEXEC));
  lzma_stream stream = LZMA_STREAM_INIT;
  if (!to || lzma_stream_decoder(&stream, kMaxDecoder, 0) != LZMA_OK) return {};
  const bool good = unpack(stream, from, offset, bytes, to);
  lzma_end(&stream);
  return good ? std::move(to) : File();
}

}  // namespace ashlar::reader

#endif

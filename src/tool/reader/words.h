// tool, reader, private: reads memory of a process in large pieces and visits each aligned word.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tool/reader/model.h"

namespace ashlar::reader {

// Calls visit(word, address, tag) for each word of the added ranges. Some calls may be delayed until finish().
template <class Visit>
class Words {
 public:
  Words(Source& source, Visit visit) : source_(source), visit_(std::move(visit)) {}

  // Adds the parts of a range that have contents. A range smaller than a page is added as a whole, without looking up
  // its page.
  void add(Range range, std::uint64_t tag) {
    if (range.start >= range.end || range.end > kUserEnd) return;
    if (range.bytes() < kPage) return add_held(range, tag);
    held_.clear();
    source_.contents(range, held_);
    for (const Range& part : held_) add_held(part, tag);
  }

  void finish() {
    if (waiting_.empty()) return;
    std::vector<Piece> pieces;
    pieces.reserve(waiting_.size());
    if (buffer_.size() < used_ / kWord) buffer_.resize(used_ / kWord);
    std::uint64_t at = 0;
    for (const Waiting& one : waiting_) {
      pieces.push_back({one.range.start, buffer_.data() + at / kWord, one.range.bytes()});
      at += one.range.bytes();
    }
    source_.read_all(pieces);
    const std::vector<Waiting> read = std::move(waiting_);
    waiting_ = {};
    used_ = 0;
    for (std::size_t i = 0; i < read.size(); ++i) look_at(pieces[i], read[i]);
  }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  static constexpr std::uint64_t kWord = sizeof(std::uint64_t), kBuffer = std::uint64_t{4} << 20;
  // with five levels of page tables, a program that asks for it has memory above kAddressEnd
  static constexpr std::uint64_t kUserEnd = std::uint64_t{1} << 57;
  static constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
  static constexpr std::size_t kPieces = 8192;

  struct Waiting {
    Range range;
    std::uint64_t tag;
  };

  // Rounds the range to whole words, as a part of a core file may start and end anywhere.
  void add_held(Range range, std::uint64_t tag) {
    range = {(range.start + kWord - 1) / kWord * kWord, range.end / kWord * kWord};
    while (range.start < range.end) {
      const std::uint64_t bytes = std::min({range.bytes(), kPiece, kBuffer - used_});
      waiting_.push_back({{range.start, range.start + bytes}, tag});
      used_ += bytes;
      range.start += bytes;
      if (used_ == kBuffer || waiting_.size() == kPieces) finish();
    }
  }

  // If a piece could not be read, as a page of it was unmapped, reads its other pages one by one.
  void look_at(Piece& piece, const Waiting& of) {
    auto* const words = static_cast<std::uint64_t*>(piece.to);
    if (piece.done) return look_at_words(words, of.range, of.tag);
    for (std::uint64_t start = of.range.start; start < of.range.end;) {
      const Range part{start, std::min(of.range.end, start / kPage * kPage + kPage)};
      if (source_.read(part.start, words, part.bytes())) look_at_words(words, part, of.tag);
      start = part.end;
    }
  }

  void look_at_words(const std::uint64_t* words, const Range& range, std::uint64_t tag) {
    bytes_ += range.bytes();
    for (std::uint64_t i = 0; i < range.bytes() / kWord; ++i) visit_(words[i], range.start + i * kWord, tag);
  }

  Source& source_;
  Visit visit_;
  std::vector<std::uint64_t> buffer_;
  std::vector<Waiting> waiting_;
  std::vector<Range> held_;
  std::uint64_t used_ = 0, bytes_ = 0;
};

}  // namespace ashlar::reader

// The heap of this process as the outside reader sees it, with some bytes changed. This is what the reader finds in a
// damaged or hostile process or core file.
#pragma once

#include <map>
#include <vector>

#include "fuzz/input.h"
#include "tool/reader/reader.h"

namespace ashlar_test {

// Makes a heap with one of everything, once. Nothing in it changes afterwards.
void build_heap();

class ImageSource final : public ashlar::reader::Source {
 public:
  ImageSource();

  // Reads changes from the input until it ends: bytes, and words that become addresses of other structures.
  void change(Input& input);
  // Sets whether pages() knows the pages, as for a process, or not, as for a core file.
  void know_pages(bool known) { pages_known_ = known; }
  [[nodiscard]] uint64_t bytes_read() const { return bytes_read_; }

  [[nodiscard]] bool is_core() const override { return !pages_known_; }
  [[nodiscard]] pid_t pid() const override { return 1; }
  [[nodiscard]] std::string name() const override { return "image"; }
  [[nodiscard]] std::string title() const override { return "image"; }
  [[nodiscard]] std::string identity() const override { return "image"; }
  void refresh() override {}
  [[nodiscard]] uint64_t entry() const override { return entry_; }
  void read_all(std::span<ashlar::reader::Piece> pieces) override;
  [[nodiscard]] bool pages(ashlar::reader::Range range, std::vector<ashlar::reader::PageStretch>& into) override;
  // Returns regions in which changes are made, so that a scan for pointers meets them.
  void contents(ashlar::reader::Range range, std::vector<ashlar::reader::Range>& into) override;
  [[nodiscard]] std::vector<ashlar::reader::ThreadState> threads() override;

 private:
  void set_byte(uint64_t address, uint8_t byte) { changed_[address] = byte; }

  std::vector<ashlar::reader::Range> regions_;  // in which changes are made
  std::map<uint64_t, uint8_t> changed_;
  uint64_t entry_ = 0, bytes_read_ = 0;
  bool pages_known_ = true;
};

}  // namespace ashlar_test

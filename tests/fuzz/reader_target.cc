// Fuzz target: the outside reader over a heap whose root block, tables, descriptors and lists are damaged. The reader
// may refuse to read the heap or return any figures. It must not crash, hang or read without bound, and its result must
// be consistent, since reports use it without further checks.
#include <algorithm>

#include "fuzz/image_source.h"
#include "tool/error.h"
#include "tool/reader/free_objects.h"
#include "tool/reader/leaks.h"
#include "tool/reader/profile.h"

namespace {

using namespace ashlar;
using namespace ashlar::reader;

constexpr uint64_t kMaxRead = uint64_t{1} << 30;

void expect_consistent(const Model& model) {
  uint64_t before = 0;
  for (const Arena& arena : model.arenas) {
    FUZZ_EXPECT(arena.range.start >= before && arena.zone < model.zones.size());
    before = arena.range.start;
    uint64_t at = arena.range.start;
    for (const Block& block : arena.blocks) {
      FUZZ_EXPECT(block.start == at && block.pages != 0);
      FUZZ_EXPECT(block.use != Use::kSlab || block.cache < model.caches.size());
      at = block.end();
    }
    FUZZ_EXPECT(at == arena.range.end && arena.dirty.size() * 64 >= arena.range.bytes() / kPage);
  }
  for (const Cache& cache : model.caches) FUZZ_EXPECT(cache.magazines + cache.depot <= cache.out);
  for (const Chain& chain : model.chains) FUZZ_EXPECT(chain.cache < model.caches.size());
}

void look_for_leaks(ashlar_test::ImageSource& source, const Model& model) {
  const Roots roots = find_roots(source, model, source.threads());
  Leaks leaks(source, model, roots);
  leaks.find_indirect();
  uint64_t before = 0, blocks = 0;
  leaks.for_each([&](const HeapBlock& block, bool /*direct*/) {
    FUZZ_EXPECT(block.bytes != 0 && block.start >= before && leaks.is_leaked(block.start));
    before = block.start + 1;
    ++blocks;
  });
  FUZZ_EXPECT(blocks <= leaks.live().blocks);
  read_sampled_blocks(
      source, [](uint64_t) { return true; }, 1000);
}

void look(ashlar_test::ImageSource& source) {
  const Model model = read_model(source);
  expect_consistent(model);
  split_rss(source, model);
  bool whole = true;
  find_free_objects(
      source, model, [](uint16_t) { return true; }, nullptr, whole);
  look_for_leaks(source, model);
  for (const Option& option : model.options) FUZZ_EXPECT(option.text(option.value).size() < 1000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ashlar_test::build_heap();
  ashlar_test::Input input(data, size);
  ashlar_test::ImageSource source;
  source.know_pages(input.take(1) % 2 == 0);
  source.change(input);
  try {
    look(source);
    FUZZ_EXPECT(size > 1 || source.bytes_read() > 100000);  // an undamaged heap has much to read
  } catch (const tool::Failure&) {
    FUZZ_EXPECT(size > 1);
  }
  FUZZ_EXPECT(source.bytes_read() < kMaxRead);
  return 0;
}

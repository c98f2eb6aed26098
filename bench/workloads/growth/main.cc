// Growth by realloc.
// Idea: the string builders, read buffers and vectors of ordinary programs. The notes on folly's FBVector argue for
// growth by half and growth in place. There are three shapes: many strings that grow a few bytes at a time in turns, so
// that each blocks the growth of others; buffers that double and are then trimmed to their contents; one array that
// grows by half to 64 MiB beside them. Shows which allocator copies, grows in place or moves pages, and what rounding
// costs.
//   --threads N   each grows its own (default 1)

#include <algorithm>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

// Every byte holds the text's tag, so that what realloc carried over can be checked at any place.
struct Text {
  unsigned char* data = nullptr;
  std::size_t size = 0;
  unsigned char tag = 1;

  void resize(std::size_t to) {
    data = static_cast<unsigned char*>(std::realloc(data, to));
    expect(data != nullptr, "realloc returned NULL");
    if (to > size) std::memset(data + size, tag, to - size);
    const std::size_t carried = std::min(size, to);
    size = to;
    if (carried != 0) verify(carried);
  }
  void drop() {
    if (data != nullptr) verify(size);
    std::free(data);
    data = nullptr;
    size = 0;
    ++tag;
  }

 private:
  void verify(std::size_t length) const {
    escape(data);
    expect(data[0] == tag && data[length / 2] == tag && data[length - 1] == tag, "realloc lost the contents");
  }
};

void grow_strings(Rng& rng, std::size_t rounds) {
  std::vector<Text> texts(500);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t step = 0; step < 60 * texts.size(); ++step) {
      Text& text = texts[rng.below(texts.size())];
      text.resize(text.size + rng.between(1, 48));
    }
    for (Text& text : texts) text.drop();
  }
}

void double_buffers(Rng& rng, std::size_t rounds) {
  std::vector<Text> buffers(16);
  for (std::size_t round = 0; round < rounds; ++round) {
    Text& buffer = buffers[rng.below(buffers.size())];
    buffer.drop();
    const std::size_t needed = rng.skewed(256, 1 << 20);
    std::size_t capacity = 128;
    for (; capacity < needed; capacity *= 2) buffer.resize(capacity);
    buffer.resize(needed);
  }
  for (Text& buffer : buffers) buffer.drop();
}

void grow_array(std::size_t rounds) {
  constexpr std::size_t kEnd = 64 << 20;
  Text array;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t capacity = 4096; capacity < kEnd; capacity += capacity / 2) array.resize(capacity);
    array.drop();
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 1);
  const std::size_t work = args.scaled(1600) / threads;
  args.finish();
  run_threads(threads, [work](std::size_t index) {
    Rng rng(index + 19);
    grow_strings(rng, work / 5 + 1);
    double_buffers(rng, 6 * work);
    grow_array(work / 50 + 1);
  });
}

// slab: compares all classes with a model of payloads, by random calls of one thread and of several.
#include <atomic>
#include <cstring>
#include <random>
#include <thread>

#include "slab/slab_fixture.h"

namespace ashlar::slab {
namespace {

struct Held {
  Object* object;
  SizeClass size_class;
  unsigned char payload;
};

void fill(const Held& held) { std::memset(held.object, held.payload, size_of(held.size_class)); }

// True when every byte is as it was written.
bool intact(const Held& held) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(held.object);
  return bytes[0] == held.payload && std::memcmp(bytes, bytes + 1, size_of(held.size_class) - 1) == 0;
}

class SlabModelTest : public SlabTest, public testing::WithParamInterface<unsigned> {
 protected:
  struct Worker {
    explicit Worker(unsigned seed) : random(seed) {}
    std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); }

    void take_some() {
      const SizeClass c(static_cast<unsigned>(1 + pick(pick(4) == 0 ? kClasses - 1 : 12)));
      Object* next = nullptr;
      touched = c;
      for (Object* object = take(c, static_cast<std::uint32_t>(1 + pick(info_of(c).magazine))).first; object != nullptr;
           object = next) {
        next = object->next;
        held.push_back({object, c, static_cast<unsigned char>(random())});
        fill(held.back());
      }
    }

    void give_some() {
      if (held.empty()) return;
      const SizeClass c = touched = held[pick(held.size())].size_class;
      Magazine magazine;
      for (std::size_t i = held.size(); i-- > 0 && magazine.count < info_of(c).magazine;) {
        if (held[i].size_class != c || pick(4) == 0) continue;
        broken += intact(held[i]) ? 0u : 1u;
        held[i].object->next = magazine.first;
        magazine = {held[i].object, magazine.count + 1};
        held[i] = held.back();
        held.pop_back();
      }
      if (pick(3) == 0) return_to_slabs(c, magazine, "free()");
      else return_to_depot(c, magazine, "free()");
    }

    void run(int steps) {
      for (int step = 0; step < steps; ++step) {
        if (pick(2) == 0 && held.size() < 20000) take_some();
        else give_some();
        if (pick(500) == 0) shrink();
        if (pick(200) == 0) reap();
        if (looks_on && !found) found = validate(touched);
      }
      while (!held.empty()) give_some();
    }

    std::mt19937 random;
    std::vector<Held> held;
    unsigned broken = 0;
    bool looks_on = false;  // at what each step left
    SizeClass touched{1};
    Broken found;
  };
};

TEST_P(SlabModelTest, PayloadsStayIntactAndEverythingComesBack) {
  Worker worker(GetParam());
  worker.looks_on = true;
  worker.run(500);
  worker.looks_on = false;
  worker.run(3500);
  EXPECT_EQ(worker.broken, 0u);
  EXPECT_FALSE(worker.found) << worker.found.rule;
  const Broken at_end = validate();
  EXPECT_FALSE(at_end) << at_end.rule;
  for (unsigned i = 1; i < kClasses; ++i) EXPECT_EQ(counts(SizeClass(i)).out, counts(SizeClass(i)).depot_objects);
  shrink();
  EXPECT_EQ(pages_.live_blocks, 0u);
}

TEST_P(SlabModelTest, ThreadsShareCachesAndDepots) {
  std::atomic<unsigned> broken{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&broken, i] {
      Worker worker(GetParam() * 100 + i);
      worker.run(800);
      broken += worker.broken;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(broken, 0u);
  const Broken found = validate();
  EXPECT_FALSE(found) << found.rule;
  shrink();
  EXPECT_EQ(pages_.live_blocks, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SlabModelTest, testing::Range(1u, 4u));

}  // namespace
}  // namespace ashlar::slab

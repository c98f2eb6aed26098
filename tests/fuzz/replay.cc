// Runs a fuzz target without libFuzzer, over the files of its corpus and then over mutants of them. ctest runs this
// program, which any compiler can build. Usage: replay [--mutants N] [--first N] [--seconds S] FILE|FOLDER...
//
// A mutant depends only on its number and the corpus. If one fails, its number is the end of the output, and "--first
// NUMBER --mutants 1" repeats it.
#include <string.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/input.h"
#include "support/check.h"

namespace {

using Bytes = std::vector<uint8_t>;

double now() {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Each input is in a heap block of its exact length, so that a sanitizer notices a read beyond its end.
void run(const Bytes& bytes) {
  auto* const copy = static_cast<uint8_t*>(malloc(bytes.size() + (bytes.empty() ? 1 : 0)));
  CHECK(copy != nullptr);
  if (!bytes.empty()) memcpy(copy, bytes.data(), bytes.size());
  LLVMFuzzerTestOneInput(copy, bytes.size());
  free(copy);
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

// Makes a few changes at random places: to a byte or a bit, by inserting or removing bytes, or by appending another
// input's end.
Bytes mutant_of(const std::vector<Bytes>& corpus, unsigned long number) {
  ashlar_test::Random random(number + 1);
  for (int i = 0; i < 8; ++i) random.next();  // neighbouring seeds start with similar numbers
  Bytes bytes = corpus[random.below(corpus.size())];
  const auto place = [&](size_t more) { return static_cast<std::ptrdiff_t>(random.below(bytes.size() + more)); };
  for (size_t changes = 1 + random.below(8); changes > 0; --changes) {
    const size_t way = bytes.empty() ? 2 : random.below(5);
    if (way == 0) bytes[static_cast<size_t>(place(0))] = static_cast<uint8_t>(random.next() >> 24);
    if (way == 1) bytes[static_cast<size_t>(place(0))] ^= static_cast<uint8_t>(1 << random.below(8));
    if (way == 2) {
      Bytes in(1 + random.below(16));
      for (uint8_t& byte : in) byte = static_cast<uint8_t>(random.next() >> 24);
      bytes.insert(bytes.begin() + place(1), in.begin(), in.end());
    }
    if (way == 3) {
      const auto at = bytes.begin() + place(0);
      bytes.erase(at,
                  at + std::min<std::ptrdiff_t>(bytes.end() - at, 1 + static_cast<std::ptrdiff_t>(random.below(16))));
    }
    if (way == 4) {
      const Bytes& other = corpus[random.below(corpus.size())];
      const size_t from = random.below(other.size() + 1);
      bytes.resize(static_cast<size_t>(place(1)));
      bytes.insert(bytes.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
    }
  }
  return bytes;
}

std::vector<Bytes> read_corpus(const std::vector<std::string>& paths) {
  std::vector<std::filesystem::path> files;
  for (const std::string& path : paths) {
    if (!std::filesystem::is_directory(path)) files.emplace_back(path);
    else
      for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Bytes> corpus;
  for (const auto& file : files) {
    printf("%s\n", file.c_str());  // if an input aborts, this is the last line
    fflush(stdout);
    corpus.push_back(read_file(file));
    run(corpus.back());
  }
  return corpus;
}

}  // namespace

int main(int argc, char** argv) {
  unsigned long mutants = 0, first = 0;
  double seconds = 1e9;
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool is_option = word == "--mutants" || word == "--first" || word == "--seconds";
    CHECK(!is_option || i + 1 < argc);
    if (word == "--mutants") mutants = strtoul(argv[++i], nullptr, 10);
    else if (word == "--first") first = strtoul(argv[++i], nullptr, 10);
    else if (word == "--seconds") seconds = strtod(argv[++i], nullptr);
    else paths.push_back(word);
  }
  const std::vector<Bytes> corpus = read_corpus(paths);
  CHECK(!corpus.empty());
  const double start = now();
  unsigned long done = 0;
  for (; done < mutants && now() - start < seconds; ++done) {
    printf("mutant %lu\r", first + done);
    fflush(stdout);
    run(mutant_of(corpus, first + done));
  }
  printf("%zu inputs and %lu mutants of them in %.1f s\n", corpus.size(), done, now() - start);
  return 0;
}

// Is a C++ program that checks that operator new and the containers use Ashlar, and that a new that fails throws
// std::bad_alloc.
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "proof.h"

namespace {

struct alignas(64) Aligned {
  char bytes[kProofBytes];
};

void expect_bad_alloc() {
  volatile std::size_t too_much = static_cast<std::size_t>(PTRDIFF_MAX) - 4096;
  try {
    void* volatile block = ::operator new(too_much);
    static_cast<void>(block);
  } catch (const std::bad_alloc&) {
    printf("operator new: std::bad_alloc was thrown\n");
    return;
  }
  fprintf(stderr, "operator new of too much returned\n");
  exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2) proof_version(argv[1]);
  std::size_t before = proof_in_use();
  {
    std::vector<std::string> strings;
    for (int i = 0; i < kProofBlocks; ++i) strings.emplace_back(kProofBytes, 'x');
    proof_expect("std::vector<std::string>", before, 0);
    before = proof_in_use();
  }
  proof_expect("their destructors", before, 1);

  before = proof_in_use();
  std::vector<std::unique_ptr<Aligned>> aligned;
  for (int i = 0; i < kProofBlocks; ++i) aligned.push_back(std::make_unique<Aligned>());
  proof_expect("aligned new", before, 0);
  expect_bad_alloc();
  return 0;
}

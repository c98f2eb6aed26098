// unwind: tests the capture of stacks, and stacks that cannot be followed.
#include "unwind/unwind.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

#include "unwind/steps.h"

namespace ashlar::unwind {
namespace {

// Kept apart and with a frame: the addresses after the calls are what the stacks have to show.
[[gnu::noinline]] void innermost(Stack& stack) {
  capture(stack);
  asm volatile("" ::: "memory");
}

[[gnu::noinline]] std::uintptr_t middle(Stack& stack, unsigned depth) {
  if (depth > 0) {
    const std::uintptr_t result = middle(stack, depth - 1);
    asm volatile("" ::: "memory");
    return result;
  }
  innermost(stack);
  asm volatile("" ::: "memory");
  return reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
}

TEST(Stack, LeadsThroughFunctionsWithoutFramePointers) {
  prepare_stacks();
  Stack stack;
  const std::uintptr_t address = middle(stack, 0);
  ASSERT_GE(stack.depth, 3u);
  EXPECT_NE(std::find(stack.frames, stack.frames + stack.depth, address), stack.frames + stack.depth);
}

#ifdef __aarch64__
// Compiled as Fedora and Ubuntu compile all packages: the return address on the stack is signed.
[[gnu::noinline, gnu::target("branch-protection=pac-ret")]] std::uintptr_t signing(Stack& stack) {
  innermost(stack);
  asm volatile("" ::: "memory");
  return reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
}

TEST(Stack, LeadsThroughFunctionsThatSignTheirReturnAddresses) {
  prepare_stacks();
  Stack stack;
  const std::uintptr_t address = signing(stack);
  ASSERT_GE(stack.depth, 3u);
  EXPECT_NE(std::find(stack.frames, stack.frames + stack.depth, address), stack.frames + stack.depth);
}
#endif

// The first time by the tables, then by the steps that they told.
TEST(Stack, IsTheSameByKnownSteps) {
  prepare_stacks();
  Stack stacks[3];
  for (Stack& stack : stacks) middle(stack, 5);
  for (const Stack& stack : stacks) {
    ASSERT_EQ(stack.depth, stacks[0].depth);
    EXPECT_TRUE(std::equal(stack.frames, stack.frames + stack.depth, stacks[0].frames));
  }
}

TEST(KnownStep, IsForgottenWhereTheTablesChange) {
  std::vector<char> bytes(64, 1);
  const auto start = reinterpret_cast<std::uintptr_t>(bytes.data());
  Tables tables;
  tables.start = start;
  tables.end = start + bytes.size();
  KnownStep step, found;
  step.cfa_offset = 48;
  step.at[6] = -1;
  const std::uintptr_t code = start + 20;
  EXPECT_FALSE(find_step(tables, code, found));
  note_step(tables, code, start + 8, step);
  ASSERT_TRUE(find_step(tables, code, found));
  EXPECT_EQ(found.cfa_offset, 48u);
  EXPECT_EQ(found.at[6], -1);
  EXPECT_FALSE(find_step(tables, code + 1, found));
  bytes[10] = 2;
  EXPECT_FALSE(find_step(tables, code, found));
  bytes[10] = 1;
  EXPECT_TRUE(find_step(tables, code, found));
  tables.end = start + 16;  // other code, whose tables end before
  EXPECT_FALSE(find_step(tables, code, found));
}

TEST(Stack, EndsAtItsLengthWhenCallsAreDeeper) {
  prepare_stacks();
  Stack stack;
  middle(stack, 200);
  EXPECT_EQ(stack.depth, kFrames);
}

TEST(Stack, OfAThreadEndsWhereTheThreadBegan) {
  prepare_stacks();
  Stack stack;
  std::thread([&] { middle(stack, 2); }).join();
  EXPECT_GE(stack.depth, 4u);
  EXPECT_LT(stack.depth, kFrames);
}

Stack of_handler;
void handle(int) { middle(of_handler, 0); }

TEST(Stack, LeadsOutOfASignalHandlerOnAStackOfItsOwn) {
  prepare_stacks();
  std::vector<char> memory(1 << 17);
  stack_t own = {};
  own.ss_sp = memory.data();
  own.ss_size = memory.size();
  ASSERT_EQ(sigaltstack(&own, nullptr), 0);
  struct sigaction action = {};
  action.sa_handler = handle;
  action.sa_flags = SA_ONSTACK;
  ASSERT_EQ(sigaction(SIGUSR1, &action, nullptr), 0);
  raise(SIGUSR1);
  EXPECT_GE(of_handler.depth, 3u);
}

ucontext_t of_test, of_coroutine;
Stack of_routine;
void routine() { middle(of_routine, 1); }

TEST(Stack, OfACoroutineEndsAtTheEndOfItsMapping) {
  prepare_stacks();
  constexpr std::size_t kBytes = 1 << 17;
  void* const memory = mmap(nullptr, kBytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(mprotect(static_cast<char*>(memory) + kBytes, 4096, PROT_NONE), 0);
  ASSERT_EQ(getcontext(&of_coroutine), 0);
  of_coroutine.uc_stack.ss_sp = memory;
  of_coroutine.uc_stack.ss_size = kBytes;
  of_coroutine.uc_link = &of_test;
  makecontext(&of_coroutine, routine, 0);
  ASSERT_EQ(swapcontext(&of_test, &of_coroutine), 0);
  EXPECT_GE(of_routine.depth, 2u);
}

#if defined(__x86_64__)
// Code without tables, with a register for frames that leads nowhere.
[[gnu::noinline]] void with_frame_register(std::uintptr_t value, Stack& stack) {
  Stack* into = &stack;
  void (*call)(Stack&) = &innermost;
  asm volatile(
      "subq $128, %%rsp\n\tpushq %%rbp\n\tpushq %%rbx\n\tmovq %%rsp, %%rbx\n\tandq $-16, %%rsp\n\t"
      "movq %%rsi, %%rbp\n\tcall *%%rax\n\t"
      "movq %%rbx, %%rsp\n\tpopq %%rbx\n\tpopq %%rbp\n\taddq $128, %%rsp"
      : "+S"(value), "+D"(into), "+a"(call)
      :
      : "rdx", "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
}

TEST(Stack, OfCodeThatUsesTheFrameRegisterForSomethingElseIsCutOff) {
  prepare_stacks();
  for (const std::uintptr_t value : {std::uintptr_t{0}, std::uintptr_t{1}, std::uintptr_t{4096}, UINTPTR_MAX,
                                     std::uintptr_t{0x7fff00000000}, reinterpret_cast<std::uintptr_t>(&handle)}) {
    Stack stack;
    with_frame_register(value, stack);
    EXPECT_LE(stack.depth, kFrames);
  }
}
#endif

#if defined(__x86_64__)
// Where libc cannot say which object an address lies in, as in this program, those that were loaded before
// prepare_stacks are known.
TEST(Stacks, PassCodeWhereALibraryWasThatIsClosed) {
  void* const library = dlopen("libanl.so.1", RTLD_NOW);
  if (library == nullptr) GTEST_SKIP() << "no library of that name";
  const link_map* map = nullptr;
  ASSERT_EQ(dlinfo(library, RTLD_DI_LINKMAP, &map), 0);
  auto* const start = reinterpret_cast<void*>(map->l_addr);
  prepare_stacks();
  dlclose(library);
  void* const page =
      mmap(start, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (page != start) GTEST_SKIP() << "the library stays";
  // push rbp; mov rbp, rsp; call rsi; pop rbp; ret
  constexpr unsigned char kCode[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd6, 0x5d, 0xc3};
  std::memcpy(page, kCode, sizeof kCode);
  Stack stack;
  reinterpret_cast<void (*)(Stack*, void (*)(Stack*))>(page)(&stack, [](Stack* into) { capture(*into); });
  ASSERT_GE(stack.depth, 2u);
  bool met = false;
  for (std::uint32_t i = 0; i < stack.depth; ++i)
    met = met || stack.frames[i] - reinterpret_cast<std::uintptr_t>(start) < 4096;
  EXPECT_TRUE(met);
  munmap(page, 4096);
}
#endif

}  // namespace
}  // namespace ashlar::unwind

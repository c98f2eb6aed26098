// api: swap areas, as documented in include/ashlar/swap.h.
#include "ashlar/swap.h"

#include <cerrno>
#include <cstring>

#include "api/profiled.h"
#include "api/recorded.h"
#include "api/refusal.h"
#include "base/text.h"
#include "heap/kernel_api.h"
#include "page/swap.h"
#include "profile/profile.h"

namespace api = ashlar::api;
namespace heap = ashlar::heap;
namespace page = ashlar::page;
using ashlar::os::SwapFileKind;

static_assert(page::kMaxSwapPath == 3071 && page::kMaxSwapBytes == 274877906944, "the messages have these numbers");
static_assert(ASHLAR_SWAP_MAX == page::kMaxSwapAreas && ASHLAR_SWAP_ANY == page::kNoSwapPriority &&
                  ASHLAR_SWAP_KEEP > page::kMaxSwapPriority && ASHLAR_SWAP_ENCRYPT > page::kMaxSwapPriority,
              "the header says what the page layer does");

namespace {

int answer(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

bool is_path(const char* caller, const char* path) {
  if (path != nullptr && *path != 0 && std::strlen(path) <= page::kMaxSwapPath) return true;
  if (path == nullptr) api::refuse(caller, "the path must not be NULL");
  else api::refuse_number(caller, "the bytes of the path are ", std::strlen(path), ", expected 1 to 3071");
  return false;
}

bool is_size(const char* caller, size_t bytes) {
  if (bytes != 0 && bytes <= page::kMaxSwapBytes) return true;
  api::refuse_number(caller, "the size is ", bytes, ", expected 1 to 274877906944 bytes");
  return false;
}

bool is_priority(const char* caller, int priority) {
  if (priority >= page::kNoSwapPriority && priority <= page::kMaxSwapPriority) return true;
  api::refuse_number(caller, "the priority is ", priority, ", expected -1 to 32767");
  return false;
}

void refuse_encryption(const char* caller, const char* path) {
  ashlar::Text<400> why;
  why << ashlar::first(path, 200) << api::kNoEncryption;
  api::refuse(caller, why.view());
}

}  // namespace

int ashlar_swapon(const char* path, size_t bytes, int priority) noexcept {
  constexpr const char* kCaller = "ashlar_swapon()";
  if (ashlar::os::is_set_id()) return answer(EPERM);
  const int flags = priority > 0 ? priority & (ASHLAR_SWAP_KEEP | ASHLAR_SWAP_ENCRYPT) : 0;
  priority &= ~flags;
  if (!is_path(kCaller, path) || !is_size(kCaller, bytes) || !is_priority(kCaller, priority)) return -1;
  if (flags == (ASHLAR_SWAP_KEEP | ASHLAR_SWAP_ENCRYPT)) {
    api::refuse(kCaller, "a file that is kept cannot be encrypted, since its key ends with the process");
    return -1;
  }
  const SwapFileKind kind = flags == ASHLAR_SWAP_KEEP                         ? SwapFileKind::kKept
                            : flags != 0 || ashlar::options.swap_encrypt != 0 ? SwapFileKind::kEncrypted
                                                                              : SwapFileKind::kNameless;
  const int error = heap::swap_on(path, bytes, priority, kind);
  if (error == EOPNOTSUPP) refuse_encryption(kCaller, path);
  return answer(error);
}

int ashlar_swapoff(const char* path) noexcept {
  constexpr const char* kCaller = "ashlar_swapoff()";
  if (!is_path(kCaller, path)) return -1;
  const int error = heap::swap_off(path);
  if (error == EINVAL) api::refuse(kCaller, "no swap area has this path");
  return answer(error);
}

void* ashlar_malloc_cold(size_t size) noexcept {
  if (size <= ashlar::slab::kMaxSmall || api::led_off || ashlar::profile::active() || ashlar::options.perturb != 0 ||
      ashlar::options.slob != 0)
    return ashlar_malloc(size);
  void* p = page::swap_is_on() && size <= page::kMaxSwapRun.bytes() ? heap::allocate_cold(size) : nullptr;
  if (p != nullptr && ashlar::profile::active()) ashlar::profile::note(p, size);
  if (p == nullptr) p = ashlar_malloc(size);
  if (p != nullptr && ashlar::options.cold != ashlar::Cold::kOff) heap::note_cold(p);
  return p;
}

int ashlar_swap_describe(unsigned index, struct ashlar_swap_info* info) noexcept {
  page::SwapInfo found;
  if (info == nullptr) {
    api::refuse("ashlar_swap_describe()", "the pointer to the figures must not be NULL");
    return -1;
  }
  if (heap::interrupted() || !page::swap_info(index, found)) return answer(ENOENT);
  *info = {found.path, found.bytes, found.used, found.backed, found.priority};
  return 0;
}

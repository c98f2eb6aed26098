// api: swap areas, as documented in include/ashlar/swap.h.
#include "ashlar/swap.h"

#include <cerrno>

#include "api/profiled.h"
#include "api/recorded.h"
#include "heap/kernel_api.h"
#include "page/swap.h"
#include "profile/profile.h"

namespace api = ashlar::api;
namespace heap = ashlar::heap;
namespace page = ashlar::page;

static_assert(ASHLAR_SWAP_MAX == page::kMaxSwapAreas && ASHLAR_SWAP_ANY == page::kNoSwapPriority &&
                  ASHLAR_SWAP_KEEP > page::kMaxSwapPriority,
              "the header says what the page layer does");

namespace {

int answer(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

}  // namespace

int ashlar_swapon(const char* path, size_t bytes, int priority) noexcept {
  if (ashlar::os::is_set_id()) return answer(EPERM);
  const bool keep = priority > 0 && (priority & ASHLAR_SWAP_KEEP) != 0;
  return answer(heap::swap_on(path, bytes, keep ? priority & ~ASHLAR_SWAP_KEEP : priority, keep));
}

int ashlar_swapoff(const char* path) noexcept { return answer(heap::swap_off(path)); }

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
  if (heap::interrupted() || !page::swap_info(index, found)) return answer(ENOENT);
  *info = {found.path, found.bytes, found.used, found.backed, found.priority};
  return 0;
}

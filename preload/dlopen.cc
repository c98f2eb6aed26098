// preload: dlopen(3) without RTLD_DEEPBIND. A library opened with that flag binds to libc's malloc, past ours, and then
// frees what the program gave it: libc's free ends the process at a block of ours. Without the flag it finds ours
// first, as all others do. The option deepbind leaves the flag alone. In the shared library alone: a program's own
// malloc is found first by everything but such a library too, and it is the program's business.
//
// The real function looks at its return address, for the caller's run path and namespace, so it must be jumped to: the
// call in tail position, with no destructor behind it, is a jump at every optimisation level that is asked for here.
#include <dlfcn.h>

#include <atomic>

#include "base/options.h"
#include "preload/replaced.h"

namespace {

using Open = void* (*)(const char*, int);

// dlmopen and not dlopen, which is ours.
Open open_of_libc() {
  void* const libc = dlmopen(LM_ID_BASE, "libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return libc != nullptr ? reinterpret_cast<Open>(dlsym(libc, "dlopen")) : nullptr;
}

// Found at the first call, which may come before our constructor; any thread would find the same.
Open next_open() {
  static constinit std::atomic<Open> known{nullptr};
  Open next = known.load(std::memory_order_relaxed);
  if (next == nullptr) {
    next = reinterpret_cast<Open>(dlsym(RTLD_NEXT, "dlopen"));
    if (next == nullptr) next = open_of_libc();
    known.store(next, std::memory_order_relaxed);
  }
  return next;
}

// A program with a malloc of its own is bound past us as well.
bool masks_deepbind() { return ashlar::options.deepbind == 0 && !ashlar::preload::malloc_is_replaced(); }

}  // namespace

extern "C" __attribute__((visibility("default"))) void* dlopen(const char* file, int mode) noexcept {
  return next_open()(file, masks_deepbind() ? mode & ~RTLD_DEEPBIND : mode);
}

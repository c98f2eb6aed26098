// preload: dlopen(3) without RTLD_DEEPBIND. A library opened with that flag binds to libc's malloc instead of ours, and
// then frees what the program gave it: libc's free ends the process at a block of ours. Without the flag the library
// finds ours first, as all others do. The option deepbind keeps the flag. This is in the shared library only: a program
// with a malloc of its own has the same problem without us.
//
// The real function uses its return address to find the caller's run path and namespace, so it must be reached by a
// jump. The call in tail position, with no destructor after it, is a jump at every optimisation level that is used
// here.
#include <dlfcn.h>

#include <atomic>

#include "base/options.h"
#include "preload/replaced.h"

namespace {

using Open = void* (*)(const char*, int);

// By dlmopen, since dlopen is ours.
Open open_of_libc() {
  void* const libc = dlmopen(LM_ID_BASE, "libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return libc != nullptr ? reinterpret_cast<Open>(dlsym(libc, "dlopen")) : nullptr;
}

// Found at the first call, which may come before our constructor. Relaxed: any thread would find the same.
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

// A program with a malloc of its own does not bind to ours either.
bool masks_deepbind() { return ashlar::options.deepbind == 0 && !ashlar::preload::malloc_is_replaced(); }

}  // namespace

extern "C" __attribute__((visibility("default"))) void* dlopen(const char* file, int mode) noexcept {
  return next_open()(file, masks_deepbind() ? mode & ~RTLD_DEEPBIND : mode);
}

// preload: finds the C++ runtime that a library brought which was loaded by dlopen(3), perhaps with RTLD_LOCAL: no name
// of it can be looked up without its handle. In the shared library alone: what links the archive has a runtime, or no
// operators of ours.
#include <dlfcn.h>
#include <link.h>

#include "preload/runtime.h"

namespace {

void* symbol_in(const char* library, const char* name) {
  void* const handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return nullptr;
  void* symbol = dlsym(handle, name);
  dlclose(handle);  // whoever uses the runtime keeps it
  Dl_info found{}, own{};
  const bool is_ours = symbol != nullptr && dladdr(symbol, &found) != 0 &&
                       dladdr(reinterpret_cast<void*>(&ashlar_runtime_symbol), &own) != 0 &&
                       found.dli_fbase == own.dli_fbase;
  return is_ours ? nullptr : symbol;
}

}  // namespace

void ashlar_throw_bad_alloc() {}

void* ashlar_runtime_symbol(const char* name, const void* caller) {
  Dl_info info{};
  link_map* map = nullptr;
  if (caller != nullptr && dladdr1(caller, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) != 0) {
    if (void* const symbol = symbol_in(map->l_name, name)) return symbol;
  }
  // a caller that names no runtime among its dependencies: whichever is loaded
  static constexpr const char* kRuntimes[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1"};
  for (const char* const library : kRuntimes) {
    if (void* const symbol = symbol_in(library, name)) return symbol;
  }
  return nullptr;
}

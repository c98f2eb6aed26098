// preload: what crtbeginS.o defines for a shared library that is linked with it.

// libc uses it to tell which library a fork handler belongs to.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" [[gnu::visibility("hidden")]] const void* const __dso_handle = &__dso_handle;

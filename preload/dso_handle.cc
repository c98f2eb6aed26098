// preload: what crtbeginS.o defines for a shared library that is linked with it.

// By it libc tells whose fork handlers are whose.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" [[gnu::visibility("hidden")]] const void* const __dso_handle = &__dso_handle;

// Whether the program runs under an emulator of user programs (qemu-user), as the tests of a cross build do. It is a
// kernel in part only: it enforces no RLIMIT_AS, its /proc shows the emulator, and a child of a process with threads
// can start none.
#pragma once

#ifdef ASHLAR_EMULATED
inline constexpr bool kEmulated = true;
#else
inline constexpr bool kEmulated = false;
#endif

// Says whether the program runs under an emulator of user programs (qemu-user), as the tests of a cross build do. The
// emulator is a kernel only in part. It enforces no RLIMIT_AS, its /proc shows the emulator, and the child of a process
// with threads cannot start threads.
#pragma once

#ifdef ASHLAR_EMULATED
inline constexpr bool kEmulated = true;
#else
inline constexpr bool kEmulated = false;
#endif

// Part of fork_beside_calloc.c: a handler of fork that takes its time, registered before anything else in the process
// has allocated, and so run after the allocator's own.
#include <pthread.h>
#include <unistd.h>

static void take_time(void) { usleep(60000); }

__attribute__((constructor)) static void start(void) { pthread_atfork(take_time, NULL, NULL); }

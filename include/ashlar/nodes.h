/* NUMA nodes. On a machine with several of them, Ashlar takes each thread's memory from the node on which the thread
 * runs, and from the nearest others when that has none (the kernel's zonelist; numa(7)). Nodes have the kernel's
 * numbers, those in /sys/devices/system/node/has_memory: 0, 1, … with holes where the kernel's have them. With
 * ASHLAR_OPTIONS=numa_fake=N there are N nodes, 0 to N - 1, given to threads in turn; with numa=off there is one, 0.
 *
 * All functions are thread-safe, and none is async-signal-safe.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_NODES_H
#define ASHLAR_NODES_H

#include "ashlar.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The number of nodes that memory is taken from: 1 on most machines, and for a process that was given a memory policy
 * of its own (set_mempolicy(2), numactl(8)), which stays as it is. At most 64. */
ASHLAR_API int ashlar_node_count(void) ASHLAR_NOTHROW;

/* The node from which the calling thread gets its memory first. For a thread that moves to another node it follows some
 * 64 slow calls later. */
ASHLAR_API int ashlar_current_node(void) ASHLAR_NOTHROW;

/* The node of a block, by any address in it; where a block lies on several, that of the address. -1 with errno
 *   EFAULT   if the address lies in no memory of Ashlar's (as get_mempolicy(2); ashlar_page_describe says ENOENT)
 *   ENODATA  if the block has a mapping of its own, and the kernel does not tell where that lies
 * The node is the one that the pages were asked of: where that had none left, the kernel took them from elsewhere. */
ASHLAR_API int ashlar_node_of(const void* address) ASHLAR_NOTHROW ASHLAR_ADDRESS_ONLY(1);

#ifdef __cplusplus
}
#endif

#endif

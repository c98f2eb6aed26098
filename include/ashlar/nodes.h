/* Ashlar: NUMA nodes (numa(7)). On a machine with several nodes, Ashlar takes each thread's memory from the node on
 * which the thread runs, and from the nearest others if that node has none, like the kernel's zonelist. Nodes have the
 * kernel's numbers, those in /sys/devices/system/node/has_memory, which may have gaps. With ASHLAR_OPTIONS=numa_fake=N
 * there are N nodes, 0 to N - 1, which are assigned to threads in turn. With numa=off there is one node, 0.
 *
 * All functions are thread-safe. None is async-signal-safe.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_NODES_H
#define ASHLAR_NODES_H

#include "ashlar.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the number of nodes that memory is taken from, 1 to 64. It is 1 on most machines, and for a process that was
 * given a memory policy of its own (set_mempolicy(2), numactl(8)), which Ashlar does not change. Never fails.
 * Thread-safe. */
ASHLAR_API int ashlar_node_count(void) ASHLAR_NOTHROW;

/* Returns the node from which the calling thread's memory is taken first. After the thread moves to another node, the
 * result changes within about 64 slow calls. Never fails. Thread-safe. */
ASHLAR_API int ashlar_current_node(void) ASHLAR_NOTHROW;

/* Returns the node of the block that contains an address. If the block spans several nodes, returns the node of the
 * address. This is the node that the pages were requested from; if it had none left, the kernel took them from another
 * one. Returns -1 on failure, with errno
 *
 *   EFAULT   if the address is not in Ashlar's memory (like get_mempolicy(2); ashlar_page_describe returns ENOENT)
 *   ENODATA  if the block has a mapping of its own and the kernel does not report the node
 *
 * Thread-safe. */
ASHLAR_API int ashlar_node_of(const void* address) ASHLAR_NOTHROW ASHLAR_ADDRESS_ONLY(1);

#ifdef __cplusplus
}
#endif

#endif

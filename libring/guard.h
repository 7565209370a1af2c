/* SPDX-License-Identifier: MIT */
/*
 * Touching a mapping that may lose its file: SIGBUS inside it becomes an error.
 */
#ifndef RING_INTERNAL_GUARD_H
#define RING_INTERNAL_GUARD_H

#include <stddef.h>

/* Calls touch(argument), which may fault inside [map, map + bytes) and must hold nothing that a
 * jump out of it would leak. Returns 0, or -EFAULT if it faulted and ring_reader_guard was
 * called before; without that the fault is the process's. */
int ring_guard_run(const void *map, size_t bytes, void (*touch)(void *), void *argument);

#endif

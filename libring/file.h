/* SPDX-License-Identifier: MIT */
/*
 * The file under a segment: its lock, its blocks, its name. Descriptors are the caller's to
 * close. Negative errnos come with the reason kept for ring_error().
 */
#ifndef RING_INTERNAL_FILE_H
#define RING_INTERNAL_FILE_H

#include <stdbool.h>

#include "ring/layout.h"

/* Another starter of the same name was faster: begin again. */
enum { RING_FILE_LOST = 1 };

#define RING_TEMPORARY_BYTES (1 + RING_NAME_MAX + 1 + 16 + 1) /* .name.0123456789abcdef */

/* Opens and locks the file that has the name; by the time that the lock is held, the name may lead
 * elsewhere. Returns 0, with -1 in `*fd` if there is none; -EBUSY if a live process has the lock;
 * or another negative errno. */
int ring_file_lock_name(int *fd, int dir_fd, const char *name);

/* Whether the name leads to this file. */
bool ring_file_is_named(int fd, int dir_fd, const char *name);

/* Makes an empty file under a temporary name, which comes from the header's name and uuid.
 * Returns a descriptor or a negative errno. */
int ring_file_make(int dir_fd, const struct ring_header *header,
		   char temporary[RING_TEMPORARY_BYTES]);

/* Locks such a file. Returns 0, RING_FILE_LOST or a negative errno. */
int ring_file_lock(int fd, const char *name);

/* Allocates all blocks of the file. Returns 0 or a negative errno. */
int ring_file_allocate(int fd, const char *name, uint64_t bytes);

/* Gives the file with the temporary name its name: in place of `replaced`, a file that the caller
 * has locked under that name, or of nothing (-1). Returns 0, RING_FILE_LOST or a negative errno. */
int ring_file_publish(int dir_fd, const char *temporary, const char *name, int replaced);

/* Removes what starters of this name left behind when they died before they had published: their
 * files have nobody's lock. */
void ring_file_sweep(int dir_fd, const char *name);

#endif

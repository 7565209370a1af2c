/* SPDX-License-Identifier: MIT */
/*
 * Which file stands under a name and whether it has changed, as far as one can tell without
 * opening it.
 */
#ifndef STAMP_H
#define STAMP_H

#include <stdbool.h>
#include <sys/stat.h>

struct stamp {
	dev_t dev;
	ino_t ino; /* 0: there is no file */
	off_t bytes;
	struct timespec modified, changed;
};

struct stamp stamp_take(int dir_fd, const char *name);
bool stamp_is_same_file(const struct stamp *a, const struct stamp *b);
bool stamp_is_unchanged(const struct stamp *a, const struct stamp *b);

#endif

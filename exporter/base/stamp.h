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
	mode_t mode;
	off_t bytes;
	struct timespec modified, changed;
};

/* Of the name itself, be it a link; and of what a path leads to. */
struct stamp stamp_take(int dir_fd, const char *name);
struct stamp stamp_follow(const char *path);

bool stamp_is_same_file(const struct stamp *a, const struct stamp *b);
bool stamp_is_unchanged(const struct stamp *a, const struct stamp *b);

#endif

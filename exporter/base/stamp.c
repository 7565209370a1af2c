/* SPDX-License-Identifier: MIT */
/* Stamps of files; see stamp.h. */
#include <fcntl.h>

#include "stamp.h"

static struct stamp take(int dir_fd, const char *name, int flags)
{
	struct stat status;

	if (fstatat(dir_fd, name, &status, flags) != 0)
		return (struct stamp){.ino = 0};
	return (struct stamp){
		.dev = status.st_dev,
		.ino = status.st_ino,
		.mode = status.st_mode,
		.bytes = status.st_size,
		.modified = status.st_mtim,
		.changed = status.st_ctim,
	};
}

struct stamp stamp_take(int dir_fd, const char *name)
{
	return take(dir_fd, name, AT_SYMLINK_NOFOLLOW);
}

struct stamp stamp_follow(const char *path)
{
	return take(AT_FDCWD, path, 0);
}

bool stamp_is_same_file(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

static bool time_equals(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool stamp_is_unchanged(const struct stamp *a, const struct stamp *b)
{
	return stamp_is_same_file(a, b) && a->bytes == b->bytes &&
	       time_equals(a->modified, b->modified) && time_equals(a->changed, b->changed);
}

/* SPDX-License-Identifier: MIT */
/*
 * Where segments live: one rule for producers and readers alike.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "export.h"
#include "ring/segment.h"

#define SYSTEM_DIR "/run/ring"

static const char *environment(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}

/* Where there is nothing better. */
static int shared_dir(char path[RING_PATH_BYTES])
{
	return snprintf(path, RING_PATH_BYTES, "/dev/shm/ring-%u", (unsigned)geteuid());
}

RING_EXPORT int ring_dir_resolve(const char *dir, char path[RING_PATH_BYTES])
{
	const char *runtime = environment("XDG_RUNTIME_DIR");
	int bytes;

	if (!dir)
		dir = environment("RING_DIR");
	if (!dir && (geteuid() == 0 || access(SYSTEM_DIR, F_OK) == 0))
		dir = SYSTEM_DIR;
	if (dir)
		bytes = snprintf(path, RING_PATH_BYTES, "%s", dir);
	else if (runtime)
		bytes = snprintf(path, RING_PATH_BYTES, "%s/ring", runtime);
	else
		bytes = shared_dir(path);
	if (bytes < 0 || (unsigned)bytes >= RING_PATH_BYTES)
		return ring_fail(ENAMETOOLONG, "segment directory: path too long");
	return 0;
}

/* /dev/shm is everybody's: somebody else may have made our directory there before us. */
static bool is_squatted(const char *path, int fd)
{
	struct stat status;
	char own[RING_PATH_BYTES];

	shared_dir(own);
	return strcmp(path, own) == 0 && (fstat(fd, &status) != 0 || status.st_uid != geteuid() ||
					  (status.st_mode & (S_IWGRP | S_IWOTH)) != 0);
}

RING_EXPORT int ring_dir_open(const char *path)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd = open(path, flags);

	if (fd < 0 && errno == ENOENT) {
		if (mkdir(path, 0750) != 0 && errno != EEXIST)
			return ring_fail(errno, "%s: cannot make the segment directory: %s", path,
					 strerror(errno));
		fd = open(path, flags);
	}
	if (fd < 0)
		return ring_fail(errno, "%s: cannot open the segment directory: %s", path,
				 strerror(errno));
	if (is_squatted(path, fd)) {
		close(fd);
		return ring_fail(EPERM, "%s: is not this user's alone", path);
	}
	return fd;
}

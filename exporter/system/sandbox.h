/* SPDX-License-Identifier: MIT */
/*
 * What this process can still do once it has started: read what it was granted, answer who
 * connects, and nothing else. The kernel sees to it in two layers: Landlock, by file, and seccomp,
 * by system call. What is denied fails with EPERM or EACCES and ends nothing. Capabilities go too,
 * but for that of reading files, without which root could not read the segments of others.
 *
 * The main thread's own, and it has to be alone: who starts later inherits the sandbox.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

#define SANDBOX_PATHS_MAX 64u

enum sandbox_access {
	SANDBOX_READ = 1 << 0,    /* files, and the names in directories */
	SANDBOX_REMOVE = 1 << 1,  /* files in a directory */
	SANDBOX_WRITE = 1 << 2,   /* make, write, rename and remove files in a directory */
	SANDBOX_LASTING = 1 << 3, /* for /proc, where the kernel makes and forgets files as they are
				   * looked at: the one that was meant stays open */
};

struct sandbox_grants {
	struct sandbox_path {
		int fd;
		unsigned access;
	} paths[SANDBOX_PATHS_MAX];
	unsigned path_count;
	bool may_connect; /* to others, whose names it may look up */
	bool may_profile; /* itself: timers, and memory that is written through a descriptor */
};

/* A file, or a directory with all below it. What is not there is not granted. */
void sandbox_grant(struct sandbox_grants *grants, const char *path, unsigned access);

/* The directory that a file is in, and the one that it is linked to: it may be replaced. Of what
 * lies in the root directory, only the file as it is. */
void sandbox_grant_around(struct sandbox_grants *grants, const char *path, unsigned access);

/* Puts up what the kernel has of the layers, logs what it has not, and takes the grants. */
void sandbox_enter(struct sandbox_grants *grants);

enum sandbox_layer { SANDBOX_LANDLOCK, SANDBOX_SECCOMP, SANDBOX_LAYER_COUNT };

extern const char *const sandbox_layer_words[SANDBOX_LAYER_COUNT];

/* Whether it is up. Of threads that started since. */
bool sandbox_has(enum sandbox_layer layer);

#endif

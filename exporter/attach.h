/* SPDX-License-Identifier: MIT */
/*
 * The segments of a directory, present and future. inotify says when to look, the directory
 * itself says what there is; without news it is looked through every few seconds anyway. Names
 * that start with a dot are files in the making; every other name is a source.
 *
 * The drain thread's own.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <ring/segment.h>

#include "source.h"

#define ATTACH_SOURCES_MAX 1024u

struct attach {
	char dir[RING_PATH_BYTES];
	int dir_fd;     /* -1: it is not there */
	int inotify_fd; /* -1: looked through on time alone */
	struct aggregate *aggregate;
	struct source *sources[ATTACH_SOURCES_MAX]; /* by name */
	size_t source_count;
	size_t ignored_count; /* names beyond ATTACH_SOURCES_MAX */
	uint64_t scanned_ns;  /* when it was last looked through */
	bool news;            /* since then */
};

/* Opens the directory, making it if it is missing, and looks through it. Returns 0, or a
 * negative errno with the reason in ring_error(). */
int attach_open(struct attach *attach, const char *dir, struct aggregate *aggregate,
		uint64_t now_ns);
void attach_close(struct attach *attach);

/* Takes news in and looks through the directory when it is time to. */
void attach_update(struct attach *attach, uint64_t now_ns);

#endif

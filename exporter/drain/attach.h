/* SPDX-License-Identifier: MIT */
/*
 * The segments of a directory, present and future. inotify says when to look, the directory
 * itself says what there is; without news it is looked through every few seconds anyway. Names
 * that start with a dot are files in the making; every other name is a source.
 *
 * Reading a file may take long, whoever put it there, and meanwhile rings fill. So a look goes on
 * in steps that read one segment at most, and news alone do not make it read again what was refused
 * before and has not changed.
 *
 * The drain thread's own.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <ring/segment.h>

#include "source.h"

#define ATTACH_NAMES_MAX    4096u /* looked at; most of them may well be junk */
#define ATTACH_FOLLOWED_MAX 1024u /* segments; each takes a descriptor */

struct attach {
	char dir[RING_PATH_BYTES];
	int dir_fd;     /* -1: it is not there */
	int inotify_fd; /* -1: looked through on time alone */
	struct aggregate *aggregate;
	struct followers *followers;
	struct source *sources[ATTACH_NAMES_MAX]; /* by name */
	size_t source_count;
	size_t followed_max;
	size_t ignored_count; /* names beyond ATTACH_NAMES_MAX */
	size_t looked_count;  /* sources that the last look is done with */
	size_t retried_count; /* and what it changed has been tried on */
	uint64_t looked_ns;   /* when it began */
	uint64_t retried_ns;  /* when the last one began that read unchanged files again */
	bool retrying;        /* the last look does */
	bool changed;         /* the last look has changed what is followed */
	bool news;            /* since it began */
};

/* Whether a look is in progress, so that the next update should not be long in coming. */
static inline bool attach_is_looking(const struct attach *attach)
{
	return attach->looked_count < attach->source_count ||
	       attach->retried_count < attach->source_count;
}

/* Opens the directory, making it if it is missing, and looks through all of it. At most
 * `followed_max` segments are followed at a time; `followers` may be NULL. Returns 0, or a negative
 * errno with the reason in ring_error(). */
int attach_open(struct attach *attach, const char *dir, struct aggregate *aggregate,
		struct followers *followers, size_t followed_max, uint64_t now_ns);
void attach_close(struct attach *attach);

/* Takes news in, begins a look when it is time to, and takes one step of it. */
void attach_update(struct attach *attach, uint64_t now_ns);

#endif

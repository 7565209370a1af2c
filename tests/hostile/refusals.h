/* SPDX-License-Identifier: MIT */
/*
 * Damage of one kind at a time, each with the one verdict that it earns: as tables of what is
 * written where (refusals.c), and as things of the file system (refused_files.c).
 */
#ifndef HOSTILE_REFUSALS_H
#define HOSTILE_REFUSALS_H

#include "ring/read.h"
#include "victim.h"

/* A number written into the segment. */
struct refusal {
	const char *damage; /* "<damage>_is_<verdict>" is the test's name */
	enum part part;
	unsigned index;
	size_t offset, bytes; /* of the field in its struct */
	uint64_t number;
	enum ring_verdict verdict;
};

/* Before the file is opened, and after: what a reader sees at its next call. */
extern const struct refusal refusals[];
extern const size_t refusal_count;
extern const struct refusal late_refusals[];
extern const size_t late_refusal_count;

/* A byte written into a text of the heap. The damage to a name is the reader's business, the
 * damage to a label value is not: it may hold any byte. */
struct text_refusal {
	const char *damage;
	enum part part;
	unsigned index;
	size_t span_offset; /* of the text's struct ring_span in its entry */
	unsigned at;        /* byte of the text */
	uint8_t byte;
	enum ring_verdict verdict;
};

extern const struct text_refusal text_refusals[];
extern const size_t text_refusal_count;

/* What stands under a name instead of a good file: made by `make`, which returns whether it
 * could. Requires a victim. */
struct file_refusal {
	const char *damage;
	bool (*make)(struct victim *victim, const char *name);
	enum ring_verdict verdict;
};

extern const struct file_refusal file_refusals[];
extern const size_t file_refusal_count;

#endif

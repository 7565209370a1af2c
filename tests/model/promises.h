/* SPDX-License-Identifier: MIT */
/*
 * What the ring promises of every pass of a reader, judged against what the writer
 * did. The model checker asks this of each outcome.
 */
#ifndef PROMISES_H
#define PROMISES_H

#include "history.h"

/* One pass over the ring: what it started from and what it brought. */
struct pass {
	uint64_t cursor;
	bool at_rest; /* the reader knew already that nothing more will come */
	struct ring_batch batch;
	const struct ring_sample *out;
	uint64_t cells[HISTORY_CELLS]; /* read after the samples, if the case has `tallies` */
};

/* Returns the promise that was broken, in words, or NULL. */
const char *promises_judge(const struct ring_case *c, const struct history *history,
			   const struct pass *pass);

#endif

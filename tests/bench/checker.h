/* SPDX-License-Identifier: MIT */
/*
 * A reader of a mixture that holds each sample against what it must be: series, kind, and the
 * value, in which it is numbered. What it has missed, it must have been told of as dropped.
 */
#ifndef CHECKER_H
#define CHECKER_H

#include "mixture.h"

struct checker {
	const struct mixture *mixture;
	struct ring_reader *reader;
	uint64_t *keys[MIXTURE_KINDS + 1]; /* by kind and series, as samples carry them */
	uint64_t *totals;                  /* of each counter, so far */
	uint64_t next;                     /* number of the next sample */
	uint64_t folded;                   /* over all samples: see checker_fold */
	bool lossy; /* samples were dropped since the last restart, so that nothing is checked */
	bool broken;
};

struct checker *checker_open(const struct mixture *mixture);
void checker_close(struct checker *checker);

/* One poll: takes and checks what is there, at most a ring's worth. */
void checker_pass(struct checker *checker);

/* For when nobody records: takes the rest. Whether all samples since the last restart were
 * delivered and right. */
bool checker_finish(struct checker *checker);

/* Goes on behind what has been recorded so far. */
bool checker_restart(struct checker *checker);

/* A sum over samples, for others who read the same ones and have no time to look at each. */
static inline uint64_t checker_fold(uint64_t folded, const struct ring_sample *sample)
{
	return folded + (sample->value ^ sample->key);
}

#endif

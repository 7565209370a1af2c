/* SPDX-License-Identifier: MIT */
/*
 * What the exporter itself has observed of a histogram's series: classic and native buckets that
 * hold the same observations, from all cores and segments together, whoever of them is gone.
 * Nothing in it ever falls, since Prometheus takes that for a restart.
 *
 * Where in native buckets belongs what was counted before the exporter came, nobody knows; so that
 * is left out for good. This is the *base*, by which counts and sum are less than the segments'. An
 * observation whose sample was lost stands in the native bucket that has the upper bound of its
 * classic one.
 *
 * Prometheus refuses all of a page on which a histogram contradicts itself, so none does, whatever
 * segments say: there are never more observations than OBSERVED_MAX, and the sum is NaN if one of
 * them was. Pure; one thread at a time.
 */
#ifndef OBSERVED_H
#define OBSERVED_H

#include <ring/read.h>

#include "native.h"

#define OBSERVED_MAX (UINT64_C(1) << 62)

struct observed {
	uint64_t start_ns; /* since 1970; 0: it has no base and started with the series */
	double base_sum;
	struct native native;
	uint64_t buckets[]; /* one more than there are bounds */
};

/* NULL for want of memory. */
struct observed *observed_create(const struct ring_metric_info *metric);
void observed_destroy(struct observed *observed);

/* A value, which is in that bucket; values lost, of which the bucket is all that is known, and of
 * which those beyond OBSERVED_MAX do not count. Return false, and count nothing, for want of
 * memory.
 */
bool observed_take(struct observed *observed, uint32_t bucket, double value);
bool observed_replace(struct observed *observed, const struct ring_metric_info *metric,
		      uint32_t bucket, uint64_t claimed);

/* One side of native buckets, at rest. */
struct observed_side {
	const int32_t *indexes;
	const uint64_t *counts;
	uint32_t count;
};

/* All of it at rest, where it was written as words. */
struct observed_view {
	uint64_t start_ns;
	double sum;
	const uint64_t *buckets;
	int32_t schema;
	uint64_t zero_count;
	struct observed_side positive, negative;
	size_t word_count;
};

/* How many words it takes; writes it, with `sum` for what the segments have; reads it again. */
size_t observed_word_count(const struct observed *observed, uint32_t bucket_count);
void observed_write(const struct observed *observed, uint32_t bucket_count, double sum,
		    uint64_t *words);
struct observed_view observed_read(const uint64_t *words, uint32_t bucket_count);

#endif

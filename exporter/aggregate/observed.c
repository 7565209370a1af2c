/* SPDX-License-Identifier: MIT */
/*
 * Observations, counted twice and written down; see observed.h.
 *
 *   words:   start | sum | schema | zero | how many positive | negative | classic buckets
 *            | positive counts | their indexes, two a word | negative counts | their indexes
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ring/ring.h>

#include "observed.h"

enum { START, SUM, SCHEMA, ZERO, POSITIVE, NEGATIVE, HEAD_WORDS };

struct observed *observed_create(const struct ring_metric_info *metric)
{
	struct observed *observed = calloc(
		1, sizeof *observed + (metric->bound_count + 1) * sizeof observed->buckets[0]);

	if (observed)
		native_init(&observed->native);
	return observed;
}

void observed_destroy(struct observed *observed)
{
	if (observed)
		native_release(&observed->native);
	free(observed);
}

bool observed_take(struct observed *observed, uint32_t bucket, double value)
{
	if (!native_observe(&observed->native, value, 1))
		return false;
	observed->buckets[bucket]++;
	return true;
}

/* Of so many values, those that still count. */
static uint64_t limited(const struct observed *observed, uint32_t bucket_count, uint64_t count)
{
	uint64_t left = OBSERVED_MAX;

	for (uint32_t i = 0; i < bucket_count; i++)
		left -= observed->buckets[i] < left ? observed->buckets[i] : left;
	return count < left ? count : left;
}

bool observed_replace(struct observed *observed, const struct ring_metric_info *metric,
		      uint32_t bucket, uint64_t claimed)
{
	struct native *native = &observed->native;
	const uint64_t count = limited(observed, metric->bound_count + 1, claimed);

	if (count == 0)
		return true;
	const bool is_placed = bucket < metric->bound_count
				       ? native_observe(native, metric->bounds[bucket], count)
				       : native_observe_above(native, metric->bounds[bucket - 1],
							      count);

	if (is_placed)
		observed->buckets[bucket] += count;
	return is_placed;
}

static size_t side_words(uint32_t count)
{
	return count + (count + 1) / 2;
}

size_t observed_word_count(const struct observed *observed, uint32_t bucket_count)
{
	const struct native *native = &observed->native;

	return HEAD_WORDS + bucket_count + side_words(native->positive.count) +
	       side_words(native->negative.count);
}

static uint64_t *side_write(const struct native_side *side, uint64_t *words)
{
	if (side->count == 0)
		return words;
	memcpy(words, side->counts, side->count * sizeof *side->counts);
	memcpy(words + side->count, side->indexes, side->count * sizeof *side->indexes);
	return words + side_words(side->count);
}

void observed_write(const struct observed *observed, uint32_t bucket_count, double sum,
		    uint64_t *words)
{
	const struct native *native = &observed->native;

	words[START] = observed->start_ns;
	words[SUM] = ring_bits_of(native->has_nan ? (double)NAN : sum - observed->base_sum);
	words[SCHEMA] = (uint64_t)(int64_t)native->schema;
	words[ZERO] = native->zero_count;
	words[POSITIVE] = native->positive.count;
	words[NEGATIVE] = native->negative.count;
	memcpy(words + HEAD_WORDS, observed->buckets, bucket_count * sizeof *observed->buckets);
	words = side_write(&native->positive, words + HEAD_WORDS + bucket_count);
	side_write(&native->negative, words);
}

static struct observed_side side_read(const uint64_t *words, uint32_t count)
{
	return (struct observed_side){(const int32_t *)(const void *)(words + count), words, count};
}

struct observed_view observed_read(const uint64_t *words, uint32_t bucket_count)
{
	const uint32_t positive = (uint32_t)words[POSITIVE], negative = (uint32_t)words[NEGATIVE];
	const uint64_t *const sides = words + HEAD_WORDS + bucket_count;

	return (struct observed_view){
		.start_ns = words[START],
		.sum = ring_double_of(words[SUM]),
		.buckets = words + HEAD_WORDS,
		.schema = (int32_t)(int64_t)words[SCHEMA],
		.zero_count = words[ZERO],
		.positive = side_read(sides, positive),
		.negative = side_read(sides + side_words(positive), negative),
		.word_count = HEAD_WORDS + bucket_count + side_words(positive) +
			      side_words(negative),
	};
}

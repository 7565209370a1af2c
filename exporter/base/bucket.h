/* SPDX-License-Identifier: MIT */
/*
 * A token bucket: so much at once, and then so much in each second. What a client may ask and what
 * the log may say is measured with it. Pure.
 */
#ifndef BUCKET_H
#define BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	double tokens;
	uint64_t seen_ns; /* when they were counted */
};

static inline struct bucket bucket_full(double most, uint64_t now_ns)
{
	return (struct bucket){most, now_ns};
}

/* Takes a token, if there is one; as many as `rate` come back in a second, up to `most`. */
static inline bool bucket_take(struct bucket *bucket, double rate, double most, uint64_t now_ns)
{
	bucket->tokens += (double)(now_ns - bucket->seen_ns) / 1e9 * rate;
	bucket->seen_ns = now_ns;
	if (bucket->tokens > most)
		bucket->tokens = most;
	if (bucket->tokens < 1)
		return false;
	bucket->tokens--;
	return true;
}

#endif

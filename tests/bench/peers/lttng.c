/* SPDX-License-Identifier: MIT */
/*
 * An LTTng-UST tracepoint with the payload of a sample; the tracer adds the time itself. The
 * session comes from tracepoint.py, which afterwards looks for the last event in a snapshot.
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_provider.h"

#include "peers.h"

#define KEYS UINT64_C(64)
#define LAST UINT64_C(0x656c706d61736c61) /* tracepoint.py knows it as "alsample" */

static void *open_session(const void *setup)
{
	static bool opened;

	(void)setup;
	if (!lttng_ust_tracepoint_enabled(ring_bench, sample)) {
		bench_fail("lttng: no session records the tracepoint");
		return NULL;
	}
	return &opened;
}

static void close_session(void *state)
{
	(void)state;
	lttng_ust_tracepoint(ring_bench, sample, LAST, LAST);
}

static inline void trace(void *state, uint64_t count)
{
	(void)state;
	for (uint64_t i = 0; i < count; i++)
		lttng_ust_tracepoint(ring_bench, sample, i, i % KEYS);
}

const struct contender lttng_tracepoint = {
	.who = "lttng-ust",
	.open = open_session,
	.close = close_session,
	.loops = {trace},
};

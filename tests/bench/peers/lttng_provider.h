/* SPDX-License-Identifier: MIT */
/* The tracepoint that is timed, for LTTng's macros, which include this more than once. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER ring_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "lttng_provider.h"

#if !defined(LTTNG_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define LTTNG_PROVIDER_H

#include <stdint.h>

#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(
	ring_bench,
	sample,
	LTTNG_UST_TP_ARGS(uint64_t, value, uint64_t, key),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, value, value)
		lttng_ust_field_integer(uint64_t, key, key)
	)
)
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>

/* SPDX-License-Identifier: MIT */
/*
 * Messages of a Raft group on their way to peers and in from them: polled, from totals that the
 * engine keeps anyway.
 */
#ifndef RING_SET_DISPATCH_H
#define RING_SET_DISPATCH_H

#include "../set.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gRPC's status codes, by their numbers; 0, which is success, is none of them. */
#define RING_DISPATCH_CODES(VALUE)                                     \
	VALUE(RING_DISPATCH_OTHER, "other")                            \
	VALUE(RING_DISPATCH_CANCELED, "Canceled")                      \
	VALUE(RING_DISPATCH_UNKNOWN, "Unknown")                        \
	VALUE(RING_DISPATCH_INVALID_ARGUMENT, "InvalidArgument")       \
	VALUE(RING_DISPATCH_DEADLINE_EXCEEDED, "DeadlineExceeded")     \
	VALUE(RING_DISPATCH_NOT_FOUND, "NotFound")                     \
	VALUE(RING_DISPATCH_ALREADY_EXISTS, "AlreadyExists")           \
	VALUE(RING_DISPATCH_PERMISSION_DENIED, "PermissionDenied")     \
	VALUE(RING_DISPATCH_RESOURCE_EXHAUSTED, "ResourceExhausted")   \
	VALUE(RING_DISPATCH_FAILED_PRECONDITION, "FailedPrecondition") \
	VALUE(RING_DISPATCH_ABORTED, "Aborted")                        \
	VALUE(RING_DISPATCH_OUT_OF_RANGE, "OutOfRange")                \
	VALUE(RING_DISPATCH_UNIMPLEMENTED, "Unimplemented")            \
	VALUE(RING_DISPATCH_INTERNAL, "Internal")                      \
	VALUE(RING_DISPATCH_UNAVAILABLE, "Unavailable")                \
	VALUE(RING_DISPATCH_DATA_LOSS, "DataLoss")                     \
	VALUE(RING_DISPATCH_UNAUTHENTICATED, "Unauthenticated")

RING_SET_LABEL(ring_dispatch_code, "code", RING_DISPATCH_CODES);

#define RING_DISPATCH_COUNTS(ONE, EACH, OF)                                                        \
	ONE(OF, COUNTER, drops, "raft_dispatch_dropped_total", NULL,                               \
	    "Messages to peers that were dropped, as too many were waiting.")                      \
	ONE(OF, COUNTER, errors, "raft_dispatch_errors_total", NULL,                               \
	    "Messages to peers that could not be sent.")                                           \
	EACH(OF, COUNTER, errors_by_code, ring_dispatch_code,                                      \
	     "raft_dispatch_errors_by_code_total", NULL, "The same by the status that came back.") \
	ONE(OF, COUNTER, step_queue_full, "raft_step_queue_full_total", NULL,                      \
	    "Messages from peers for which the queue had no room.")

RING_SET_POLLED(ring_dispatch_counts, RING_DISPATCH_COUNTS);

static const struct ring_set_bundle ring_dispatch_counts_bundle = {
	RING_SET_METRICS(ring_dispatch_counts), {"group"}, RING_SET_BUDGET, RING_SET_OVERFLOW, 0};
static const struct ring_set_spec ring_dispatch = {RING_SET_PREFIX, {&ring_dispatch_counts_bundle}};

/* Adds to the totals of a code. */
static inline void ring_dispatch_error(struct ring_dispatch_counts *counts,
				       enum ring_dispatch_code code, uint64_t errors)
{
	counts->errors_by_code[ring_dispatch_code_known(code)] += errors;
}

static inline int ring_dispatch_observe(struct ring_poll *poll, const struct ring_set *set,
					const char *group,
					const struct ring_dispatch_counts *counts)
{
	const char *const labels[] = {group, NULL};

	return ring_set_observe(poll, set, &ring_dispatch_counts_bundle, labels, counts);
}

#ifdef __cplusplus
}
#endif

#endif

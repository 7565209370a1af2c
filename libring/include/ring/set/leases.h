/* SPDX-License-Identifier: MIT */
/*
 * Reads under a leader's lease: served at once, or only after asking the others. For who serves
 * reads that must not be stale.
 */
#ifndef RING_SET_LEASES_H
#define RING_SET_LEASES_H

#include "../set.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_LEASE_OUTCOMES(VALUE)     \
	VALUE(RING_LEASE_MISS, "miss") \
	VALUE(RING_LEASE_HIT, "hit")

RING_SET_LABEL(ring_lease_outcome, "outcome", RING_LEASE_OUTCOMES);

#define RING_LEASE(ONE, EACH, OF)                                              \
	EACH(OF, COUNTER, reads, ring_lease_outcome, "lease_read_total", NULL, \
	     "Reads that the lease allowed to be served at once, and those it did not.")

RING_SET_RECORDED(ring_lease, RING_LEASE);

static const struct ring_set_bundle ring_lease_bundle = {
	RING_SET_METRICS(ring_lease), {NULL}, 0, RING_SET_OVERFLOW, 0};
static const struct ring_set_spec ring_leases = {RING_SET_PREFIX, {&ring_lease_bundle}};

static inline struct ring_lease ring_lease_resolve(const struct ring_set *set)
{
	const char *const labels[] = {NULL};
	struct ring_lease handles;

	ring_set_resolve(set, &ring_lease_bundle, labels, &handles);
	return handles;
}

static inline void ring_lease_read(struct ring_writer *writer, const struct ring_lease *lease,
				   enum ring_lease_outcome outcome)
{
	ring_counter_add(writer, lease->reads[ring_lease_outcome_known(outcome)], 1);
}

#ifdef __cplusplus
}
#endif

#endif

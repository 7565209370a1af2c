/* SPDX-License-Identifier: MIT */
/*
 * A replicating data plane: per channel two lags and seven counters, per follower the sequence
 * numbers that the exporter makes its lag from. Each call is one record.
 *
 * Leader and follower may be different processes: the exporter joins what they record by
 * `follower`. The metrics of followers have no prefix, because the exporter knows them by name.
 * Names and help texts are those of the system that the set comes from, and so are the budget and
 * the overflow label, which are the library's own.
 */
#ifndef RING_SET_REPLICATION_H
#define RING_SET_REPLICATION_H

#include "../set.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_REPLICATION_PREFIX       "dataforts_"
#define RING_REPLICATION_SHIPPED      "replication_shipped_seqno"
#define RING_REPLICATION_APPLIED      "replication_applied_seqno"
#define RING_REPLICATION_RECORDED_LAG "replication_recorded_lag_seconds"

/* The set's bundles, for ring_set_options.budgets. */
#define RING_REPLICATION_CHANNELS  0
#define RING_REPLICATION_FOLLOWERS 1

#define RING_REPLICATION_ROLES(VALUE)            \
	VALUE(RING_REPLICATION_LEADER, "leader") \
	VALUE(RING_REPLICATION_REPLICA, "replica")

RING_SET_LABEL(ring_replication_role, "role", RING_REPLICATION_ROLES);

#define RING_REPLICATION_CHANNEL(ONE, EACH, OF)                                               \
	EACH(OF, LAST, lag, ring_replication_role, "replication_lag_seconds", "seconds",      \
	     "Replica's tail_seq lag behind leader, per role.")                               \
	ONE(OF, COUNTER, sync_bytes, "replication_sync_bytes_total", "bytes",                 \
	    "Cumulative bytes shipped via SYNC_RESPONSE.")                                    \
	ONE(OF, COUNTER, leader_changes, "leader_changes_total", NULL,                        \
	    "Number of leader elections completed.")                                          \
	ONE(OF, COUNTER, under_capacity, "replication_under_capacity_total", NULL,            \
	    "Times the channel hit UnderCapacity policy.")                                    \
	ONE(OF, COUNTER, skip_ahead, "replication_skip_ahead_total", NULL,                    \
	    "Times a replica skipped instead of replaying a large gap.")                      \
	ONE(OF, COUNTER, election_thrash, "replication_election_thrash_total", NULL,          \
	    "Elections triggered within 30 s of the previous one (saturation indicator).")    \
	ONE(OF, COUNTER, witness_withdrawals, "replication_witness_withdrawals_total", NULL,  \
	    "Times a peer replica issued a witness Mesh::withdraw_chain for a deposed "       \
	    "leader's tag.")                                                                  \
	ONE(OF, COUNTER, announce_divergence, "replication_announce_divergence_total", NULL,  \
	    "Times a coordinator transitioned to Idle but its mesh-side withdraw_chain call " \
	    "failed; non-zero values mean the mesh may still advertise this node as a chain " \
	    "holder.")

#define RING_REPLICATION_FOLLOWER(ONE, EACH, OF)                                       \
	ONE(OF, LAST, shipped, RING_REPLICATION_SHIPPED, NULL,                         \
	    "Sequence number up to which the leader has shipped to this follower.")    \
	ONE(OF, LAST, applied, RING_REPLICATION_APPLIED, NULL,                         \
	    "Sequence number up to which this follower has applied what was shipped.") \
	ONE(OF, LAST, recorded_lag, RING_REPLICATION_RECORDED_LAG, "seconds",          \
	    "Lag of this follower as its data plane knows it.")

RING_SET_RECORDED(ring_replication_channel, RING_REPLICATION_CHANNEL);
RING_SET_RECORDED(ring_replication_follower, RING_REPLICATION_FOLLOWER);

static const struct ring_set_bundle ring_replication_channel_bundle = {
	RING_SET_METRICS(ring_replication_channel),
	{"channel"},
	RING_SERIES_BUDGET,
	RING_OVERFLOW_LABEL,
	0};
static const struct ring_set_bundle ring_replication_follower_bundle = {
	RING_SET_METRICS(ring_replication_follower),
	{"follower"},
	RING_SERIES_BUDGET,
	RING_OVERFLOW_LABEL,
	1};
static const struct ring_set_spec ring_replication = {
	RING_REPLICATION_PREFIX,
	{&ring_replication_channel_bundle, &ring_replication_follower_bundle}};

static inline struct ring_replication_channel ring_replication_channel_resolve(
	const struct ring_set *set, const char *channel)
{
	const char *const labels[] = {channel, NULL};
	struct ring_replication_channel handles;

	ring_set_resolve(set, &ring_replication_channel_bundle, labels, &handles);
	return handles;
}

/* Gives up the lags; the totals stay. */
static inline int ring_replication_channel_forget(const struct ring_set *set, const char *channel)
{
	const char *const labels[] = {channel, NULL};

	return ring_set_forget(set, &ring_replication_channel_bundle, labels);
}

static inline struct ring_replication_follower ring_replication_follower_resolve(
	const struct ring_set *set, const char *follower)
{
	const char *const labels[] = {follower, NULL};
	struct ring_replication_follower handles;

	ring_set_resolve(set, &ring_replication_follower_bundle, labels, &handles);
	return handles;
}

/* Gives the follower's place to others; ring_replication_follower_gone keeps it. */
static inline int ring_replication_follower_forget(const struct ring_set *set, const char *follower)
{
	const char *const labels[] = {follower, NULL};

	return ring_set_forget(set, &ring_replication_follower_bundle, labels);
}

/* How far the replica's last entry is behind the leader's, as either of them sees it. */
static inline void ring_replication_leader_lag(struct ring_writer *writer,
					       const struct ring_replication_channel *channel,
					       uint64_t lag_ns)
{
	/* A division, because its result is rounded once: 500000 ns is 0.0005 s and prints so. */
	ring_gauge_set(writer, channel->lag[RING_REPLICATION_LEADER], (double)lag_ns / 1e9);
}

static inline void ring_replication_replica_lag(struct ring_writer *writer,
						const struct ring_replication_channel *channel,
						uint64_t lag_ns)
{
	ring_gauge_set(writer, channel->lag[RING_REPLICATION_REPLICA], (double)lag_ns / 1e9);
}

/* Bytes shipped to bring a replica up to date. */
static inline void ring_replication_sync_bytes(struct ring_writer *writer,
					       const struct ring_replication_channel *channel,
					       uint64_t bytes)
{
	ring_counter_add(writer, channel->sync_bytes, bytes);
}

/* One of each event. */
static inline void ring_replication_leader_change(struct ring_writer *writer,
						  const struct ring_replication_channel *channel)
{
	ring_counter_add(writer, channel->leader_changes, 1);
}

static inline void ring_replication_under_capacity(struct ring_writer *writer,
						   const struct ring_replication_channel *channel)
{
	ring_counter_add(writer, channel->under_capacity, 1);
}

static inline void ring_replication_skip_ahead(struct ring_writer *writer,
					       const struct ring_replication_channel *channel)
{
	ring_counter_add(writer, channel->skip_ahead, 1);
}

static inline void ring_replication_election_thrash(struct ring_writer *writer,
						    const struct ring_replication_channel *channel)
{
	ring_counter_add(writer, channel->election_thrash, 1);
}

static inline void ring_replication_witness_withdrawal(
	struct ring_writer *writer, const struct ring_replication_channel *channel)
{
	ring_counter_add(writer, channel->witness_withdrawals, 1);
}

static inline void ring_replication_announce_divergence(
	struct ring_writer *writer, const struct ring_replication_channel *channel)
{
	ring_counter_add(writer, channel->announce_divergence, 1);
}

/* Up to which sequence number the leader has shipped to this follower. Gauges are doubles: exact
 * up to 2^53. */
static inline void ring_replication_shipped(struct ring_writer *writer,
					    const struct ring_replication_follower *follower,
					    uint64_t seqno)
{
	ring_gauge_set(writer, follower->shipped, (double)seqno);
}

/* Up to which sequence number this follower has applied what came. */
static inline void ring_replication_applied(struct ring_writer *writer,
					    const struct ring_replication_follower *follower,
					    uint64_t seqno)
{
	ring_gauge_set(writer, follower->applied, (double)seqno);
}

/* The follower's lag in time, where the data plane knows better than the exporter could. */
static inline void ring_replication_recorded_lag(struct ring_writer *writer,
						 const struct ring_replication_follower *follower,
						 uint64_t lag_ns)
{
	ring_gauge_set(writer, follower->recorded_lag, (double)lag_ns / 1e9);
}

/* Takes back what this core has recorded of the follower, so that it is no longer shown. What other
 * cores and processes have recorded of it stays theirs to take back. */
static inline void ring_replication_follower_gone(struct ring_writer *writer,
						  const struct ring_replication_follower *follower)
{
	ring_gauge_set(writer, follower->shipped, ring_double_of(RING_GAUGE_UNSET));
	ring_gauge_set(writer, follower->applied, ring_double_of(RING_GAUGE_UNSET));
	ring_gauge_set(writer, follower->recorded_lag, ring_double_of(RING_GAUGE_UNSET));
}

#ifdef __cplusplus
}
#endif

#endif

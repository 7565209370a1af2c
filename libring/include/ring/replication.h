/* SPDX-License-Identifier: MIT */
/*
 * Metrics of a replicating data plane, ready made: per channel two lags and seven counters, per
 * follower the sequence numbers that the exporter makes its lag from. Names are resolved once, as
 * in metric.h; what is called per event is one record of record.h, as cheap as any other and with
 * the same rules.
 *
 *   <prefix>replication_lag_seconds{channel,role}   gauge, role="leader" or "replica"
 *   <prefix>replication_sync_bytes_total{channel}   and six more counters
 *   replication_shipped_seqno{follower}             gauge, by the leader
 *   replication_applied_seqno{follower}             gauge, by the follower
 *   replication_recorded_lag_seconds{follower}      gauge, by whoever knows better
 *
 * Leader and follower may be different processes: the exporter joins what they record by
 * `follower`. These three have no prefix, because the exporter knows them by name.
 * docs/metric-sets.md lists the set and shows it in use.
 */
#ifndef RING_REPLICATION_H
#define RING_REPLICATION_H

#include "metric.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_REPLICATION_PREFIX       "dataforts_"
#define RING_REPLICATION_PREFIX_MAX   100u /* bytes */
#define RING_REPLICATION_METRICS      11u  /* metrics in the set */
#define RING_REPLICATION_SHIPPED      "replication_shipped_seqno"
#define RING_REPLICATION_APPLIED      "replication_applied_seqno"
#define RING_REPLICATION_RECORDED_LAG "replication_recorded_lag_seconds"

struct ring_replication_options {
	const char *prefix;     /* of the channels' metrics; "" for none; NULL: the one above */
	unsigned channels_max;  /* 0: RING_SERIES_BUDGET; what comes later shares one more */
	unsigned followers_max; /* the same */
};

/* The set in a segment; see ring_replication_define. All zeros resolves to zero handles. */
struct ring_replication {
	struct ring_segment *segment;
	char prefix[RING_REPLICATION_PREFIX_MAX + 1];
};

struct ring_replication_channel {
	struct ring_gauge leader_lag;
	struct ring_gauge replica_lag;
	struct ring_counter sync_bytes;
	struct ring_counter leader_changes;
	struct ring_counter under_capacity;
	struct ring_counter skip_ahead;
	struct ring_counter election_thrash;
	struct ring_counter witness_withdrawals;
	struct ring_counter announce_divergence;
};

struct ring_replication_follower {
	struct ring_gauge shipped;
	struct ring_gauge applied;
	struct ring_gauge recorded_lag;
};

/* The set's metrics, to be declared: as ring_options.metrics, or among them. */
struct ring_replication_schema {
	struct ring_metric_def metrics[RING_REPLICATION_METRICS];
	char names[RING_REPLICATION_METRICS][RING_METRIC_NAME_MAX + 1];
};

/* Fills the schema, which must stay where it is until the segment is created; options may be NULL.
 * Only what is declared can have another budget after a restart. */
void ring_replication_declare(struct ring_replication_schema *schema,
			      const struct ring_replication_options *options);

/* What the set takes of ring_options.series_spare if it is not declared; options may be NULL. */
unsigned ring_replication_series(const struct ring_replication_options *options);

/* Defines the set's metrics, declared with the same options or not; these may be NULL. Returns as
 * ring_metric_define does, and if that is not 0 the set resolves to zero handles; -EINVAL also for
 * a prefix that is too long. */
int ring_replication_define(struct ring_replication *set, struct ring_segment *segment,
			    const struct ring_replication_options *options);

/* The handles of one channel or follower, all of them its own or, past the budget, all of them
 * RING_OVERFLOW_LABEL's. Asking twice gives the same series. Zero handles for a name of more than
 * RING_LABEL_VALUE_MAX bytes, with the reason in ring_error(). */
struct ring_replication_channel ring_replication_channel_resolve(const struct ring_replication *set,
								 const char *channel);
struct ring_replication_follower ring_replication_follower_resolve(
	const struct ring_replication *set, const char *follower);

/* How far the replica's last entry is behind the leader's, as either of them sees it. */
static inline void ring_replication_leader_lag(struct ring_writer *writer,
					       const struct ring_replication_channel *channel,
					       uint64_t lag_ns)
{
	/* A division, because its result is rounded once: 500000 ns is 0.0005 s and prints so. */
	ring_gauge_set(writer, channel->leader_lag, (double)lag_ns / 1e9);
}

static inline void ring_replication_replica_lag(struct ring_writer *writer,
						const struct ring_replication_channel *channel,
						uint64_t lag_ns)
{
	ring_gauge_set(writer, channel->replica_lag, (double)lag_ns / 1e9);
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

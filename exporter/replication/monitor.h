/* SPDX-License-Identifier: MIT */
/*
 * The followers under watch: what their lag was, how severe it is, where it is going, and whom to
 * tell. A *node* is a follower, by name. It is told its lag again and again, once a second in the
 * exporter, and every such update is a sample.
 *
 *   severity    how bad it is now; a node is stalled when it is far behind and does not move
 *   rate        its own progress, in entries per second, over the newest samples that span
 *               MONITOR_STALL_SECONDS, but none from before its sequence number went back
 *   prediction  least squares over the times and lags of the newest MONITOR_FIT samples
 *   history     samples as old as the retention: the newest ones all, older ones thinned out
 *   alert       raised when the severity changes to one that is not normal, one per node and
 *               cooldown; what falls into the cooldown is raised after it if it still holds
 *
 * Nodes that are gone stay until their alerts have been resolved for MONITOR_RESOLVED_NS. They
 * count as nodes: where there is no room for a new one, the one whose alerts ended first goes.
 *
 * Pure: the present, CLOCK_MONOTONIC in nanoseconds, is an argument. One thread at a time.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MONITOR_NODES_MAX     16384u
#define MONITOR_NEWEST        16u /* samples kept one by one */
#define MONITOR_HISTORY_MAX   80u /* samples kept in all */
#define MONITOR_FIT           10u /* samples that a prediction is made from, and at least */
#define MONITOR_FIT_MIN       5u
#define MONITOR_AHEAD_SECONDS 60.0 /* how far it predicts */
#define MONITOR_STALL_ENTRIES 100  /* more behind than this, */
#define MONITOR_STALL_RATE    0.1  /* slower than this, entries per second, */
#define MONITOR_STALL_SECONDS 10.0 /* both for at least so long: stalled */
#define MONITOR_RESOLVED_NS   (UINT64_C(900) * 1000000000u) /* resolved alerts are remembered */

enum severity {
	SEVERITY_NORMAL,
	SEVERITY_WARNING,
	SEVERITY_CRITICAL,
	SEVERITY_STALLED,
	SEVERITY_COUNT
};

extern const char *const severity_words[SEVERITY_COUNT];

struct monitor_thresholds {
	double warning_seconds;
	double critical_seconds;
};

/* Thresholds for nodes whose names match; the first one that does counts. */
struct monitor_override {
	const char *pattern; /* as in fnmatch(3), without flags */
	struct monitor_thresholds thresholds;
};

struct monitor_config {
	struct monitor_thresholds thresholds;
	const struct monitor_override *overrides; /* stay the caller's */
	size_t override_count;
	uint64_t retention_ns;
	uint64_t cooldown_ns;
	uint32_t breach_count_min; /* updates in a row that are not normal, before an alert; 1 */
	bool predicts;
	bool spares_catch_up; /* no alert before a node has caught up once */
};

/* 5 s, 30 s, an hour, a minute, 1, with prediction, without sparing. */
extern const struct monitor_config monitor_defaults;

struct monitor_sample {
	uint64_t time_ns;
	uint64_t leader_seqno;
	uint64_t follower_seqno;
	double lag_seconds;
};

/* One severity's alert of a node. What has been told to somebody is told again when it ends. */
struct monitor_alert {
	uint64_t raised_ns;   /* 0: never */
	uint64_t resolved_ns; /* 0: it still holds */
	uint64_t version;     /* of the monitor when it last changed */
};

struct monitor_node {
	char *name;
	bool registered; /* else it only remembers its alerts */
	struct monitor_thresholds thresholds;
	uint64_t updated_ns; /* 0: never */
	enum severity severity;
	uint64_t lag_entries;
	double lag_seconds;
	bool rate_known;
	double rate;
	double rate_seconds;      /* what it was measured over */
	uint64_t behind_since_ns; /* by more than MONITOR_STALL_ENTRIES; 0: it is not */
	bool prediction_known;
	double predicted_seconds; /* MONITOR_AHEAD_SECONDS from the last update */
	bool critical_known;
	double until_critical_seconds; /* at the present trend; 0: it is */

	struct monitor_sample samples[MONITOR_HISTORY_MAX]; /* oldest first */
	uint32_t sample_count;
	struct monitor_alert alerts[SEVERITY_COUNT]; /* normal has none */
	enum severity alerted; /* what the last alert said; normal: all is well again */
	uint64_t alerted_ns;
	enum severity suppressed; /* what the cooldown holds back; normal: nothing */
	uint32_t breach_count;
	uint64_t catch_up_seqno; /* what its leader had shipped when it was first heard of */
	bool caught_up;          /* it has been normal with that applied */
};

struct monitor_statistics {
	size_t nodes;
	size_t nodes_by_severity[SEVERITY_COUNT];
	double lag_mean_seconds; /* 0 without nodes */
	double lag_max_seconds;
	uint64_t alerts;      /* raised so far */
	uint64_t suppressed;  /* changes that fell into a cooldown */
	uint64_t ignored;     /* see monitor_update */
	uint64_t turned_away; /* registrations beyond MONITOR_NODES_MAX */
};

struct monitor;

/* What is wrong with them in words, or NULL: they must be positive, critical not below warning. */
const char *monitor_thresholds_fault(const struct monitor_thresholds *thresholds);

/* NULL: no memory. The thresholds must have no fault, the retention and the number of breaches must
 * be positive. */
struct monitor *monitor_create(const struct monitor_config *config);
void monitor_destroy(struct monitor *monitor);

/* From the next update of each node on; the same demands. The old overrides are not used any more.
 */
void monitor_configure(struct monitor *monitor, const struct monitor_config *config);

/* Idempotent. Returns 0, -ENOMEM, or -ENOSPC beyond MONITOR_NODES_MAX. */
int monitor_register(struct monitor *monitor, const char *name);
/* The node is gone: its alerts resolve, and it is forgotten once these are. */
void monitor_unregister(struct monitor *monitor, const char *name, uint64_t now_ns);

/* A sample. Of an unknown node, or older than the last one, or with a lag that is negative or not
 * finite, it is ignored and counted. */
void monitor_update(struct monitor *monitor, const char *name, uint64_t leader_seqno,
		    uint64_t follower_seqno, double lag_seconds, uint64_t now_ns);

/* Forgets alerts resolved too long ago, and nodes that have nothing else. */
void monitor_trim(struct monitor *monitor, uint64_t now_ns);

/* NULL: unknown, or not registered. */
const struct monitor_node *monitor_find(const struct monitor *monitor, const char *name);

/* By name, the first one after `name` (NULL: the very first); also those that only remember
 * alerts. NULL: no more. */
const struct monitor_node *monitor_next(const struct monitor *monitor, const char *name);

/* Whether the node is critical or stalled. */
bool monitor_node_is_critical(const struct monitor_node *node);

/* Ends the alerts of one node, or of all; they come back when the severity changes. Returns how
 * many there were. */
size_t monitor_clear(struct monitor *monitor, const char *name, uint64_t now_ns);
size_t monitor_clear_all(struct monitor *monitor, uint64_t now_ns);

/* What an alert says: severity, entries and seconds. */
void monitor_message(const struct monitor_node *node, enum severity severity, char *message,
		     size_t bytes);

/* Goes up with every change of any alert; 0: there was none. */
uint64_t monitor_version(const struct monitor *monitor);

void monitor_statistics(const struct monitor *monitor, struct monitor_statistics *statistics);

#endif

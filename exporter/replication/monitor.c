/* SPDX-License-Identifier: MIT */
/*
 * Nodes and their alerts; see monitor.h for the rules. Nodes are found by halving an array that is
 * sorted by name.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"
#include "trend.h"

#define NODES_FIRST 64u

struct monitor {
	struct monitor_config config;
	struct monitor_node **nodes; /* by name */
	size_t node_count;
	size_t node_room;
	uint64_t version;
	struct monitor_statistics counted; /* only what is counted as it happens */
};

const char *const severity_words[SEVERITY_COUNT] = {"normal", "warning", "critical", "stalled"};

const struct monitor_config monitor_defaults = {
	.thresholds = {.warning_seconds = 5, .critical_seconds = 30},
	.retention_ns = UINT64_C(3600) * 1000000000u,
	.cooldown_ns = UINT64_C(60) * 1000000000u,
	.breach_count_min = 1,
	.predicts = true,
};

/* A comparison with what is no number is false. */
const char *monitor_thresholds_fault(const struct monitor_thresholds *thresholds)
{
	if (!(thresholds->warning_seconds > 0))
		return "the warning threshold must be positive";
	if (!(thresholds->critical_seconds >= thresholds->warning_seconds))
		return "the critical threshold must not be below the warning threshold";
	return NULL;
}

struct monitor *monitor_create(const struct monitor_config *config)
{
	struct monitor *monitor = calloc(1, sizeof *monitor);

	if (monitor)
		monitor->config = *config;
	return monitor;
}

static void node_free(struct monitor_node *node)
{
	free(node->name);
	free(node);
}

void monitor_destroy(struct monitor *monitor)
{
	if (!monitor)
		return;
	for (size_t i = 0; i < monitor->node_count; i++)
		node_free(monitor->nodes[i]);
	free(monitor->nodes);
	free(monitor);
}

/* How many nodes have names below this one. */
static size_t position_of(const struct monitor *monitor, const char *name)
{
	size_t low = 0, high = monitor->node_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (strcmp(monitor->nodes[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Also one that only remembers. */
static struct monitor_node *lookup(const struct monitor *monitor, const char *name)
{
	const size_t at = position_of(monitor, name);
	struct monitor_node *node = at < monitor->node_count ? monitor->nodes[at] : NULL;

	return node && strcmp(node->name, name) == 0 ? node : NULL;
}

static struct monitor_node *lookup_registered(const struct monitor *monitor, const char *name)
{
	struct monitor_node *node = lookup(monitor, name);

	return node && node->registered ? node : NULL;
}

static void remove_at(struct monitor *monitor, size_t at)
{
	struct monitor_node **place = &monitor->nodes[at];

	node_free(*place);
	monitor->node_count--;
	memmove(place, place + 1, (monitor->node_count - at) * sizeof *place);
}

static bool has_alerts(const struct monitor_node *node)
{
	for (size_t i = 0; i < SEVERITY_COUNT; i++)
		if (node->alerts[i].raised_ns != 0)
			return true;
	return false;
}

static uint64_t last_resolved_ns(const struct monitor_node *node)
{
	uint64_t last_ns = 0;

	for (size_t i = 0; i < SEVERITY_COUNT; i++)
		if (node->alerts[i].resolved_ns > last_ns)
			last_ns = node->alerts[i].resolved_ns;
	return last_ns;
}

/* Forgets the node that has been gone for longest. Returns false if there is none. */
static bool forget_one(struct monitor *monitor)
{
	size_t oldest = monitor->node_count;

	for (size_t i = 0; i < monitor->node_count; i++) {
		if (monitor->nodes[i]->registered)
			continue;
		if (oldest == monitor->node_count ||
		    last_resolved_ns(monitor->nodes[i]) < last_resolved_ns(monitor->nodes[oldest]))
			oldest = i;
	}
	if (oldest == monitor->node_count)
		return false;
	remove_at(monitor, oldest);
	return true;
}

static bool make_room(struct monitor *monitor)
{
	const size_t room = monitor->node_room ? 2 * monitor->node_room : NODES_FIRST;

	if (monitor->node_count < monitor->node_room)
		return true;
	void *nodes = reallocarray(monitor->nodes, room, sizeof(struct monitor_node *));
	if (!nodes)
		return false;
	monitor->nodes = nodes;
	monitor->node_room = room;
	return true;
}

/* NULL: no memory. */
static struct monitor_node *insert(struct monitor *monitor, const char *name)
{
	struct monitor_node *node = make_room(monitor) ? calloc(1, sizeof *node) : NULL;

	if (!node || !(node->name = strdup(name))) {
		free(node);
		return NULL;
	}
	const size_t at = position_of(monitor, name);
	struct monitor_node **place = &monitor->nodes[at];
	memmove(place + 1, place, (monitor->node_count - at) * sizeof *place);
	monitor->node_count++;
	*place = node;
	return node;
}

static struct monitor_thresholds thresholds_of(const struct monitor *monitor, const char *name)
{
	const struct monitor_config *config = &monitor->config;

	for (size_t i = 0; i < config->override_count; i++)
		if (fnmatch(config->overrides[i].pattern, name, 0) == 0)
			return config->overrides[i].thresholds;
	return config->thresholds;
}

void monitor_configure(struct monitor *monitor, const struct monitor_config *config)
{
	monitor->config = *config;
	for (size_t i = 0; i < monitor->node_count; i++) {
		struct monitor_node *node = monitor->nodes[i];
		node->thresholds = thresholds_of(monitor, node->name);
		node->prediction_known &= config->predicts;
		node->critical_known &= config->predicts;
	}
}

int monitor_register(struct monitor *monitor, const char *name)
{
	struct monitor_node *node = lookup(monitor, name);

	if (node && node->registered)
		return 0;
	if (!node && monitor->node_count == MONITOR_NODES_MAX && !forget_one(monitor)) {
		monitor->counted.turned_away++;
		return -ENOSPC;
	}
	if (!node && !(node = insert(monitor, name)))
		return -ENOMEM;
	/* One that comes back begins anew, but for its alerts and the cooldown after the last. */
	struct monitor_node fresh = {
		.name = node->name,
		.registered = true,
		.thresholds = thresholds_of(monitor, name),
		.alerted_ns = node->alerted_ns,
		.catch_up_seqno = UINT64_MAX,
	};
	memcpy(fresh.alerts, node->alerts, sizeof fresh.alerts);
	*node = fresh;
	return 0;
}

static bool is_active(const struct monitor_alert *alert)
{
	return alert->raised_ns != 0 && alert->resolved_ns == 0;
}

/* Only the last one can be active. */
static bool alert_resolve(struct monitor *monitor, struct monitor_node *node, uint64_t now_ns)
{
	struct monitor_alert *alert = &node->alerts[node->alerted];

	if (!is_active(alert))
		return false;
	alert->resolved_ns = now_ns;
	alert->version = ++monitor->version;
	return true;
}

static void alert_raise(struct monitor *monitor, struct monitor_node *node, uint64_t now_ns)
{
	alert_resolve(monitor, node, now_ns);
	node->alerts[node->severity] = (struct monitor_alert){.raised_ns = now_ns,
							      .version = ++monitor->version};
	node->alerted = node->severity;
	node->alerted_ns = now_ns;
	node->suppressed = SEVERITY_NORMAL;
	monitor->counted.alerts++;
}

void monitor_unregister(struct monitor *monitor, const char *name, uint64_t now_ns)
{
	struct monitor_node *node = lookup_registered(monitor, name);

	if (!node)
		return;
	alert_resolve(monitor, node, now_ns);
	node->registered = false;
	if (!has_alerts(node))
		remove_at(monitor, position_of(monitor, name));
}

/* Who had nothing to do until now is not slow: the rate counts when all of it was measured while
 * the node was behind. */
static bool is_stalled(const struct monitor_node *node)
{
	const uint64_t behind_ns = node->updated_ns - node->behind_since_ns;

	return node->behind_since_ns != 0 && (double)behind_ns >= MONITOR_STALL_SECONDS * 1e9 &&
	       node->rate < MONITOR_STALL_RATE && node->rate_seconds >= MONITOR_STALL_SECONDS;
}

static enum severity severity_of(const struct monitor_node *node)
{
	if (is_stalled(node))
		return SEVERITY_STALLED;
	if (node->lag_seconds >= node->thresholds.critical_seconds)
		return SEVERITY_CRITICAL;
	if (node->lag_seconds >= node->thresholds.warning_seconds)
		return SEVERITY_WARNING;
	return SEVERITY_NORMAL;
}

/* To be normal is not enough to have caught up: a backlog that has just been heard of is young. A
 * leader that has begun anew may never ship that much again, and one that is heard of later than
 * its follower brings the backlog with it. */
static void follow_catch_up(struct monitor_node *node, const struct monitor_sample *sample)
{
	const bool has_leader = sample->leader_seqno > 0;

	if (has_leader && node->catch_up_seqno == UINT64_MAX)
		node->caught_up = false;
	if (has_leader && sample->leader_seqno < node->catch_up_seqno)
		node->catch_up_seqno = sample->leader_seqno;
	if (node->severity == SEVERITY_NORMAL &&
	    (!has_leader || sample->follower_seqno >= node->catch_up_seqno))
		node->caught_up = true;
}

static void count_breach(struct monitor_node *node)
{
	if (node->severity == SEVERITY_NORMAL) {
		node->breach_count = 0;
	} else if (node->breach_count < UINT32_MAX) {
		node->breach_count++;
	}
}

static bool is_cooling(const struct monitor *monitor, const struct monitor_node *node,
		       uint64_t now_ns)
{
	return node->alerted_ns != 0 && (now_ns < node->alerted_ns ||
					 now_ns - node->alerted_ns < monitor->config.cooldown_ns);
}

/* Lets the alerts follow the severity. */
static void alert_follow(struct monitor *monitor, struct monitor_node *node, uint64_t now_ns)
{
	const struct monitor_config *config = &monitor->config;

	if (node->severity == SEVERITY_NORMAL) {
		alert_resolve(monitor, node, now_ns);
		node->alerted = SEVERITY_NORMAL;
	}
	if (node->severity == node->alerted) {
		node->suppressed = SEVERITY_NORMAL;
		return;
	}
	/* One that was cleared says nothing any more once the severity has changed. */
	if (!is_active(&node->alerts[node->alerted]))
		node->alerted = SEVERITY_NORMAL;
	if (node->breach_count < config->breach_count_min ||
	    (config->spares_catch_up && !node->caught_up))
		return;
	if (!is_cooling(monitor, node, now_ns)) {
		alert_raise(monitor, node, now_ns);
	} else if (node->suppressed != node->severity) {
		node->suppressed = node->severity;
		monitor->counted.suppressed++;
	}
}

void monitor_update(struct monitor *monitor, const char *name, uint64_t leader_seqno,
		    uint64_t follower_seqno, double lag_seconds, uint64_t now_ns)
{
	struct monitor_node *node = lookup_registered(monitor, name);
	const struct monitor_sample sample = {now_ns, leader_seqno, follower_seqno, lag_seconds};

	if (!node || now_ns < node->updated_ns || !(lag_seconds >= 0 && isfinite(lag_seconds))) {
		monitor->counted.ignored++;
		return;
	}
	node->updated_ns = now_ns;
	node->lag_entries = leader_seqno > follower_seqno ? leader_seqno - follower_seqno : 0;
	node->lag_seconds = lag_seconds;
	if (node->lag_entries <= MONITOR_STALL_ENTRIES)
		node->behind_since_ns = 0;
	else if (node->behind_since_ns == 0)
		node->behind_since_ns = now_ns;
	trend_add(node, &sample, monitor->config.retention_ns);
	trend_measure(node);
	if (monitor->config.predicts)
		trend_predict(node);
	node->severity = severity_of(node);
	follow_catch_up(node, &sample);
	count_breach(node);
	alert_follow(monitor, node, now_ns);
}

static void forget_old_alerts(struct monitor_node *node, uint64_t now_ns)
{
	for (size_t i = 0; i < SEVERITY_COUNT; i++) {
		struct monitor_alert *alert = &node->alerts[i];
		if (alert->resolved_ns != 0 && alert->resolved_ns + MONITOR_RESOLVED_NS < now_ns)
			*alert = (struct monitor_alert){.raised_ns = 0};
	}
}

void monitor_trim(struct monitor *monitor, uint64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < monitor->node_count; i++) {
		struct monitor_node *node = monitor->nodes[i];
		forget_old_alerts(node, now_ns);
		if (node->registered || has_alerts(node))
			monitor->nodes[kept++] = node;
		else
			node_free(node);
	}
	monitor->node_count = kept;
}

const struct monitor_node *monitor_find(const struct monitor *monitor, const char *name)
{
	return lookup_registered(monitor, name);
}

const struct monitor_node *monitor_next(const struct monitor *monitor, const char *name)
{
	size_t at = name ? position_of(monitor, name) : 0;

	if (name && lookup(monitor, name))
		at++;
	return at < monitor->node_count ? monitor->nodes[at] : NULL;
}

bool monitor_node_is_critical(const struct monitor_node *node)
{
	return node->severity == SEVERITY_CRITICAL || node->severity == SEVERITY_STALLED;
}

size_t monitor_clear(struct monitor *monitor, const char *name, uint64_t now_ns)
{
	struct monitor_node *node = lookup_registered(monitor, name);

	return node && alert_resolve(monitor, node, now_ns);
}

size_t monitor_clear_all(struct monitor *monitor, uint64_t now_ns)
{
	size_t cleared = 0;

	for (size_t i = 0; i < monitor->node_count; i++)
		cleared += alert_resolve(monitor, monitor->nodes[i], now_ns);
	return cleared;
}

void monitor_message(const struct monitor_node *node, enum severity severity, char *message,
		     size_t bytes)
{
	static const char *const openings[SEVERITY_COUNT] = {
		"Replication lag normal",
		"Replication lag warning",
		"CRITICAL replication lag",
		"Replication STALLED",
	};

	snprintf(message, bytes, "%s: %" PRIu64 " entries%s, %.1fs behind", openings[severity],
		 node->lag_entries, severity == SEVERITY_STALLED ? " backlog" : "",
		 node->lag_seconds);
}

uint64_t monitor_version(const struct monitor *monitor)
{
	return monitor->version;
}

void monitor_statistics(const struct monitor *monitor, struct monitor_statistics *statistics)
{
	double sum = 0;

	*statistics = monitor->counted;
	for (size_t i = 0; i < monitor->node_count; i++) {
		const struct monitor_node *node = monitor->nodes[i];
		if (!node->registered)
			continue;
		statistics->nodes++;
		statistics->nodes_by_severity[node->severity]++;
		sum += node->lag_seconds;
		if (node->lag_seconds > statistics->lag_max_seconds)
			statistics->lag_max_seconds = node->lag_seconds;
	}
	if (statistics->nodes > 0)
		statistics->lag_mean_seconds = sum / (double)statistics->nodes;
}

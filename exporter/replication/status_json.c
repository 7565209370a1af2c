/* SPDX-License-Identifier: MIT */
/* The monitor for programs; see status.h. */
#include <math.h>
#include <string.h>

#include "status_parts.h"

/* A member's name, with what comes before it. */
static void json_key(struct text *text, const char *before, const char *key)
{
	text_string(text, before);
	text_string(text, "\"");
	text_string(text, key);
	text_string(text, "\":");
}

static void json_count(struct text *text, const char *before, const char *key, uint64_t count)
{
	json_key(text, before, key);
	text_u64(text, count);
}

static void json_number(struct text *text, const char *key, bool is_known, double value)
{
	json_key(text, ",", key);
	if (is_known && isfinite(value)) /* JSON has no others */
		text_double(text, value);
	else
		text_string(text, "null");
}

static void json_string(struct text *text, const char *before, const char *key, const char *value)
{
	json_key(text, before, key);
	text_string(text, "\"");
	text_quoted(text, value, strlen(value));
	text_string(text, "\"");
}

static void json_time(struct text *text, const char *before, const char *key,
		      struct status_time now, uint64_t time_ns)
{
	json_key(text, before, key);
	if (time_ns == 0) {
		text_string(text, "null");
		return;
	}
	text_string(text, "\"");
	text_time(text, status_wall(now, time_ns));
	text_string(text, "\"");
}

/* What every document begins with. */
static void json_head(struct text *text, struct status_time now)
{
	text_string(text, "{\"version\":1");
	json_time(text, ",", "time", now, now.monotonic_ns);
}

static void json_statistics(struct text *text, const struct monitor_statistics *statistics)
{
	json_key(text, ",\n", "statistics");
	json_count(text, "{", "nodes", statistics->nodes);
	for (unsigned severity = 0; severity < SEVERITY_COUNT; severity++)
		json_count(text, ",", severity_words[severity],
			   statistics->nodes_by_severity[severity]);
	json_number(text, "lag_mean_seconds", true, statistics->lag_mean_seconds);
	json_number(text, "lag_max_seconds", true, statistics->lag_max_seconds);
	json_count(text, ",", "alerts", statistics->alerts);
	json_count(text, ",", "suppressed", statistics->suppressed);
	json_count(text, ",", "ignored", statistics->ignored);
	json_count(text, ",", "turned_away", statistics->turned_away);
	text_string(text, "}");
}

/* The members of a node's object. */
static void json_node(struct text *text, const struct monitor_node *node, struct status_time now)
{
	json_string(text, "", "follower", node->name);
	json_string(text, ",", "severity", severity_words[node->severity]);
	if (node->updated_ns != 0)
		json_count(text, ",", "lag_entries", node->lag_entries);
	else
		json_number(text, "lag_entries", false, 0);
	json_number(text, "lag_seconds", node->updated_ns != 0, node->lag_seconds);
	json_number(text, "rate", node->rate_known, node->rate);
	json_number(text, "predicted_seconds", node->prediction_known, node->predicted_seconds);
	json_number(text, "until_critical_seconds", node->critical_known,
		    node->until_critical_seconds);
	json_number(text, "warning_seconds", true, node->thresholds.warning_seconds);
	json_number(text, "critical_seconds", true, node->thresholds.critical_seconds);
	json_time(text, ",", "updated", now, node->updated_ns);
}

static void json_critical(struct text *text, const struct monitor *monitor)
{
	const char *before = "[";

	json_key(text, ",\n", "critical");
	for (const struct monitor_node *node = NULL; (node = status_next(monitor, node));) {
		if (!node->registered || !monitor_node_is_critical(node))
			continue;
		text_string(text, before);
		text_string(text, "\"");
		text_quoted(text, node->name, strlen(node->name));
		text_string(text, "\"");
		before = ",";
	}
	text_string(text, *before == '[' ? "[]" : "]");
}

static void json_alerts(struct text *text, const struct monitor *monitor, struct status_time now)
{
	char message[STATUS_MESSAGE_BYTES_MAX];
	const char *before = "[\n{";

	json_key(text, ",\n", "alerts");
	for (const struct monitor_node *node = NULL; (node = status_next(monitor, node));) {
		for (unsigned severity = 0; severity < SEVERITY_COUNT; severity++) {
			if (!status_is_active(&node->alerts[severity]))
				continue;
			monitor_message(node, severity, message, sizeof message);
			json_string(text, before, "follower", node->name);
			json_string(text, ",", "severity", severity_words[severity]);
			json_time(text, ",", "raised", now, node->alerts[severity].raised_ns);
			json_string(text, ",", "message", message);
			text_string(text, "}");
			before = ",\n{";
		}
	}
	text_string(text, *before == '[' ? "[]" : "]");
}

void status_json(struct text *text, const struct monitor *monitor, struct status_time now)
{
	struct monitor_statistics statistics;
	const char *before = "[\n{";

	status_statistics(monitor, &statistics);
	json_head(text, now);
	json_statistics(text, &statistics);
	json_critical(text, monitor);
	json_alerts(text, monitor, now);
	json_key(text, ",\n", "nodes");
	for (const struct monitor_node *node = NULL; (node = status_next(monitor, node));) {
		if (!node->registered)
			continue;
		text_string(text, before);
		json_node(text, node, now);
		text_string(text, "}");
		before = ",\n{";
	}
	text_string(text, *before == '[' ? "[]}\n" : "]}\n");
}

static void json_history(struct text *text, const struct monitor_node *node, struct status_time now)
{
	json_key(text, ",\n", "history");
	text_string(text, "[");
	for (uint32_t i = 0; i < node->sample_count; i++) {
		const struct monitor_sample *sample = &node->samples[i];
		json_time(text, i > 0 ? ",\n{" : "\n{", "time", now, sample->time_ns);
		json_count(text, ",", "leader_seqno", sample->leader_seqno);
		json_count(text, ",", "follower_seqno", sample->follower_seqno);
		json_number(text, "lag_seconds", true, sample->lag_seconds);
		text_string(text, "}");
	}
	text_string(text, "]");
}

/* One for each severity that there has been an alert of, also those that have ended. */
static void json_node_alerts(struct text *text, const struct monitor_node *node,
			     struct status_time now)
{
	const char *before = "[{";

	json_key(text, ",\n", "alerts");
	for (unsigned severity = 0; severity < SEVERITY_COUNT; severity++) {
		const struct monitor_alert *alert = &node->alerts[severity];
		if (alert->raised_ns == 0)
			continue;
		json_string(text, before, "severity", severity_words[severity]);
		json_time(text, ",", "raised", now, alert->raised_ns);
		json_time(text, ",", "resolved", now, alert->resolved_ns);
		text_string(text, "}");
		before = ",{";
	}
	text_string(text, *before == '[' ? "[]" : "]");
}

bool status_node_json(struct text *text, const struct monitor *monitor, const char *name,
		      struct status_time now)
{
	const struct monitor_node *node = monitor ? monitor_find(monitor, name) : NULL;

	if (!node)
		return false;
	json_head(text, now);
	text_string(text, ",\n");
	json_node(text, node, now);
	json_node_alerts(text, node, now);
	json_history(text, node, now);
	text_string(text, "}\n");
	return true;
}

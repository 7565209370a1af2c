/* SPDX-License-Identifier: MIT */
/* The monitor for people; see status.h. */
#include <stdio.h>
#include <string.h>

#include "render/html.h"
#include "status_parts.h"

static void html_head(struct text *text, struct status_time now)
{
	html_begin(text, "Replication");
	text_string(text, "<p>As of ");
	text_time(text, now.wall_ns);
	text_string(text, "; the same as JSON for <code>Accept: application/json</code>.</p>\n");
}

static void html_number(struct text *text, bool is_known, double value)
{
	char number[512]; /* doubles have up to 309 digits */

	snprintf(number, sizeof number, "<td class=\"number\">%.3f</td>", value);
	text_string(text, is_known ? number : HTML_UNKNOWN);
}

static void html_time(struct text *text, struct status_time now, uint64_t time_ns)
{
	text_string(text, "<td>");
	if (time_ns != 0)
		text_time(text, status_wall(now, time_ns));
	text_string(text, "</td>");
}

static void html_follower(struct text *text, const char *name)
{
	text_string(text, "<a href=\"replication?follower=");
	text_percent(text, name, strlen(name));
	text_string(text, "\">");
	html_name(text, name);
	text_string(text, "</a>");
}

static void html_clear(struct text *text, const char *name)
{
	text_string(text, "<form method=\"post\" action=\"replication/clear");
	if (name) {
		text_string(text, "?follower=");
		text_percent(text, name, strlen(name));
	}
	text_string(text, name ? "\"><button>Clear</button></form>"
			       : "\"><button>Clear all alerts</button></form>\n");
}

static void html_statistics(struct text *text, const struct monitor_statistics *statistics)
{
	static const char *const headings[] = {"Nodes",
					       "Normal",
					       "Warning",
					       "Critical",
					       "Stalled",
					       "Mean lag, s",
					       "Maximum lag, s",
					       "Alerts so far",
					       "Held back by cooldown",
					       NULL};

	html_table(text, headings);
	text_string(text, "<tr>");
	html_count(text, statistics->nodes);
	for (unsigned severity = 0; severity < SEVERITY_COUNT; severity++)
		html_count(text, statistics->nodes_by_severity[severity]);
	html_number(text, true, statistics->lag_mean_seconds);
	html_number(text, true, statistics->lag_max_seconds);
	html_count(text, statistics->alerts);
	html_count(text, statistics->suppressed);
	text_string(text, "</tr>\n");
	html_table_end(text);
}

static void html_alert(struct text *text, const struct monitor_node *node, enum severity severity,
		       struct status_time now, bool clears)
{
	char message[STATUS_MESSAGE_BYTES_MAX];

	text_string(text, "<tr class=\"");
	text_string(text, severity_words[severity]);
	text_string(text, "\"><td>");
	html_follower(text, node->name);
	text_string(text, "</td><td>");
	text_string(text, severity_words[severity]);
	text_string(text, "</td>");
	html_time(text, now, node->alerts[severity].raised_ns);
	text_string(text, "<td>");
	monitor_message(node, severity, message, sizeof message);
	text_html(text, message, strlen(message));
	if (clears) {
		text_string(text, "</td><td>");
		html_clear(text, node->name);
	}
	text_string(text, "</td></tr>\n");
}

static void html_alerts(struct text *text, const struct monitor *monitor, struct status_time now,
			bool clears)
{
	const char *const headings[] = {"Follower", "Severity",         "Since",
					"Message",  clears ? "" : NULL, NULL};

	text_string(text, "<h2>Active alerts</h2>\n");
	html_table(text, headings);
	for (const struct monitor_node *node = NULL; (node = status_next(monitor, node));)
		for (unsigned severity = 0; severity < SEVERITY_COUNT; severity++)
			if (status_is_active(&node->alerts[severity]))
				html_alert(text, node, severity, now, clears);
	html_table_end(text);
	if (clears)
		html_clear(text, NULL);
}

static void html_node(struct text *text, const struct monitor_node *node, struct status_time now)
{
	text_string(text, "<tr class=\"");
	text_string(text, severity_words[node->severity]);
	text_string(text, "\"><td>");
	html_follower(text, node->name);
	text_string(text, "</td><td>");
	text_string(text, severity_words[node->severity]);
	text_string(text, "</td>");
	if (node->updated_ns != 0)
		html_count(text, node->lag_entries);
	else
		text_string(text, HTML_UNKNOWN);
	html_number(text, node->updated_ns != 0, node->lag_seconds);
	html_number(text, node->rate_known, node->rate);
	html_number(text, node->prediction_known, node->predicted_seconds);
	html_number(text, node->critical_known, node->until_critical_seconds);
	html_time(text, now, node->updated_ns);
	text_string(text, "</tr>\n");
}

static void html_nodes(struct text *text, const struct monitor *monitor, struct status_time now,
		       bool only_critical)
{
	static const char *const headings[] = {
		"Follower",       "Severity",          "Lag, entries", "Lag, s", "Rate, entries/s",
		"In a minute, s", "Until critical, s", "Last update",  NULL};

	text_string(text, only_critical ? "<h2>Critical nodes</h2>\n" : "<h2>All nodes</h2>\n");
	html_table(text, headings);
	for (const struct monitor_node *node = NULL; (node = status_next(monitor, node));)
		if (node->registered && (!only_critical || monitor_node_is_critical(node)))
			html_node(text, node, now);
	html_table_end(text);
}

void status_html(struct text *text, const struct monitor *monitor, struct status_time now,
		 bool clears)
{
	struct monitor_statistics statistics;

	status_statistics(monitor, &statistics);
	html_head(text, now);
	if (statistics.nodes == 0)
		text_string(text, "<p>No follower has been seen.</p>\n");
	html_statistics(text, &statistics);
	html_nodes(text, monitor, now, true);
	html_alerts(text, monitor, now, clears);
	html_nodes(text, monitor, now, false);
	html_end(text);
}

/* SPDX-License-Identifier: MIT */
/* Alerts as JSON; see alert_json.h. */
#include <string.h>

#include "alert_json.h"

#define MESSAGE_BYTES 512u

static const char *const own_labels[] = {"alertname", "follower", "severity"};

/* As every version of Alertmanager takes it: [a-zA-Z_][a-zA-Z0-9_]*. */
static bool is_label_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				      "0123456789";
	const bool starts_well = *name != '\0' && (*name < '0' || *name > '9');

	return starts_well && name[strspn(name, letters)] == '\0';
}

const char *alert_label_fault(const struct alert_label *labels, unsigned label_count)
{
	const struct alert_label *last = &labels[label_count - 1];

	if (!is_label_name(last->name))
		return "a label's name is made of letters, digits and underscores";
	if (last->value[0] == '\0')
		return "a label needs a value";
	if (strlen(last->value) > ALERT_LABEL_BYTES_MAX)
		return "the label's value is too long";
	for (size_t i = 0; i < sizeof own_labels / sizeof own_labels[0]; i++)
		if (strcmp(last->name, own_labels[i]) == 0)
			return "alerts have this label already";
	for (unsigned i = 0; i + 1 < label_count; i++)
		if (strcmp(last->name, labels[i].name) == 0)
			return "this label is there twice";
	return NULL;
}

/* `"name":"value"`, after a comma unless it comes first in its object. */
static void member(struct text *text, const char *name, const char *value)
{
	if (text->bytes > 0 && text->data[text->bytes - 1] != '{')
		text_string(text, ",");
	text_string(text, "\"");
	text_quoted(text, name, strlen(name));
	text_string(text, "\":\"");
	text_quoted(text, value, strlen(value));
	text_string(text, "\"");
}

static void open_number(struct text *text, const char *name)
{
	text_string(text, ",\"");
	text_string(text, name);
	text_string(text, "\":\"");
}

/* Annotations are strings, so numbers stand in quotes. */
static void member_double(struct text *text, const char *name, double value)
{
	open_number(text, name);
	text_double(text, value);
	text_string(text, "\"");
}

static void labels(struct text *text, const struct monitor_node *node, enum severity severity,
		   const struct alert_terms *terms)
{
	text_string(text, "{\"labels\":{");
	member(text, "alertname", ALERT_NAME);
	member(text, "follower", node->name);
	member(text, "severity", severity_words[severity]);
	for (unsigned i = 0; i < terms->label_count; i++)
		member(text, terms->labels[i].name, terms->labels[i].value);
	text_string(text, "}");
}

/* An alert that has ended says what has become of the node. */
static void annotations(struct text *text, const struct monitor_node *node, enum severity severity)
{
	const bool holds = node->alerts[severity].resolved_ns == 0;
	char message[MESSAGE_BYTES];

	monitor_message(node, holds ? severity : node->severity, message, sizeof message);
	text_string(text, ",\"annotations\":{");
	member(text, "summary", message);
	open_number(text, "lag_entries");
	text_u64(text, node->lag_entries);
	text_string(text, "\"");
	member_double(text, "lag_seconds", node->lag_seconds);
	if (node->rate_known)
		member_double(text, "rate", node->rate);
	if (node->prediction_known)
		member_double(text, "predicted_seconds", node->predicted_seconds);
	if (node->critical_known)
		member_double(text, "until_critical_seconds", node->until_critical_seconds);
	text_string(text, "}");
}

/* The wall clock's time of an instant: it may have been set since, and then the age is right and
 * the time is that of the clock as it goes now. */
static void member_time(struct text *text, const char *name, uint64_t ns,
			const struct alert_terms *terms)
{
	const uint64_t age_ns = ns < terms->now_ns ? terms->now_ns - ns : 0;

	text_string(text, ",\"");
	text_string(text, name);
	text_string(text, "\":\"");
	text_time(text, age_ns < terms->wall_ns ? terms->wall_ns - age_ns : 0);
	text_string(text, "\"");
}

/* To the status page; the URL may end with slashes. */
static void link_back(struct text *text, const char *external_url)
{
	size_t bytes = strlen(external_url);

	while (bytes > 0 && external_url[bytes - 1] == '/')
		bytes--;
	text_string(text, ",\"generatorURL\":\"");
	text_quoted(text, external_url, bytes);
	text_string(text, "/replication\"");
}

void alert_json(struct text *text, const struct monitor_node *node, enum severity severity,
		const struct alert_terms *terms)
{
	const struct monitor_alert *alert = &node->alerts[severity];
	struct alert_terms then = *terms;

	labels(text, node, severity, terms);
	annotations(text, node, severity);
	member_time(text, "startsAt", alert->raised_ns, terms);
	if (alert->resolved_ns == 0) {
		then.wall_ns += terms->holds_ns;
		member_time(text, "endsAt", terms->now_ns, &then);
	} else {
		member_time(text, "endsAt", alert->resolved_ns, terms);
	}
	if (terms->external_url)
		link_back(text, terms->external_url);
	text_string(text, "}");
}

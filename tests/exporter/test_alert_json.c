/* SPDX-License-Identifier: MIT */
/*
 * What an alert looks like to Alertmanager, as a parser of JSON reads it.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/alert_json.h"

#define SECOND UINT64_C(1000000000)

/* The monitor's clock began to count 1000 s before this: 2024-02-29T23:59:30.250Z. */
static const struct alert_terms terms = {
	.labels = (const struct alert_label[]){{"site", "a\"b\\c\n\xff"}},
	.label_count = 1,
	.now_ns = 1000 * SECOND,
	.wall_ns = UINT64_C(1709251170250) * 1000000,
	.holds_ns = 240 * SECOND,
};

static struct monitor_node node_with(enum severity severity, struct monitor_alert alert)
{
	static char name[] = "a follower";
	struct monitor_node node = {
		.name = name,
		.severity = severity,
		.lag_entries = 120,
		.lag_seconds = 12.5,
	};

	node.alerts[severity] = alert;
	return node;
}

static json_t *parsed(const struct monitor_node *node, enum severity severity,
		      const struct alert_terms *with)
{
	struct text text;

	text_init(&text, 1 << 20);
	alert_json(&text, node, severity, with);
	assert_int_equal(text.error, 0);
	json_t *alert = json_loadb(text.data, text.bytes, 0, NULL);
	assert_non_null(alert);
	text_release(&text);
	return alert;
}

static const char *string_at(const json_t *alert, const char *object, const char *key)
{
	const json_t *in = object ? json_object_get(alert, object) : alert;

	return json_string_value(json_object_get(in, key));
}

static void M9_identity_is_made_of_labels_that_do_not_change(void **state)
{
	const struct monitor_node node = node_with(SEVERITY_WARNING,
						   (struct monitor_alert){990 * SECOND, 0, 1});
	json_t *alert = parsed(&node, SEVERITY_WARNING, &terms);

	(void)state;
	assert_string_equal(string_at(alert, "labels", "alertname"), "ReplicationLag");
	assert_string_equal(string_at(alert, "labels", "follower"), "a follower");
	assert_string_equal(string_at(alert, "labels", "severity"), "warning");
	assert_string_equal(string_at(alert, "labels", "site"), "a\"b\\c\n\xef\xbf\xbd");
	assert_int_equal(json_object_size(json_object_get(alert, "labels")), 4);
	json_decref(alert);
}

static void M6_annotations_say_entries_and_seconds_and_what_else_is_known(void **state)
{
	struct monitor_node node = node_with(SEVERITY_CRITICAL,
					     (struct monitor_alert){990 * SECOND, 0, 1});
	json_t *alert = parsed(&node, SEVERITY_CRITICAL, &terms);

	(void)state;
	assert_string_equal(string_at(alert, "annotations", "lag_entries"), "120");
	assert_string_equal(string_at(alert, "annotations", "lag_seconds"), "12.5");
	assert_non_null(strstr(string_at(alert, "annotations", "summary"), "CRITICAL"));
	assert_int_equal(json_object_size(json_object_get(alert, "annotations")), 3);
	json_decref(alert);
	node.rate_known = node.prediction_known = node.critical_known = true;
	node.rate = 0.25;
	node.predicted_seconds = 72.5;
	alert = parsed(&node, SEVERITY_CRITICAL, &terms);
	assert_string_equal(string_at(alert, "annotations", "rate"), "0.25");
	assert_string_equal(string_at(alert, "annotations", "predicted_seconds"), "72.5");
	assert_string_equal(string_at(alert, "annotations", "until_critical_seconds"), "0");
	json_decref(alert);
}

static void alert_that_holds_ends_in_the_future_and_one_resolved_in_the_past(void **state)
{
	struct monitor_node node = node_with(SEVERITY_STALLED,
					     (struct monitor_alert){990 * SECOND, 0, 1});
	json_t *alert = parsed(&node, SEVERITY_STALLED, &terms);

	(void)state;
	assert_string_equal(string_at(alert, NULL, "startsAt"), "2024-02-29T23:59:20.250Z");
	assert_string_equal(string_at(alert, NULL, "endsAt"), "2024-03-01T00:03:30.250Z");
	assert_null(string_at(alert, NULL, "generatorURL"));
	json_decref(alert);
	node.alerts[SEVERITY_STALLED].resolved_ns = 995 * SECOND;
	node.severity = SEVERITY_NORMAL;
	alert = parsed(&node, SEVERITY_STALLED, &terms);
	assert_string_equal(string_at(alert, NULL, "startsAt"), "2024-02-29T23:59:20.250Z");
	assert_string_equal(string_at(alert, NULL, "endsAt"), "2024-02-29T23:59:25.250Z");
	assert_string_equal(string_at(alert, "labels", "severity"), "stalled");
	assert_non_null(strstr(string_at(alert, "annotations", "summary"), "normal"));
	json_decref(alert);
}

static void times_before_1970_and_after_now_are_cut_off(void **state)
{
	const struct monitor_node node = node_with(SEVERITY_WARNING,
						   (struct monitor_alert){1, 2000 * SECOND, 1});
	struct alert_terms early = terms;

	(void)state;
	early.wall_ns = 5 * SECOND;
	json_t *alert = parsed(&node, SEVERITY_WARNING, &early);
	assert_string_equal(string_at(alert, NULL, "startsAt"), "1970-01-01T00:00:00.000Z");
	assert_string_equal(string_at(alert, NULL, "endsAt"), "1970-01-01T00:00:05.000Z");
	json_decref(alert);
}

static void link_leads_to_the_status_page(void **state)
{
	const struct monitor_node node = node_with(SEVERITY_WARNING,
						   (struct monitor_alert){990 * SECOND, 0, 1});
	struct alert_terms linked = terms;

	(void)state;
	for (unsigned slashes = 0; slashes < 3; slashes++) {
		char url[] = "http://host:1/prefix//";
		url[strlen("http://host:1/prefix") + slashes] = '\0';
		linked.external_url = url;
		json_t *alert = parsed(&node, SEVERITY_WARNING, &linked);
		assert_string_equal(string_at(alert, NULL, "generatorURL"),
				    "http://host:1/prefix/replication");
		json_decref(alert);
	}
}

static void labels_that_alertmanager_would_not_take_are_faults(void **state)
{
	static char long_value[ALERT_LABEL_BYTES_MAX + 2];
	static const struct {
		struct alert_label labels[2];
		bool is_fine;
	} cases[] = {
		{{{"a", "b"}, {"site", "x"}}, true},       {{{"a", "b"}, {"_9Z", "x y"}}, true},
		{{{"a", "b"}, {"", "x"}}, false},          {{{"a", "b"}, {"9a", "x"}}, false},
		{{{"a", "b"}, {"a-b", "x"}}, false},       {{{"a", "b"}, {"ä", "x"}}, false},
		{{{"a", "b"}, {"site", ""}}, false},       {{{"a", "b"}, {"a", "c"}}, false},
		{{{"a", "b"}, {"severity", "x"}}, false},  {{{"a", "b"}, {"follower", "x"}}, false},
		{{{"a", "b"}, {"alertname", "x"}}, false}, {{{"a", "b"}, {"c", long_value}}, false},
	};

	(void)state;
	memset(long_value, 'x', sizeof long_value - 1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_true((alert_label_fault(cases[i].labels, 2) == NULL) == cases[i].is_fine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(M9_identity_is_made_of_labels_that_do_not_change),
		cmocka_unit_test(M6_annotations_say_entries_and_seconds_and_what_else_is_known),
		cmocka_unit_test(alert_that_holds_ends_in_the_future_and_one_resolved_in_the_past),
		cmocka_unit_test(times_before_1970_and_after_now_are_cut_off),
		cmocka_unit_test(link_leads_to_the_status_page),
		cmocka_unit_test(labels_that_alertmanager_would_not_take_are_faults),
	};

	return cmocka_run_group_tests_name("alert_json", tests, NULL, NULL);
}

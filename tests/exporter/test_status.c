/* SPDX-License-Identifier: MIT */
/*
 * The monitor as HTML and as JSON, which a real parser reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "watched.h"

#define NAME_COUNT 8u

/* Followers' names are foreign, but valid UTF-8 once they are in the monitor. */
static char long_name[3001];
static const char *const names[NAME_COUNT] = {
	"<script>alert(1)</script>",
	"\"><img src=x onerror=alert(1)>",
	"' autofocus onfocus='alert(1)",
	"a&amp;b%41+c d#e?f",
	"back\\slash\nline\ttab\x01\x7f",
	"\xe2\x80\xae\xd7\xa9 \xf0\x9f\x98\x80",
	"",
	long_name,
};

/* What was rendered, as a string that the caller frees. */
static char *finish(struct text *text)
{
	text_append(text, "", 1);
	assert_int_equal(text->error, 0);
	return text->data;
}

static char *html(const struct monitor *monitor, bool clears)
{
	struct text text;

	text_init(&text, STATUS_BYTES_MAX);
	status_html(&text, monitor, WATCHED_NOW, clears);
	return finish(&text);
}

static json_t *parse(struct text *text)
{
	json_error_t fault;
	json_t *json;

	assert_int_equal(text->error, 0);
	json = json_loadb(text->data, text->bytes, JSON_REJECT_DUPLICATES, &fault);
	if (!json)
		fail_msg("%d:%d: %s", fault.line, fault.column, fault.text);
	text_release(text);
	assert_int_equal(json_integer_value(json_object_get(json, "version")), 1);
	assert_string_equal(json_string_value(json_object_get(json, "time")),
			    "2024-02-29T12:00:00.000Z");
	return json;
}

static json_t *json_of(const struct monitor *monitor)
{
	struct text text;

	text_init(&text, STATUS_BYTES_MAX);
	status_json(&text, monitor, WATCHED_NOW);
	return parse(&text);
}

/* NULL: unknown. */
static json_t *node_of(const struct monitor *monitor, const char *name)
{
	struct text text;

	text_init(&text, STATUS_BYTES_MAX);
	if (status_node_json(&text, monitor, name, WATCHED_NOW))
		return parse(&text);
	assert_int_equal(text.bytes, 0);
	return NULL;
}

static const char *string_in(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	assert_non_null(value);
	return value;
}

static double number_in(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_number(value));
	return json_number_value(value);
}

static void assert_null_in(const json_t *object, const char *key)
{
	assert_true(json_is_null(json_object_get(object, key)));
}

static unsigned count_of(const char *page, const char *what)
{
	const char *const end = page + strlen(page);
	unsigned count = 0;

	/* Not strstr, before each of which AddressSanitizer looks for the page's end. */
	while ((page = memmem(page, (size_t)(end - page), what, strlen(what)))) {
		page++;
		count++;
	}
	return count;
}

static struct monitor *monitor_of_names(double lag_seconds)
{
	struct monitor *monitor = monitor_create(&monitor_defaults);

	memset(long_name, 'x', sizeof long_name - 1);
	for (unsigned i = 0; i < NAME_COUNT; i++)
		watched_follow(monitor, names[i], lag_seconds);
	return monitor;
}

static void M3_statuses_are_listed_by_name(void **state)
{
	struct monitor *monitor = watched_each();
	json_t *json = json_of(monitor), *nodes = json_object_get(json, "nodes");
	const json_t *n = json_array_get(nodes, 1), *s = json_array_get(nodes, 2);

	(void)state;
	assert_int_equal(json_array_size(nodes), 4);
	assert_string_equal(string_in(json_array_get(nodes, 0), "follower"), "c");
	assert_string_equal(string_in(json_array_get(nodes, 3), "follower"), "w");
	assert_string_equal(string_in(n, "follower"), "n");
	assert_string_equal(string_in(n, "severity"), "normal");
	assert_true(number_in(n, "lag_entries") == 5);
	assert_true(number_in(n, "lag_seconds") == 0.25);
	assert_true(number_in(n, "rate") == 10);
	assert_true(number_in(n, "warning_seconds") == 5);
	assert_true(number_in(n, "critical_seconds") == 30);
	assert_string_equal(string_in(n, "updated"), "2024-02-29T12:00:00.000Z");
	assert_string_equal(string_in(s, "severity"), "stalled");
	assert_true(number_in(s, "rate") == 0);
	json_decref(json);
	monitor_destroy(monitor);
}

static void M5_prediction_is_shown_where_there_is_one(void **state)
{
	struct monitor *monitor = watched_each();
	json_t *n = node_of(monitor, "n"), *c = node_of(monitor, "c");

	(void)state;
	assert_true(number_in(n, "predicted_seconds") == 0.25);
	assert_null_in(n, "until_critical_seconds");
	assert_true(number_in(c, "predicted_seconds") == 31);
	assert_true(number_in(c, "until_critical_seconds") == 0);
	json_decref(n);
	json_decref(c);
	monitor_destroy(monitor);
}

static void M7_critical_nodes_and_active_alerts_are_listed(void **state)
{
	struct monitor *monitor = watched_each();
	json_t *json = json_of(monitor), *critical = json_object_get(json, "critical");
	const json_t *alerts = json_object_get(json, "alerts"), *c = json_array_get(alerts, 0);

	(void)state;
	assert_int_equal(json_array_size(critical), 2);
	assert_string_equal(json_string_value(json_array_get(critical, 0)), "c");
	assert_string_equal(json_string_value(json_array_get(critical, 1)), "s");
	assert_int_equal(json_array_size(alerts), 3);
	assert_string_equal(string_in(c, "follower"), "c");
	assert_string_equal(string_in(c, "severity"), "critical");
	assert_string_equal(string_in(c, "raised"), "2024-02-29T11:59:40.000Z");
	assert_non_null(strstr(string_in(c, "message"), "5 entries"));
	assert_non_null(strstr(string_in(c, "message"), "31.0s"));
	json_decref(json);
	monitor_destroy(monitor);
}

/* From a heading of the page on, to the next one. */
static char *section(const char *page, const char *heading)
{
	const char *start = strstr(page, heading), *end;

	assert_non_null(start);
	end = strstr(start + 1, "<h2>");
	return strndup(start, end ? (size_t)(end - start) : strlen(start));
}

static void M7_html_has_the_same_lists(void **state)
{
	struct monitor *monitor = watched_each();
	char *page = html(monitor, false);
	char *critical = section(page, "<h2>Critical nodes"),
	     *nodes = section(page, "<h2>All nodes");
	char *alerts = section(page, "<h2>Active alerts");

	(void)state;
	assert_int_equal(count_of(critical, "<bdi>"), 2);
	assert_non_null(strstr(critical, "<bdi>c</bdi>"));
	assert_non_null(strstr(critical, "<bdi>s</bdi>"));
	assert_int_equal(count_of(alerts, "<bdi>"), 3);
	assert_non_null(strstr(alerts, "<td>2024-02-29T11:59:40.000Z</td>"));
	assert_non_null(strstr(alerts, "31.0s"));
	assert_int_equal(count_of(nodes, "<bdi>"), 4);
	assert_non_null(strstr(nodes, "<td class=\"number\">0.250</td>"));
	free(critical);
	free(alerts);
	free(nodes);
	free(page);
	monitor_destroy(monitor);
}

static void M7_alerts_that_have_ended_are_active_no_more(void **state)
{
	struct monitor *monitor = watched_each();
	json_t *json, *node;
	char *page;

	(void)state;
	monitor_clear(monitor, "c", WATCHED_NOW.monotonic_ns);
	monitor_unregister(monitor, "s", WATCHED_NOW.monotonic_ns);
	json = json_of(monitor);
	assert_int_equal(json_array_size(json_object_get(json, "alerts")), 1);
	assert_int_equal(json_array_size(json_object_get(json, "nodes")), 3);
	assert_int_equal(json_array_size(json_object_get(json, "critical")), 1);
	page = html(monitor, false);
	assert_int_equal(count_of(page, "<bdi>"), 1 + 1 + 3);
	free(page);
	node = node_of(monitor, "c");
	const json_t *alert = json_array_get(json_object_get(node, "alerts"), 0);
	assert_string_equal(string_in(alert, "severity"), "critical");
	assert_string_equal(string_in(alert, "resolved"), "2024-02-29T12:00:00.000Z");
	assert_null(node_of(monitor, "s"));
	json_decref(json);
	json_decref(node);
	monitor_destroy(monitor);
}

static void M8_statistics_are_shown(void **state)
{
	struct monitor *monitor = watched_each();
	json_t *json;

	(void)state;
	monitor_update(monitor, "nobody", 1, 1, 0, WATCHED_NOW.monotonic_ns);
	json = json_of(monitor);
	const json_t *statistics = json_object_get(json, "statistics");
	assert_true(number_in(statistics, "nodes") == 4);
	for (unsigned severity = 0; severity < SEVERITY_COUNT; severity++)
		assert_true(number_in(statistics, severity_words[severity]) == 1);
	assert_true(number_in(statistics, "lag_mean_seconds") == (0.25 + 6 + 31 + 1) / 4);
	assert_true(number_in(statistics, "lag_max_seconds") == 31);
	assert_true(number_in(statistics, "alerts") == 3);
	assert_true(number_in(statistics, "suppressed") == 0);
	assert_true(number_in(statistics, "ignored") == 1);
	assert_true(number_in(statistics, "turned_away") == 0);
	json_decref(json);
	monitor_destroy(monitor);
}

static void M3_node_has_its_history(void **state)
{
	struct monitor *monitor = watched_each();
	json_t *node = node_of(monitor, "w"), *history = json_object_get(node, "history");
	const size_t count = json_array_size(history);
	const json_t *last = json_array_get(history, count - 1);

	(void)state;
	assert_int_equal(count, monitor_find(monitor, "w")->sample_count);
	assert_true(count >= MONITOR_NEWEST);
	assert_string_equal(string_in(last, "time"), "2024-02-29T12:00:00.000Z");
	assert_string_equal(string_in(json_array_get(history, count - 2), "time"),
			    "2024-02-29T11:59:59.000Z");
	assert_true(number_in(last, "leader_seqno") == 305);
	assert_true(number_in(last, "follower_seqno") == 300);
	assert_true(number_in(last, "lag_seconds") == 6);
	json_decref(node);
	monitor_destroy(monitor);
}

static void names_are_the_same_in_json(void **state)
{
	struct monitor *monitor = monitor_of_names(31);
	json_t *json = json_of(monitor);
	unsigned found = 0;

	(void)state;
	for (unsigned i = 0; i < NAME_COUNT; i++) {
		json_t *node = node_of(monitor, names[i]);
		assert_string_equal(string_in(node, "follower"), names[i]);
		json_decref(node);
		for (unsigned j = 0; j < NAME_COUNT; j++) {
			const json_t *alert = json_array_get(json_object_get(json, "alerts"), j);
			found += strcmp(string_in(alert, "follower"), names[i]) == 0;
		}
	}
	assert_int_equal(found, NAME_COUNT);
	json_decref(json);
	monitor_destroy(monitor);
}

/* Tags and attributes of a page are the same whatever the names; only their text differs. */
static void names_are_nothing_but_text_in_html(void **state)
{
	struct monitor *monitor = monitor_of_names(31), *tame = monitor_create(&monitor_defaults);
	char *page = html(monitor, true), *tame_page;
	static const char *const marks[] = {"<", ">", "\"", "<button>", "<bdi>"};
	char name[2] = "a";

	(void)state;
	for (unsigned i = 0; i < NAME_COUNT; i++, name[0]++)
		watched_follow(tame, name, 31);
	tame_page = html(tame, true);
	for (unsigned i = 0; i < sizeof marks / sizeof *marks; i++)
		assert_int_equal(count_of(page, marks[i]), count_of(tame_page, marks[i]));
	assert_null(strstr(page, "<script"));
	assert_null(strchr(page, '\''));
	assert_null(strchr(page, '\x01'));
	assert_non_null(strstr(page, "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"));
	assert_non_null(strstr(page, "?follower=a%26amp%3Bb%2541%2Bc%20d%23e%3Ff\""));
	assert_non_null(strstr(page, long_name));
	free(page);
	free(tame_page);
	monitor_destroy(monitor);
	monitor_destroy(tame);
}

static void page_has_no_scripts_and_no_styles_of_its_own(void **state)
{
	struct monitor *monitor = watched_each();
	char *page = html(monitor, true);

	(void)state;
	assert_null(strcasestr(page, "<script"));
	assert_null(strcasestr(page, "style="));
	assert_null(strcasestr(page, "<style"));
	assert_null(strcasestr(page, " on"));
	free(page);
	monitor_destroy(monitor);
}

static void buttons_are_there_where_they_work(void **state)
{
	struct monitor *monitor = watched_each();
	char *with = html(monitor, true), *without = html(monitor, false);

	(void)state;
	assert_int_equal(count_of(with, "<form method=\"post\""), 3 + 1);
	assert_non_null(strstr(with, "action=\"replication/clear\""));
	assert_non_null(strstr(with, "action=\"replication/clear?follower=c\""));
	assert_null(strstr(without, "<form"));
	free(with);
	free(without);
	monitor_destroy(monitor);
}

static void what_is_not_known_is_null(void **state)
{
	struct monitor *monitor = monitor_create(&monitor_defaults);
	json_t *node;
	char *page;

	(void)state;
	monitor_register(monitor, "new");
	node = node_of(monitor, "new");
	page = html(monitor, false);
	assert_null_in(node, "lag_entries");
	assert_null_in(node, "lag_seconds");
	assert_null_in(node, "rate");
	assert_null_in(node, "predicted_seconds");
	assert_null_in(node, "until_critical_seconds");
	assert_null_in(node, "updated");
	assert_int_equal(json_array_size(json_object_get(node, "history")), 0);
	assert_int_equal(count_of(page, "<td class=\"number\">&ndash;</td>"), 5);
	json_decref(node);
	free(page);
	monitor_destroy(monitor);
}

static void without_followers_the_page_says_so(void **state)
{
	struct monitor *const monitors[] = {NULL, monitor_create(&monitor_defaults)};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		json_t *json = json_of(monitors[i]);
		char *page = html(monitors[i], false);
		assert_true(number_in(json_object_get(json, "statistics"), "nodes") == 0);
		assert_true(json_is_array(json_object_get(json, "nodes")));
		assert_non_null(strstr(page, "No follower has been seen"));
		assert_null(node_of(monitors[i], "n"));
		json_decref(json);
		free(page);
	}
	monitor_destroy(monitors[1]);
}

static void ten_thousand_followers_are_listed(void **state)
{
	struct monitor *monitor = monitor_create(&monitor_defaults);
	char name[32], *page;
	json_t *json;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "follower-%05u", i);
		watched_stall(monitor, name);
	}
	page = html(monitor, true);
	json = json_of(monitor);
	assert_int_equal(count_of(page, "<bdi>"), 30000);
	assert_int_equal(json_array_size(json_object_get(json, "nodes")), 10000);
	assert_int_equal(json_array_size(json_object_get(json, "critical")), 10000);
	assert_int_equal(json_array_size(json_object_get(json, "alerts")), 10000);
	json_decref(json);
	free(page);
	monitor_destroy(monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(M3_statuses_are_listed_by_name),
		cmocka_unit_test(M3_node_has_its_history),
		cmocka_unit_test(M5_prediction_is_shown_where_there_is_one),
		cmocka_unit_test(M7_critical_nodes_and_active_alerts_are_listed),
		cmocka_unit_test(M7_html_has_the_same_lists),
		cmocka_unit_test(M7_alerts_that_have_ended_are_active_no_more),
		cmocka_unit_test(M8_statistics_are_shown),
		cmocka_unit_test(names_are_the_same_in_json),
		cmocka_unit_test(names_are_nothing_but_text_in_html),
		cmocka_unit_test(page_has_no_scripts_and_no_styles_of_its_own),
		cmocka_unit_test(buttons_are_there_where_they_work),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(without_followers_the_page_says_so),
		cmocka_unit_test(ten_thousand_followers_are_listed),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}

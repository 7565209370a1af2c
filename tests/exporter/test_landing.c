/* SPDX-License-Identifier: MIT */
/*
 * The page at /, and the list of targets at /sd.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "http/discovery.h"
#include "http/landing.h"
#include "members.h"
#include "server.h"

#define NAME   "<td><bdi>"
#define STATE  "</bdi></td><td>"
#define NUMBER "</td><td class=\"number\">"
#define TIME   "</td><td>"
#define END    "</td></tr>\n"

static const struct landing_link links[] = {{"/metrics", "Metrics"}, {"/sd", "Targets"}};

struct scene {
	struct aggregate *data, *self;
	struct aggregate_member *member;
	uint32_t series_count;
	struct text text;
};

enum { UP, QUARANTINED, WRITTEN, DROPPED, SERIES, LAST_DRAIN };

static int make(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	scene->data = aggregate_create();
	scene->self = aggregate_create();
	scene->member = members_join(scene->self, "s", 1, 0, 1);
	const struct ring_metric_info metrics[] = {
		members_metric(RING_GAUGE, 0, "ring_segment_up", "segment", NULL),
		members_metric(RING_GAUGE, 0, "ring_segment_quarantined", "segment", "reason"),
		members_metric(RING_COUNTER, 0, "ring_samples_written_total", "segment", "core"),
		members_metric(RING_COUNTER, 0, "ring_samples_dropped_total", "segment", "core"),
		members_metric(RING_GAUGE, 0, "ring_segment_series", "segment", NULL),
		members_metric(RING_GAUGE, 0, "ring_segment_last_drain_timestamp_seconds",
			       "segment", NULL),
	};
	for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
		members_add_metric(scene->member, metrics[i]);
	text_init(&scene->text, LANDING_BYTES_MAX);
	*state = scene;
	return 0;
}

static int unmake(void **state)
{
	struct scene *scene = *state;

	text_release(&scene->text);
	aggregate_destroy(scene->data);
	aggregate_destroy(scene->self);
	free(scene);
	return 0;
}

static void gauge(struct scene *scene, uint32_t metric, const char *a, const char *b, double value)
{
	members_add_series(scene->member, metric, a, b);
	members_gauge(scene->member, scene->series_count++, 0, value, 1);
}

static void count(struct scene *scene, uint32_t metric, const char *a, const char *b,
		  uint64_t value)
{
	members_add_series(scene->member, metric, a, b);
	members_count(scene->member, scene->series_count++, 0, value);
}

static const char *page(struct scene *scene)
{
	members_publish(scene->data, scene->self);
	text_clear(&scene->text);
	landing_html(&scene->text, links, 2, snapshot_borrow());
	snapshot_return();
	text_append(&scene->text, "", 1);
	assert_int_equal(scene->text.error, 0);
	return scene->text.data;
}

static void segments_are_listed_with_their_figures(void **state)
{
	struct scene *scene = *state;

	gauge(scene, UP, "b", NULL, 1);
	gauge(scene, UP, "ba", NULL, 0);
	gauge(scene, SERIES, "b", NULL, 7);
	gauge(scene, SERIES, "ba", NULL, 8);
	gauge(scene, LAST_DRAIN, "b", NULL, 1709251199.5);
	gauge(scene, LAST_DRAIN, "ba", NULL, 0);
	count(scene, WRITTEN, "b", "0", 100);
	count(scene, WRITTEN, "b", "1", 200);
	count(scene, WRITTEN, "ba", "0", 1);
	count(scene, DROPPED, "b", "0", 5);
	count(scene, DROPPED, "b", "1", 6);
	count(scene, DROPPED, "ba", "0", 0);
	gauge(scene, QUARANTINED, "a", "sparse", 1);
	gauge(scene, QUARANTINED, "bb", "duplicate", 1);
	static const char *const wanted[] = {
		"<tr class=\"quarantined\">" NAME "a" STATE "quarantined: sparse" NUMBER "&ndash;",
		"<tr class=\"live\">" NAME "b" STATE "live" NUMBER "2" NUMBER "7" NUMBER
		"300" NUMBER "11" TIME "2024-02-29T23:59:59.500Z" END,
		"<tr class=\"dead\">" NAME "ba" STATE "dead" NUMBER "1" NUMBER "8" NUMBER "1" NUMBER
		"0" TIME "1970-01-01T00:00:00.000Z" END,
		"<tr class=\"quarantined\">" NAME "bb" STATE "quarantined: duplicate" NUMBER,
	};
	const char *row = page(scene);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		row = strstr(row, "<tr class") + 1;
		assert_memory_equal(row - 1, wanted[i], strlen(wanted[i]));
	}
	assert_null(strstr(row, "<tr"));
	assert_null(strstr(row, " more"));
}

static void names_are_no_markup(void **state)
{
	struct scene *scene = *state;

	gauge(scene, UP, "</bdi><script>alert('1')</script>", NULL, 1);
	gauge(scene, QUARANTINED, "\"&\x01\xe2\x80\xae", "<i>", 1);
	const char *html = page(scene);
	assert_null(strstr(html, "<script"));
	assert_null(strstr(html, "<i>"));
	assert_non_null(strstr(html, "<bdi>&lt;/bdi&gt;&lt;script&gt;alert("));
	assert_non_null(strstr(html, "<bdi>&quot;&amp;\xef\xbf\xbd\xe2\x80\xae</bdi>"));
}

static void rows_are_bounded_and_the_rest_is_counted(void **state)
{
	struct scene *scene = *state;
	char name[16];
	unsigned rows = 0;

	for (unsigned i = 0; i < LANDING_ROWS_MAX; i++) {
		snprintf(name, sizeof name, "n%03u", i);
		gauge(scene, UP, name, NULL, 1);
	}
	assert_null(strstr(page(scene), " more"));
	for (unsigned i = 0; i < 7; i++) {
		snprintf(name, sizeof name, "n%03u.junk", i);
		gauge(scene, QUARANTINED, name, "sparse", 1);
	}
	const char *html = page(scene);
	assert_non_null(strstr(html, "<p>And 7 more, <a href=\"./metrics?collect[]=segments\">"));
	for (const char *row = html; (row = strstr(row, "<tr class")); row++)
		rows++;
	assert_int_equal(rows, LANDING_ROWS_MAX);
	assert_null(strstr(html, "n093"));
}

static void without_segments_there_are_links(void **state)
{
	struct scene *scene = *state;

	assert_non_null(strstr(page(scene), "<li><a href=\"./metrics\">Metrics</a></li>"));
	assert_non_null(strstr(scene->text.data, "There is no segment."));
	assert_non_null(strstr(scene->text.data, "<h1>ring-exporter "));
	text_clear(&scene->text);
	landing_html(&scene->text, links, 2, NULL);
	text_append(&scene->text, "", 1);
	assert_non_null(strstr(scene->text.data, "./metrics"));
	assert_non_null(strstr(scene->text.data, "</html>"));
}

static void page_is_rendered_once_for_each_snapshot(void **state)
{
	const char *const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct scene *scene = *state;
	struct server server = {.daemon = NULL};
	const struct page_form *form = &server.answers.landing.forms[PAGE_PLAIN];

	page(scene);
	server_start(&server, &(struct answer_options){.telemetry_path = "/figures"});
	char *answer = server_ask(&server, request);
	assert_non_null(strstr(answer, "href=\"./figures\""));
	assert_non_null(strstr(answer, "\r\nContent-Security-Policy: default-src 'none'"));
	free(answer);
	const struct MHD_Response *first = form->response;
	assert_non_null(first);
	free(server_ask(&server, request));
	assert_ptr_equal(form->response, first);
	gauge(scene, UP, "new", NULL, 1);
	page(scene);
	answer = server_ask(&server, request);
	assert_non_null(strstr(answer, "<bdi>new</bdi>"));
	free(answer);
	server_stop(&server);
}

static void target_is_where_the_exporter_is_reached(void **state)
{
	static const struct {
		struct discovery discovery;
		const char *json;
	} cases[] = {
		{{NULL, "here:1", false, "/metrics"}, "here:1 http /metrics"},
		{{NULL, "[::1]:10750", true, "/m"}, "[::1]:10750 https /m"},
		{{"https://there", "here:1", false, "/metrics"}, "there https /metrics"},
		{{"http://there:2/", "here:1", true, "/metrics"}, "there:2 http /metrics"},
		{{"HTTPS://there/a/b//", "here:1", true, "/m"}, "there https /a/b/m"},
		{{NULL, "a\"],\\b", false, "/m"}, "a\"],\\b http /m"},
	};
	struct text text;
	char found[256];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		text_init(&text, 1u << 16);
		discovery_json(&text, &cases[i].discovery);
		json_t *json = json_loadb(text.data, text.bytes, JSON_REJECT_DUPLICATES, NULL);
		assert_int_equal(json_array_size(json), 1);
		json_t *labels = json_object_get(json_array_get(json, 0), "labels");
		json_t *targets = json_object_get(json_array_get(json, 0), "targets");
		assert_int_equal(json_array_size(targets), 1);
		snprintf(found, sizeof found, "%s %s %s",
			 json_string_value(json_array_get(targets, 0)),
			 json_string_value(json_object_get(labels, "__scheme__")),
			 json_string_value(json_object_get(labels, "__metrics_path__")));
		assert_string_equal(found, cases[i].json);
		json_decref(json);
		text_release(&text);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(segments_are_listed_with_their_figures),
		TEST(names_are_no_markup),
		TEST(rows_are_bounded_and_the_rest_is_counted),
		TEST(without_segments_there_are_links),
		TEST(page_is_rendered_once_for_each_snapshot),
		cmocka_unit_test(target_is_where_the_exporter_is_reached),
	};

	return cmocka_run_group_tests_name("landing", tests, NULL, NULL);
}

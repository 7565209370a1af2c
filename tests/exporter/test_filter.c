/* SPDX-License-Identifier: MIT */
/*
 * /metrics with a query: what is on the page, in every format, and which pages are shared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "members.h"
#include "server.h"

#define WRITTEN "ring_samples_written_total"

struct scene {
	struct server server;
	struct aggregate *data, *self;
	struct aggregate_member *member, *own;
	char *answer; /* the last one */
};

/* In both parts a metric whose name another one's begins with. */
static void fill(struct scene *scene)
{
	scene->member = members_join(scene->data, "m", 1, 0, 1);
	members_add_metric(scene->member, members_metric(RING_COUNTER, 0, "a_total", "x", NULL));
	members_add_metric(scene->member,
			   members_metric(RING_COUNTER, 0, "a_total_total", "core", "segment"));
	members_add_metric(scene->member, members_histogram("h_seconds", "x"));
	members_add_series(scene->member, 0, "1", NULL);
	members_add_series(scene->member, 1, "1", "beta");
	members_add_series(scene->member, 2, "1", NULL);
	scene->own = members_join(scene->self, "s", 2, 0, 1);
	members_add_metric(scene->own, members_metric(RING_COUNTER, 0, WRITTEN, "segment", "core"));
	members_add_metric(scene->own,
			   members_metric(RING_COUNTER, 0, "ring_exporter_x_total", NULL, NULL));
	members_add_metric(scene->own,
			   members_metric(RING_COUNTER, 0, "process_x_total", NULL, NULL));
	members_add_metric(scene->own,
			   members_metric(RING_COUNTER, 0, "replication_x_total", NULL, NULL));
	members_add_series(scene->own, 0, "alpha", "0");
	members_add_series(scene->own, 0, "alpha", "1");
	members_add_series(scene->own, 0, "beta", "0");
	for (uint32_t metric = 1; metric < 4; metric++)
		members_add_series(scene->own, metric, NULL, NULL);
}

/* A snapshot in which each counter has another value. */
static void publish(struct scene *scene, uint64_t value)
{
	for (uint32_t series = 0; series < 6; series++)
		members_count(scene->own, series, 0, value + series);
	members_count(scene->member, 0, 0, value + 10);
	members_count(scene->member, 1, 0, value + 11);
	members_publish(scene->data, scene->self);
}

static int make(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	server_start(&scene->server, &(struct answer_options){.telemetry_path = "/metrics"});
	scene->data = aggregate_create();
	scene->self = aggregate_create();
	fill(scene);
	publish(scene, 100);
	*state = scene;
	return 0;
}

static int unmake(void **state)
{
	struct scene *scene = *state;

	server_stop(&scene->server);
	aggregate_destroy(scene->data);
	aggregate_destroy(scene->self);
	free(scene->answer);
	free(scene);
	return 0;
}

/* Returns the status. */
static int ask(struct scene *scene, const char *query, const char *headers)
{
	char request[8192];

	snprintf(request, sizeof request,
		 "GET /metrics?%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", query,
		 headers);
	free(scene->answer);
	scene->answer = server_ask(&scene->server, request);
	assert_memory_equal(scene->answer, "HTTP/1.1 ", 9);
	return atoi(scene->answer + 9);
}

static const char *body(const struct scene *scene)
{
	return strstr(scene->answer, "\r\n\r\n") + 4;
}

/* The body without its headings, with blanks between the lines. */
static void lines_of(const struct scene *scene, char lines[4096])
{
	size_t bytes = 0;

	for (const char *line = body(scene); *line; line += strcspn(line, "\n") + 1)
		if (*line != '#')
			bytes += (size_t)sprintf(lines + bytes, "%.*s;", (int)strcspn(line, "\n"),
						 line);
	lines[bytes] = '\0';
}

#define A_TOTAL    "a_total{x=\"1\"} 110;"
#define BETA_TOTAL "a_total_total{core=\"1\",segment=\"beta\"} 111;"
#define H_SECONDS                                                                        \
	"h_seconds_bucket{x=\"1\",le=\"1.0\"} 0;h_seconds_bucket{x=\"1\",le=\"2.5\"} 0;" \
	"h_seconds_bucket{x=\"1\",le=\"+Inf\"} 0;h_seconds_sum{x=\"1\"} 0;"              \
	"h_seconds_count{x=\"1\"} 0;"
#define DATA        A_TOTAL BETA_TOTAL H_SECONDS
#define ALPHA_0     WRITTEN "{segment=\"alpha\",core=\"0\"} 100;"
#define ALPHA_1     WRITTEN "{segment=\"alpha\",core=\"1\"} 101;"
#define BETA_0      WRITTEN "{segment=\"beta\",core=\"0\"} 102;"
#define RINGS       ALPHA_0 ALPHA_1 BETA_0
#define EXPORTER    "ring_exporter_x_total 103;"
#define PROCESS     "process_x_total 104;"
#define REPLICATION "replication_x_total 105;"
#define LEFT_OUT    "ring_families_left_out 0;"

static const struct {
	const char *query, *lines;
} cases[] = {
	{"", PROCESS REPLICATION EXPORTER RINGS DATA LEFT_OUT},
	{"name[]=a_total", A_TOTAL},
	{"name%5B%5D=a%5Ftotal", A_TOTAL},
	{"name[]=a_total&name[]=process_x_total", PROCESS A_TOTAL},
	{"name[]=a_total&name[]=a_total", A_TOTAL},
	{"name[]=a", ""},
	{"name[]=a_tota", ""},
	{"name[]=a_total_tota", ""},
	{"name[]=", ""},
	{"name[]", ""},
	{"name[]=no_such", ""},
	{"name[]=h_seconds", H_SECONDS},
	{"name[]=h_seconds_bucket", H_SECONDS},
	{"name[]=h_seconds_sum&name[]=h_seconds_count", H_SECONDS},
	{"name[]=a_total_count", ""},
	{"name[]=ring_families_left_out", LEFT_OUT},
	{"segment=alpha", ALPHA_0 ALPHA_1},
	{"segment=alpha&core=1", ALPHA_1},
	{"segment=alpha&segment=beta&core=0", ALPHA_0 BETA_0},
	{"core=1", ALPHA_1 BETA_TOTAL},
	{"segment=beta", BETA_0 BETA_TOTAL},
	{"segment=beta&collect[]=data", BETA_TOTAL},
	{"segment=beta&name[]=a_total", ""},
	{"segment=gamma", ""},
	{"segment=alpha&core=7", ""},
	{"collect[]=data", DATA},
	{"collect[]=exporter", EXPORTER},
	{"collect[]=process&collect[]=replication", PROCESS REPLICATION},
	{"collect[]=segments", RINGS LEFT_OUT},
	{"exclude[]=data&exclude[]=segments", PROCESS REPLICATION EXPORTER},
	{"exclude[]=process&exclude[]=exporter&exclude[]=replication", RINGS DATA LEFT_OUT},
	{"collect[]=process&name[]=a_total", ""},
	{"names[]=a_total&x=y", PROCESS REPLICATION EXPORTER RINGS DATA LEFT_OUT},
	{"x&name[]=a_total&&", A_TOTAL},
};

static void page_has_what_the_query_asks_for_in_each_format(void **state)
{
	struct scene *scene = *state;
	char lines[4096];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(ask(scene, cases[i].query, ""), 200);
		lines_of(scene, lines);
		if (strcmp(lines, cases[i].lines) != 0)
			fail_msg("%s: %s", cases[i].query, lines);
		assert_int_equal(
			ask(scene, cases[i].query, "Accept: application/openmetrics-text\r\n"),
			200);
		lines_of(scene, lines);
		assert_string_equal(lines, cases[i].lines);
		assert_string_equal(strstr(body(scene), "# EOF"), "# EOF\n");
	}
}

static void query_that_cannot_be_answered_is_refused(void **state)
{
	static const struct {
		const char *query;
		int status;
	} bad[] = {
		{"collect[]=data&exclude[]=process", 400},
		{"exclude[]=process&name[]=x&collect[]=data", 400},
		{"collect[]=no_such", 400},
		{"collect[]=", 400},
		{"exclude[]=dat", 400},
	};
	struct scene *scene = *state;
	char query[FILTER_BYTES_MAX + 64] = "name[]=";

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (ask(scene, bad[i].query, "") != bad[i].status)
			fail_msg("%s: %s", bad[i].query, scene->answer);
	memset(query + strlen(query), 'x', FILTER_BYTES_MAX - 2);
	assert_int_equal(ask(scene, query, ""), 200);
	strcat(query, "x");
	assert_int_equal(ask(scene, query, ""), 414);
	assert_int_equal(ask(scene, "", ""), 200);
}

static size_t remembered_count(const struct scene *scene)
{
	size_t count = 0;

	for (unsigned i = 0; i < FILTERED_COUNT; i++)
		count += scene->server.answers.filtered.list[i].used > 0;
	return count;
}

/* What is kept of a filter's text page; NULL: nothing. */
static const struct MHD_Response *kept(const struct scene *scene, const char *words)
{
	for (unsigned i = 0; i < FILTERED_COUNT; i++) {
		const struct filtered_page *page = &scene->server.answers.filtered.list[i];
		if (page->used > 0 && strcmp(page->filter.words, words) == 0)
			return page->pages[FORMAT_TEXT].forms[PAGE_PLAIN].response;
	}
	return NULL;
}

static void filter_asked_for_again_has_its_page_rendered_once(void **state)
{
	struct scene *scene = *state;
	char lines[4096];

	ask(scene, "name[]=a_total", "");
	const struct MHD_Response *first = kept(scene, "na_total");
	assert_non_null(first);
	ask(scene, "name[]=h_seconds", "");
	ask(scene, "name[]=a_total", "");
	assert_ptr_equal(kept(scene, "na_total"), first);
	assert_int_equal(remembered_count(scene), 2);
	publish(scene, 200);
	ask(scene, "name[]=a_total", "");
	lines_of(scene, lines);
	assert_string_equal(lines, "a_total{x=\"1\"} 210;");
}

static void filter_sees_series_that_are_new(void **state)
{
	struct scene *scene = *state;
	char lines[4096];

	ask(scene, "name[]=a_total", "");
	ask(scene, "collect[]=process", "");
	members_add_series(scene->member, 0, "2", NULL);
	publish(scene, 100);
	ask(scene, "name[]=a_total", "");
	lines_of(scene, lines);
	assert_string_equal(lines, A_TOTAL "a_total{x=\"2\"} 0;");
	/* Nobody else holds on to the catalog as it was. */
	assert_int_equal(remembered_count(scene), 1);
}

/* As many values as there is room for, in no order: each of them will do, and nothing else. */
static void each_of_many_values_will_do(void **state)
{
	const struct ring_metric_info metric = members_metric(RING_COUNTER, 0, "a_total", "segment",
							      "core");
	struct filter filter = {.bytes = 0};
	char value[8], labels[16] = "any";
	unsigned count = 0, taken = 0;

	(void)state;
	do
		snprintf(value, sizeof value, "%u", count++ * 617 % 1000 * 2); /* none twice */
	while (filter_add(&filter, "core", value) == FILTER_FINE);
	assert_in_range(count, 600, 1000);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(labels + 4, sizeof labels - 4, "%u", i);
		if (!filter_takes_series(&filter, &metric, labels))
			continue;
		assert_int_equal(i % 2, 0);
		taken++;
	}
	assert_int_equal(taken, count - 1);
	assert_true(filter_takes_metric(&filter, &metric, true));
}

static void filters_remembered_are_the_last_ones(void **state)
{
	struct scene *scene = *state;
	char query[64];

	ask(scene, "name[]=h_seconds", "");
	ask(scene, "name[]=a_total", "");
	for (unsigned i = 0; i < 5 * FILTERED_COUNT; i++) {
		snprintf(query, sizeof query, "name[]=other%u", i);
		assert_int_equal(ask(scene, query, ""), 200);
		assert_non_null(kept(scene, "nh_seconds"));
		ask(scene, "name[]=h_seconds", "");
	}
	assert_null(kept(scene, "na_total"));
	assert_int_equal(remembered_count(scene), FILTERED_COUNT);
}

static void large_pages_are_not_all_remembered(void **state)
{
	struct scene *scene = *state;
	char query[64], label[201] = "";

	memset(label, 'x', sizeof label - 1);
	for (unsigned i = 0; i < 70000; i++) {
		label[snprintf(label, sizeof label, "%u", i)] = 'x';
		members_add_series(scene->member, 0, label, NULL);
	}
	publish(scene, 100);
	for (unsigned i = 0; i < FILTERED_COUNT; i++) {
		snprintf(query, sizeof query, "name[]=a_total&name[]=%u", i);
		assert_int_equal(ask(scene, query, ""), 200);
	}
	const size_t page_bytes = strlen(body(scene));
	assert_true(page_bytes > FILTERED_BYTES_MAX / (FILTERED_COUNT - 1));
	assert_int_equal(ask(scene, "name[]=h_seconds", ""), 200);
	assert_in_range(remembered_count(scene), 2, FILTERED_BYTES_MAX / page_bytes + 1);
	assert_true(scene->server.answers.held_bytes < 2 * FILTERED_BYTES_MAX);
}

static void page_forgotten_leaves_its_readers_what_they_read(void **state)
{
	struct scene *scene = *state;
	const char *const request = "GET /metrics?name[]=a_total HTTP/1.1\r\nHost: x\r\n\r\n";
	char query[64], answer[16], label[201] = "";

	memset(label, 'x', sizeof label - 1);
	for (unsigned i = 0; i < 5000; i++) { /* far more than a socket takes */
		label[snprintf(label, sizeof label, "%u", i)] = 'x';
		members_add_series(scene->member, 0, label, NULL);
	}
	publish(scene, 100);
	const int client = server_connect(&scene->server, request);
	while (recv(client, answer, 1, MSG_DONTWAIT) <= 0)
		MHD_run(scene->server.daemon);
	const size_t held_bytes = scene->server.answers.held_bytes;
	for (unsigned i = 0; i < FILTERED_COUNT; i++) {
		snprintf(query, sizeof query, "name[]=other%u", i);
		assert_int_equal(ask(scene, query, ""), 200);
	}
	assert_null(kept(scene, "na_total"));
	assert_true(scene->server.answers.held_bytes >= held_bytes);
	close(client);
	while (scene->server.answers.held_bytes >= held_bytes) /* until the test's time is over */
		MHD_run(scene->server.daemon);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(page_has_what_the_query_asks_for_in_each_format),
		TEST(query_that_cannot_be_answered_is_refused),
		TEST(filter_asked_for_again_has_its_page_rendered_once),
		TEST(filter_sees_series_that_are_new),
		cmocka_unit_test(each_of_many_values_will_do),
		TEST(filters_remembered_are_the_last_ones),
		TEST(large_pages_are_not_all_remembered),
		TEST(page_forgotten_leaves_its_readers_what_they_read),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}

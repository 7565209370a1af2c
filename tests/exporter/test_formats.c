/* SPDX-License-Identifier: MIT */
/*
 * What a request for metrics gets: a format, a coding, and the same page as everybody else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "members.h"
#include "server.h"

#define TEXT               "Content-Type: " FORMAT_TYPE_TEXT
#define OPENMETRICS        "Content-Type: " FORMAT_TYPE_OPENMETRICS
#define ACCEPT_TEXT        "Accept: text/plain\r\n"
#define ACCEPT_OPENMETRICS "Accept: application/openmetrics-text\r\n"
#define PROTOBUF           "Content-Type: " FORMAT_TYPE_PROTOBUF
#define ACCEPT_PROTOBUF    "Accept: application/vnd.google.protobuf\r\n"
#define ACCEPT_GZIP        "Accept-Encoding: gzip\r\n"
#define PAGE_BYTES_MAX     (1u << 20)

struct scene {
	struct server server;
	struct aggregate *data, *self;
	struct aggregate_member *member;
	uint64_t total;
	char *answer; /* the last one */
	char page[PAGE_BYTES_MAX];
};

static void publish(struct scene *scene)
{
	members_count(scene->member, 0, 0, ++scene->total);
	members_publish(scene->data, scene->self);
}

static int make(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	char label[8];

	server_start(&scene->server, &(struct answer_options){.telemetry_path = "/metrics"});
	scene->data = aggregate_create();
	scene->self = aggregate_create();
	scene->member = members_join(scene->data, "m", 1, 0, 1);
	members_add_metric(scene->member, members_metric(RING_COUNTER, 0, "a_total", "x", NULL));
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(label, sizeof label, "%u", i);
		members_add_series(scene->member, 0, label, NULL);
	}
	publish(scene);
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

static void ask(struct scene *scene, const char *method, const char *headers)
{
	char request[20000];

	snprintf(request, sizeof request,
		 "%s /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n%s\r\n", method,
		 headers);
	free(scene->answer);
	scene->answer = server_ask(&scene->server, request);
}

static bool has_header(const struct scene *scene, const char *line)
{
	const char *end = strstr(scene->answer, "\r\n\r\n"), *at = strstr(scene->answer, line);

	return at && at < end && at[-1] == '\n' && at[strlen(line)] == '\r';
}

/* The answer's body, decompressed if it says that it is not plain. */
static const char *page(struct scene *scene)
{
	const char *body = strstr(scene->answer, "\r\n\r\n") + 4;
	z_stream stream = {
		.next_in = (z_const Bytef *)(uintptr_t)body,
		.avail_in = (uInt)strtoul(strstr(scene->answer, "Content-Length: ") + 16, NULL, 10),
		.next_out = (Bytef *)scene->page,
		.avail_out = PAGE_BYTES_MAX - 1,
	};

	assert_memory_equal(scene->answer, "HTTP/1.1 200 OK\r\n", 17);
	if (!has_header(scene, "Content-Encoding: gzip"))
		return body;
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.avail_in, 0);
	inflateEnd(&stream);
	scene->page[stream.total_out] = '\0';
	return scene->page;
}

static void client_gets_the_format_that_it_prefers(void **state)
{
	static const struct {
		const char *headers, *type;
	} cases[] = {
		{"", TEXT},
		{"Accept:\r\n", TEXT},
		{"Accept: */*\r\n", TEXT},
		{"Accept: image/png\r\n", TEXT},
		{"Accept: text/plain;q=0, */*;q=0\r\n", TEXT},
		{ACCEPT_TEXT, TEXT},
		{ACCEPT_OPENMETRICS, OPENMETRICS},
		{ACCEPT_OPENMETRICS ACCEPT_TEXT, TEXT},
		{"Accept: application/openmetrics-text;version=2.0.0\r\n", TEXT},
		{"Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		 "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n",
		 OPENMETRICS},
		{ACCEPT_PROTOBUF, PROTOBUF},
		{"Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
		 "encoding=text\r\n",
		 TEXT},
		{"Accept: text/plain;q=0.5\r\nAccept: application/openmetrics-text;q=0.6\r\n",
		 OPENMETRICS},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ask(scene, "GET", cases[i].headers);
		if (!has_header(scene, cases[i].type))
			fail_msg("%s%s", cases[i].headers, scene->answer);
		const bool is_text = strcmp(cases[i].type, TEXT) == 0;
		const bool is_protobuf = strcmp(cases[i].type, PROTOBUF) == 0;
		assert_int_equal(strstr(page(scene), "\n# EOF\n") == NULL, is_text || is_protobuf);
		/* The family's name with its tag and length, after the family's own length. */
		assert_non_null(strstr(page(scene), is_protobuf ? "\n\aa_total\x12\x05Help.\x18"
						    : is_text   ? "# TYPE a_total counter\n"
								: "# TYPE a counter\n"));
		assert_true(has_header(scene, "Vary: Accept, Accept-Encoding"));
	}
}

static void compressed_page_is_the_page(void **state)
{
	static const char *const formats[] = {ACCEPT_TEXT, ACCEPT_OPENMETRICS};
	struct scene *scene = *state;
	char headers[200];

	for (unsigned i = 0; i < 2; i++) {
		ask(scene, "GET", formats[i]);
		assert_false(has_header(scene, "Content-Encoding: gzip"));
		char *plain = strdup(page(scene));
		snprintf(headers, sizeof headers, "%s%s", formats[i], ACCEPT_GZIP);
		ask(scene, "GET", headers);
		assert_true(has_header(scene, "Content-Encoding: gzip"));
		assert_true(has_header(scene, i == 0 ? TEXT : OPENMETRICS));
		assert_true(has_header(scene, "Vary: Accept, Accept-Encoding"));
		assert_string_equal(page(scene), plain);
		free(plain);
	}
}

static void nobody_gets_gzip_who_has_not_asked(void **state)
{
	static const char *const headers[] = {
		"",
		"Accept-Encoding: \r\n",
		"Accept-Encoding: *\r\n",
		"Accept-Encoding: br, deflate\r\n",
		"Accept-Encoding: gzip;q=0\r\n",
		"Accept-Encoding: identity;q=0\r\n",
		"Accept: gzip\r\n",
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		ask(scene, "GET", headers[i]);
		assert_false(has_header(scene, "Content-Encoding: gzip"));
		assert_non_null(strstr(page(scene), "\na_total{"));
	}
	ask(scene, "GET", "Accept-Encoding: x-gzip\r\n");
	assert_true(has_header(scene, "Content-Encoding: gzip"));
}

static void head_is_get_without_the_body(void **state)
{
	static const char *const forms[] = {ACCEPT_TEXT, ACCEPT_OPENMETRICS,
					    ACCEPT_TEXT ACCEPT_GZIP,
					    ACCEPT_OPENMETRICS ACCEPT_GZIP};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		ask(scene, "GET", forms[i]);
		char *got = scene->answer;
		scene->answer = NULL;
		ask(scene, "HEAD", forms[i]);
		/* The same headers after the time, and then nothing. */
		strstr(got, "\r\n\r\n")[4] = '\0';
		assert_string_equal(strstr(scene->answer, "\r\nContent-Type"),
				    strstr(got, "\r\nContent-Type"));
		free(got);
	}
}

/* Whatever the order: rendered once for each snapshot and format, compressed once at most. */
static void page_is_made_once_for_each_snapshot_and_form(void **state)
{
	static const char *const forms[] = {ACCEPT_TEXT, ACCEPT_TEXT ACCEPT_GZIP,
					    ACCEPT_OPENMETRICS, ACCEPT_OPENMETRICS ACCEPT_GZIP};
	struct scene *scene = *state;
	const struct MHD_Response *made[4];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 8; i++) {
			const struct page *shared = &scene->server.answers.metrics[i / 2 % 2];
			ask(scene, "GET", forms[i % 4]);
			const struct MHD_Response *response = shared->forms[i % 2].response;
			assert_non_null(response);
			if (i >= 4)
				assert_ptr_equal(response, made[i % 4]);
			made[i % 4] = response;
		}
		publish(scene);
	}
}

static void compressed_page_follows_the_snapshot(void **state)
{
	struct scene *scene = *state;
	char line[64];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned twice = 0; twice < 2; twice++) {
			ask(scene, "GET", ACCEPT_GZIP);
			snprintf(line, sizeof line, "\na_total{x=\"0\"} %u\n",
				 (unsigned)scene->total);
			assert_non_null(strstr(page(scene), line));
		}
		publish(scene);
	}
}

static void nothing_is_compressed_until_somebody_asks(void **state)
{
	struct scene *scene = *state;

	ask(scene, "GET", "");
	assert_null(scene->server.answers.metrics[FORMAT_TEXT].forms[PAGE_GZIP].response);
	assert_null(scene->server.answers.metrics[FORMAT_OPENMETRICS].forms[PAGE_PLAIN].response);
}

/* No compressed page, for whatever reason, is no reason to give none. */
static void page_goes_out_plain_where_compressing_fails(void **state)
{
	struct scene *scene = *state;

	scene->server.answers.metrics[FORMAT_TEXT].forms[PAGE_GZIP].text.bytes_max = 10;
	ask(scene, "GET", ACCEPT_GZIP);
	assert_false(has_header(scene, "Content-Encoding: gzip"));
	assert_non_null(strstr(page(scene), "\na_total{"));
	scene->server.answers.metrics[FORMAT_TEXT].forms[PAGE_GZIP].text.bytes_max = PAGE_BYTES_MAX;
	ask(scene, "GET", ACCEPT_GZIP);
	assert_true(has_header(scene, "Content-Encoding: gzip"));
}

static void compressed_page_takes_the_memory_of_the_one_before(void **state)
{
	struct scene *scene = *state;
	struct page_form *form = &scene->server.answers.metrics[FORMAT_TEXT].forms[PAGE_GZIP];

	ask(scene, "GET", ACCEPT_GZIP);
	const char *data = form->shown->data;
	const size_t held_bytes = scene->server.answers.held_bytes;
	for (unsigned round = 0; round < 3; round++) {
		publish(scene);
		ask(scene, "GET", ACCEPT_GZIP);
		assert_ptr_equal(form->shown->data, data);
		assert_int_equal(scene->server.answers.held_bytes, held_bytes);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(client_gets_the_format_that_it_prefers),
		TEST(compressed_page_is_the_page),
		TEST(nobody_gets_gzip_who_has_not_asked),
		TEST(head_is_get_without_the_body),
		TEST(page_is_made_once_for_each_snapshot_and_form),
		TEST(compressed_page_follows_the_snapshot),
		TEST(nothing_is_compressed_until_somebody_asks),
		TEST(page_goes_out_plain_where_compressing_fails),
		TEST(compressed_page_takes_the_memory_of_the_one_before),
	};

	return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}

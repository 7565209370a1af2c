/* SPDX-License-Identifier: MIT */
/*
 * /replication over HTTP: which form it has, who may clear alerts, and what is shared. And what
 * there is before the first snapshot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "http/request.h"
#include "render/html.h"
#include "server.h"
#include "watched.h"

#define CLEAR "/replication/clear"
#define JSON  "Accept: application/json\r\n"

struct scene {
	struct server server;
	struct watch watch;
	char *answer; /* the last one */
};

static void start(struct scene *scene, bool admin_api)
{
	server_start(&scene->server, &(struct answer_options){.telemetry_path = "/metrics",
							      .watch = &scene->watch,
							      .admin_api = admin_api});
}

static int make(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	pthread_mutex_init(&scene->watch.mutex, NULL);
	scene->watch.monitor = watched_each();
	scene->watch.sequence = 1;
	scene->server.now = WATCHED_NOW;
	start(scene, true);
	*state = scene;
	return 0;
}

static int unmake(void **state)
{
	struct scene *scene = *state;

	server_stop(&scene->server);
	/* An error, if it is still locked. */
	assert_int_equal(pthread_mutex_destroy(&scene->watch.mutex), 0);
	monitor_destroy(scene->watch.monitor);
	free(scene->answer);
	free(scene);
	return 0;
}

/* Returns the status. */
static int ask(struct scene *scene, const char *method, const char *target, const char *headers)
{
	char request[8192];

	snprintf(request, sizeof request,
		 "%s %s HTTP/1.1\r\nHost: here:1\r\nConnection: close\r\n%s\r\n", method, target,
		 headers);
	free(scene->answer);
	scene->answer = server_ask(&scene->server, request);
	assert_memory_equal(scene->answer, "HTTP/1.1 ", 9);
	return atoi(scene->answer + 9);
}

static bool has_header(const struct scene *scene, const char *line)
{
	const char *end = strstr(scene->answer, "\r\n\r\n"), *at = strstr(scene->answer, line);

	return at && at < end && at[-1] == '\n' && at[strlen(line)] == '\r';
}

static const char *body(const struct scene *scene)
{
	return strstr(scene->answer, "\r\n\r\n") + 4;
}

static json_t *body_json(const struct scene *scene)
{
	json_t *json = json_loads(body(scene), JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	return json;
}

static size_t alert_count(struct scene *scene)
{
	assert_int_equal(ask(scene, "GET", "/replication", JSON), 200);
	json_t *json = body_json(scene);
	const size_t count = json_array_size(json_object_get(json, "alerts"));
	json_decref(json);
	return count;
}

static void form_is_what_the_client_prefers(void **state)
{
	static const struct {
		const char *headers;
		bool is_json;
	} cases[] = {
		{"", false},
		{"Accept:\r\n", false},
		{"Accept: */*\r\n", false},
		{"Accept: application/json\r\n", true},
		{"accept: APPLICATION/Json\r\n", true},
		{"Accept: application/*\r\n", true},
		{"Accept: text/html\r\n", false},
		{"Accept: image/png\r\n", false},
		{"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n",
		 false},
		{"Accept: application/json, text/plain, */*\r\n", true},
		{"Accept: text/html;q=0.5, application/json\r\n", true},
		{"Accept: text/html, application/json;q=0.9\r\n", false},
		{"Accept: text/html;q=0.8, application/json;q=0.81\r\n", true},
		{"Accept: text/html;q=0.123, application/json;q=0.124\r\n", true},
		{"Accept: text/html, application/json\r\n", false},
		{"Accept: text/html;q=0, */*\r\n", true},
		{"Accept: text/*;q=0, */*;q=0.1\r\n", true},
		{"Accept: */*;q=0.1, application/json;q=0\r\n", false},
		{"Accept: application/json;q=0\r\n", false},
		{"Accept: application/json;q=0.000, text/html;q=0\r\n", false},
		{"Accept: application/json ; charset=utf-8 ; q=1.000 , text/html;q=0.9\r\n", true},
		{"Accept: text/html\r\nAccept: application/json;q=0.5\r\n", false},
		{"Accept: text/html;q=0.5\r\nAccept: application/json\r\n", true},
		{"Accept: text/html;q=0.8;x=\",application/json,\"\r\n", false},
		{"Accept: text/html;q=0.8;x=\"\\\",application/json,\"\r\n", false},
		{"Accept: application/json;q=2\r\n", false},
		{"Accept: application/json;q=1.001\r\n", false},
		{"Accept: application/json;q=0.1234\r\n", false},
		{"Accept: application/json;q=\r\n", false},
		{"Accept: application/json;q=0,5\r\n", false},
		{"Accept: ,,;;=\"\r\n", false},
		{"Accept: text/html;q=0.5,,application/json\r\n", true},
		{"Accept: application/jsonx\r\n", false},
		{"Accept: application/jso\r\n", false},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(ask(scene, "GET", "/replication", cases[i].headers), 200);
		if (has_header(scene, cases[i].is_json ? "Content-Type: application/json"
						       : "Content-Type: text/html; charset=utf-8"))
			continue;
		fail_msg("%s", cases[i].headers);
	}
}

static void status_is_guarded_by_headers(void **state)
{
	static const char *const forms[] = {"", JSON};
	struct scene *scene = *state;

	for (unsigned i = 0; i < 2; i++) {
		ask(scene, "GET", "/replication", forms[i]);
		assert_true(has_header(scene, "Vary: Accept, Accept-Encoding"));
		assert_true(has_header(scene, "Cache-Control: no-store"));
		assert_true(has_header(scene, "X-Content-Type-Options: nosniff"));
	}
	ask(scene, "GET", "/replication", "");
	assert_non_null(strstr(scene->answer, "\nContent-Security-Policy: default-src 'none'; "));
	assert_null(strstr(scene->answer, "unsafe"));
	assert_int_equal(ask(scene, "GET", "/style.css", ""), 200);
	assert_true(has_header(scene, "Content-Type: text/css; charset=utf-8"));
	assert_string_equal(body(scene), html_css);
}

static void head_is_get_without_the_body(void **state)
{
	struct scene *scene = *state;
	char length[64];

	assert_int_equal(ask(scene, "GET", "/replication", JSON), 200);
	snprintf(length, sizeof length, "Content-Length: %zu", strlen(body(scene)));
	assert_int_equal(ask(scene, "HEAD", "/replication", JSON), 200);
	assert_true(has_header(scene, "Content-Type: application/json"));
	assert_true(has_header(scene, length));
	assert_string_equal(body(scene), "");
}

static void M3_one_follower_is_shown_with_its_history(void **state)
{
	struct scene *scene = *state;

	watched_follow(scene->watch.monitor, "a/b c+d\xc3\xa4", 1);
	assert_int_equal(ask(scene, "GET", "/replication?follower=a%2Fb%20c%2Bd%c3%A4", ""), 200);
	assert_true(has_header(scene, "Content-Type: application/json"));
	json_t *json = body_json(scene);
	assert_string_equal(json_string_value(json_object_get(json, "follower")),
			    "a/b c+d\xc3\xa4");
	assert_true(json_array_size(json_object_get(json, "history")) >= MONITOR_NEWEST);
	json_decref(json);
}

static void unknown_follower_is_not_found(void **state)
{
	static const char *const names[] = {"follower=x", "follower=", "follower", "follower=n%00",
					    "follower=%ff"};
	struct scene *scene = *state;
	char target[64];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(target, sizeof target, "/replication?%s", names[i]);
		assert_int_equal(ask(scene, "GET", target, JSON), 404);
		snprintf(target, sizeof target, CLEAR "?%s", names[i]);
		assert_int_equal(ask(scene, "POST", target, JSON), 404);
	}
	assert_int_equal(alert_count(scene), 3);
}

static void M7_clear_ends_one_followers_alerts(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(alert_count(scene), 3);
	assert_int_equal(ask(scene, "POST", CLEAR "?follower=c", JSON), 200);
	assert_string_equal(body(scene), "{\"cleared\":1}\n");
	assert_true(has_header(scene, "Content-Type: application/json"));
	assert_int_equal(alert_count(scene), 2);
	assert_int_equal(ask(scene, "POST", CLEAR "?follower=c", JSON), 200);
	assert_string_equal(body(scene), "{\"cleared\":0}\n");
}

static void M7_clear_of_a_name_misspelt_ends_none(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(ask(scene, "POST", CLEAR "?folower=critical", JSON), 400);
	assert_int_equal(ask(scene, "POST", CLEAR "?follower=critical&x", JSON), 400);
	assert_int_equal(ask(scene, "POST", CLEAR, JSON), 200);
	assert_string_not_equal(body(scene), "{\"cleared\":0}\n");
}

static void M7_clear_ends_all_alerts(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(alert_count(scene), 3);
	assert_int_equal(ask(scene, "POST", CLEAR, ""), 303);
	assert_true(has_header(scene, "Location: ../replication"));
	assert_int_equal(alert_count(scene), 0);
	assert_int_equal(ask(scene, "GET", "/replication", ""), 200);
	assert_non_null(strstr(body(scene), "<h2>Active alerts"));
	assert_null(strstr(body(scene), "CRITICAL"));
}

static void M7_clear_needs_its_flag(void **state)
{
	struct scene *scene = *state;

	server_stop(&scene->server);
	start(scene, false);
	assert_int_equal(ask(scene, "POST", CLEAR, JSON), 403);
	assert_string_equal(body(scene), "only with --web.enable-admin-api\n");
	assert_int_equal(ask(scene, "POST", CLEAR "?follower=c", JSON), 403);
	assert_int_equal(alert_count(scene), 3);
	assert_int_equal(ask(scene, "GET", "/replication", ""), 200);
	assert_null(strstr(body(scene), "<form"));
}

static void other_sites_clear_nothing(void **state)
{
	static const char *const foreign[] = {
		"Sec-Fetch-Site: cross-site\r\n",
		"Sec-Fetch-Site: same-site\r\n",
		"Origin: http://elsewhere:1\r\n",
		"Origin: http://here:2\r\n",
		"Origin: http://here\r\n",
		"Origin: http://elsewhere/here:1\r\n",
		"Origin: null\r\n",
		"Origin: \r\n",
		"Sec-Fetch-Site: cross-site\r\nOrigin: http://here:1\r\n",
		"Sec-Fetch-Site: same-origin\r\nOrigin: http://elsewhere:1\r\n",
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		if (ask(scene, "POST", CLEAR, foreign[i]) != 403)
			fail_msg("%s", foreign[i]);
	assert_int_equal(alert_count(scene), 3);
}

static void own_site_clears(void **state)
{
	static const char *const own[] = {
		"Sec-Fetch-Site: same-origin\r\nOrigin: http://here:1\r\n",
		"Sec-Fetch-Site: none\r\n",
		"Origin: https://HERE:1\r\n",
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (ask(scene, "POST", CLEAR, own[i]) != 303)
			fail_msg("%s", own[i]);
	assert_int_equal(alert_count(scene), 0);
}

static void other_methods_are_refused_with_those_that_are_not(void **state)
{
	static const struct {
		const char *method, *target, *allow;
	} cases[] = {
		{"GET", CLEAR, "Allow: POST"},
		{"HEAD", CLEAR, "Allow: POST"},
		{"PUT", CLEAR, "Allow: POST"},
		{"POST", "/replication", "Allow: GET, HEAD"},
		{"POST", "/metrics", "Allow: GET, HEAD"},
		{"DELETE", "/replication?follower=c", "Allow: GET, HEAD"},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(ask(scene, cases[i].method, cases[i].target, ""), 405);
		assert_true(has_header(scene, cases[i].allow));
	}
	assert_int_equal(alert_count(scene), 3);
}

/* The request's body is `bytes` long, or just said to be. */
static int post(struct scene *scene, size_t bytes)
{
	char headers[8000];
	const int head = snprintf(headers, sizeof headers, "Content-Length: %zu\r\n\r\n", bytes);

	memset(headers + head, 'x', sizeof headers - (size_t)head);
	/* The two bytes of the last line end, which follows, are part of it. */
	headers[(size_t)head + (bytes < 5000 ? bytes - 2 : 0)] = '\0';
	return ask(scene, "POST", CLEAR, headers);
}

static void short_bodies_are_ignored_and_long_ones_refused(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(post(scene, 2), 303);
	assert_int_equal(post(scene, REQUEST_BODY_BYTES_MAX), 303);
	assert_int_equal(post(scene, REQUEST_BODY_BYTES_MAX + 1), 413);
	assert_int_equal(post(scene, 1u << 30), 413);
	assert_int_equal(ask(scene, "POST", CLEAR, "Transfer-Encoding: chunked\r\n\r\n0\r\n"), 411);
}

static void page_is_rendered_once_for_each_state_of_the_monitor(void **state)
{
	struct scene *scene = *state;
	struct page *const pages[] = {&scene->server.answers.status_html,
				      &scene->server.answers.status_json};
	static const char *const forms[] = {"", JSON}, *const names[] = {"late", "newer"};

	for (unsigned i = 0; i < 2; i++) {
		ask(scene, "GET", "/replication", forms[i]);
		const struct MHD_Response *first = pages[i]->forms[PAGE_PLAIN].response;
		watched_follow(scene->watch.monitor, names[i], 1);
		ask(scene, "GET", "/replication", forms[i]);
		assert_ptr_equal(pages[i]->forms[PAGE_PLAIN].response, first);
		assert_null(strstr(body(scene), names[i]));
		scene->watch.sequence++;
		ask(scene, "GET", "/replication", forms[i]);
		assert_non_null(strstr(body(scene), names[i]));
	}
}

static void page_is_put_off_while_readers_hold_too_much(void **state)
{
	struct scene *scene = *state;

	scene->server.answers.held_bytes += PAGE_HELD_BYTES_MAX + 1; /* by many others */
	assert_int_equal(ask(scene, "GET", "/replication", ""), 503);
	scene->server.answers.held_bytes -= PAGE_HELD_BYTES_MAX + 1;
	assert_int_equal(ask(scene, "GET", "/replication", ""), 200);
}

static void without_a_monitor_there_is_a_page_and_nothing_to_clear(void **state)
{
	struct scene *scene = *state;

	monitor_destroy(scene->watch.monitor);
	scene->watch.monitor = NULL;
	assert_int_equal(ask(scene, "GET", "/replication", ""), 200);
	assert_non_null(strstr(body(scene), "No follower"));
	assert_int_equal(alert_count(scene), 0);
	assert_int_equal(ask(scene, "GET", "/replication?follower=c", ""), 404);
	assert_int_equal(ask(scene, "POST", CLEAR "?follower=c", ""), 404);
	assert_int_equal(ask(scene, "POST", CLEAR, JSON), 200);
	assert_string_equal(body(scene), "{\"cleared\":0}\n");
}

/* As the drain thread does: it never waits for the monitor. */
static void *update_often(void *argument)
{
	struct watch *watch = argument;

	for (uint64_t done = 0; done < 1000;) {
		if (pthread_mutex_trylock(&watch->mutex) != 0)
			continue;
		monitor_update(watch->monitor, "n", 305, 300, 1, WATCHED_NOW.monotonic_ns + ++done);
		watch->sequence++;
		pthread_mutex_unlock(&watch->mutex);
	}
	return NULL;
}

static void drain_thread_has_its_turn_in_a_flood_of_requests(void **state)
{
	struct scene *scene = *state;
	pthread_t drain;

	assert_int_equal(pthread_create(&drain, NULL, update_often, &scene->watch), 0);
	while (pthread_tryjoin_np(drain, NULL) != 0) { /* until the test's time is over */
		assert_int_equal(ask(scene, "GET", "/replication", ""), 200);
		assert_int_equal(ask(scene, "GET", "/replication?follower=n", ""), 200);
	}
	assert_int_equal(ask(scene, "GET", "/replication", ""), 200);
	assert_non_null(strstr(body(scene), "<td class=\"number\">1.000</td>"));
}

static void before_the_first_snapshot_it_is_not_ready(void **state)
{
	static const char *const later[] = {"/-/ready", "/metrics", "/metrics?name[]=x"};
	static const char *const now[] = {"/-/healthy", "/", "/sd", "/replication"};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof later / sizeof *later; i++)
		assert_int_equal(ask(scene, "GET", later[i], ""), 503);
	for (size_t i = 0; i < sizeof now / sizeof *now; i++)
		assert_int_equal(ask(scene, "GET", now[i], ""), 200);
}

/* HTTP/1.0 has none, and nobody else has to say which. */
static void discovery_without_a_host_is_refused(void **state)
{
	static const char *const requests[] = {"GET /sd HTTP/1.0\r\n\r\n",
					       "GET /sd HTTP/1.0\r\nHost:\r\n\r\n"};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		free(scene->answer);
		scene->answer = server_ask(&scene->server, requests[i]);
		assert_int_equal(atoi(scene->answer + 9), 400);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(form_is_what_the_client_prefers),
		TEST(status_is_guarded_by_headers),
		TEST(head_is_get_without_the_body),
		TEST(M3_one_follower_is_shown_with_its_history),
		TEST(unknown_follower_is_not_found),
		TEST(M7_clear_ends_one_followers_alerts),
		TEST(M7_clear_of_a_name_misspelt_ends_none),
		TEST(M7_clear_ends_all_alerts),
		TEST(M7_clear_needs_its_flag),
		TEST(other_sites_clear_nothing),
		TEST(own_site_clears),
		TEST(other_methods_are_refused_with_those_that_are_not),
		TEST(short_bodies_are_ignored_and_long_ones_refused),
		TEST(page_is_rendered_once_for_each_state_of_the_monitor),
		TEST(drain_thread_has_its_turn_in_a_flood_of_requests),
		TEST(page_is_put_off_while_readers_hold_too_much),
		TEST(before_the_first_snapshot_it_is_not_ready),
		TEST(discovery_without_a_host_is_refused),
		TEST(without_a_monitor_there_is_a_page_and_nothing_to_clear),
	};

	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}

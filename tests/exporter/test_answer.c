/* SPDX-License-Identifier: MIT */
/*
 * Pages of metrics in the hands of readers that do not read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "members.h"
#include "server.h"

#define CLIENTS_MAX 8

struct scene {
	struct server server;
	struct aggregate *data, *self;
	struct aggregate_member *member;
	uint64_t total;
	int clients[CLIENTS_MAX];
	unsigned client_count;
};

/* A snapshot whose page is far larger than what a socket takes in. */
static void publish(struct scene *scene)
{
	members_count(scene->member, 0, 0, ++scene->total);
	members_publish(scene->data, scene->self);
}

static int make(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	char label[201] = "";

	server_start(&scene->server, &(struct answer_options){.telemetry_path = "/metrics"});
	scene->data = aggregate_create();
	scene->self = aggregate_create();
	scene->member = members_join(scene->data, "m", 1, 0, 1);
	members_add_metric(scene->member, members_metric(RING_COUNTER, 0, "a_total", "x", NULL));
	memset(label, 'x', sizeof label - 1);
	for (unsigned i = 0; i < 20000; i++) {
		label[0] = (char)('a' + i % 26);
		label[1] = (char)('a' + i / 26 % 26);
		label[2] = (char)('a' + i / 26 / 26);
		members_add_series(scene->member, 0, label, NULL);
	}
	publish(scene);
	*state = scene;
	return 0;
}

static int unmake(void **state)
{
	struct scene *scene = *state;

	for (unsigned i = 0; i < scene->client_count; i++)
		close(scene->clients[i]);
	server_stop(&scene->server);
	aggregate_destroy(scene->data);
	aggregate_destroy(scene->self);
	free(scene);
	return 0;
}

/* A new client asks for the metrics, and gets the beginning of the answer. */
static void request(struct scene *scene, char answer[16])
{
	const int client = server_connect(&scene->server,
					  "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");

	do {
		MHD_run(scene->server.daemon);
	} while (recv(client, answer, 15, MSG_DONTWAIT) <= 0);
	answer[15] = '\0';
	scene->clients[scene->client_count++] = client;
}

static void readers_of_one_snapshot_share_its_page(void **state)
{
	struct scene *scene = *state;
	char answer[16];

	request(scene, answer);
	const size_t page_bytes = scene->server.answers.held_bytes;
	assert_true(page_bytes > 1u << 20);
	request(scene, answer);
	request(scene, answer);
	assert_int_equal(scene->server.answers.held_bytes, page_bytes);
}

static void page_stays_until_its_last_reader_goes(void **state)
{
	struct scene *scene = *state;
	char answer[16];

	request(scene, answer);
	const size_t page_bytes = scene->server.answers.held_bytes;

	publish(scene);
	request(scene, answer);
	assert_int_equal(scene->server.answers.held_bytes, 2 * page_bytes);
	close(scene->clients[0]);
	scene->clients[0] = -1;
	while (scene->server.answers.held_bytes != page_bytes) /* until the test's time is over */
		MHD_run(scene->server.daemon);
}

static void scrape_is_put_off_while_readers_hold_too_much(void **state)
{
	struct scene *scene = *state;
	char answer[16];

	scene->server.answers.held_bytes += PAGE_HELD_BYTES_MAX + 1; /* by many others */
	request(scene, answer);
	assert_string_equal(answer, "HTTP/1.1 503 Se");
	scene->server.answers.held_bytes -= PAGE_HELD_BYTES_MAX + 1;
	request(scene, answer);
	assert_string_equal(answer, "HTTP/1.1 200 OK");
}

/* The memory of a page that is still read is never written to, and the next but one page has it. */
static void page_takes_the_memory_that_readers_have_left(void **state)
{
	struct scene *scene = *state;
	char answer[16];

	request(scene, answer);
	publish(scene);
	request(scene, answer);
	assert_null(scene->server.answers.metrics[FORMAT_TEXT].forms[PAGE_PLAIN].text.data);
	close(scene->clients[0]);
	scene->clients[0] = -1;
	while (!scene->server.answers.metrics[FORMAT_TEXT]
			.forms[PAGE_PLAIN]
			.text.data) /* until the test's time is over */
		MHD_run(scene->server.daemon);
	publish(scene);
	request(scene, answer);
	assert_string_equal(answer, "HTTP/1.1 200 OK");
	assert_null(scene->server.answers.metrics[FORMAT_TEXT].forms[PAGE_PLAIN].text.data);
}

static void page_that_failed_spoils_none_after_it(void **state)
{
	struct scene *scene = *state;
	char answer[16];

	scene->server.answers.metrics[FORMAT_TEXT].forms[PAGE_PLAIN].text.bytes_max = 0;
	request(scene, answer);
	assert_string_equal(answer, "HTTP/1.1 503 Se");
	scene->server.answers.metrics[FORMAT_TEXT].forms[PAGE_PLAIN].text.bytes_max =
		RENDER_BYTES_MAX;
	request(scene, answer);
	assert_string_equal(answer, "HTTP/1.1 200 OK");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(readers_of_one_snapshot_share_its_page),
		TEST(page_stays_until_its_last_reader_goes),
		TEST(scrape_is_put_off_while_readers_hold_too_much),
		TEST(page_takes_the_memory_that_readers_have_left),
		TEST(page_that_failed_spoils_none_after_it),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}

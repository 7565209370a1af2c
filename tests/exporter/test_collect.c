/* SPDX-License-Identifier: MIT */
/* The drain thread at its own pace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "collect.h"
#include "render/render.h"
#include "workspace.h"

#define SEGMENT_COUNT 11u /* one more than there are turns */
#define POLLS_MAX     200 /* of 50 ms each; ten ticks take a second */

static bool page_has(struct render *render, const char *line)
{
	struct text text;

	text_init(&text, RENDER_BYTES_MAX);
	const struct snapshot *snapshot = snapshot_borrow();
	if (snapshot)
		render_snapshot(render, &text, FORMAT_TEXT, snapshot);
	snapshot_return();
	text_append(&text, "", 1);
	assert_int_equal(text.error, 0);
	const bool has = strstr(text.data, line);
	text_release(&text);
	return has;
}

/* No sample tells of an open burst, so each segment's tally waits for the segment's turn. */
static void every_segment_has_its_turn(void **state)
{
	struct ring_segment *segments[SEGMENT_COUNT];
	struct collect collect;
	struct render render;
	char dir[64], name[16];
	bool shown = false;

	snprintf(dir, sizeof dir, "%s/ring", (const char *)*state);
	for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
		snprintf(name, sizeof name, "seg%u", i);
		const struct ring_options options = workspace_options(dir, name);
		segments[i] = workspace_segment(&options);
		workspace_packets(segments[i], "a");
	}
	log_init(LOG_ERROR, LOG_LOGFMT);
	assert_int_equal(
		collect_open(&collect, &(struct collect_options){.dir = dir,
								 .followed_max = SEGMENT_COUNT,
								 .monitor = &monitor_defaults}),
		0);
	for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
		struct ring_writer *writer = ring_writer_claim(segments[i], 0);
		ring_burst_begin(writer);
		ring_counter_add(writer, workspace_packets(segments[i], "a"), 1);
	}
	render_init(&render, NULL);
	assert_int_equal(collect_start(&collect), 0);
	for (int i = 0; i < POLLS_MAX && !shown; i++) {
		usleep(50000);
		shown = page_has(&render, "\ntest_packets_total{channel=\"a\"} 11\n");
	}
	collect_stop(&collect);
	assert_true(shown);
	render_release(&render);
	collect_close(&collect);
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		ring_segment_close(segments[i]);
}

/* Somebody renders a status page, for as long as it takes. */
static void drain_goes_on_while_another_thread_has_the_monitor(void **state)
{
	struct collect collect;
	struct render render;
	char dir[64];
	bool shown = false;

	snprintf(dir, sizeof dir, "%s/ring", (const char *)*state);
	const struct ring_options options = workspace_options(dir, "seg");
	struct ring_segment *segment = workspace_segment(&options);
	log_init(LOG_ERROR, LOG_LOGFMT);
	assert_int_equal(
		collect_open(&collect, &(struct collect_options){.dir = dir,
								 .followed_max = SEGMENT_COUNT,
								 .monitor = &monitor_defaults}),
		0);
	render_init(&render, NULL);
	pthread_mutex_lock(&collect.followers.watch.mutex);
	assert_int_equal(collect_start(&collect), 0);
	for (unsigned step = 1; step <= 3; step++) {
		char line[96];
		workspace_record(segment, 1);
		/* A record of it is three samples. */
		snprintf(line, sizeof line,
			 "\nring_samples_drained_total{segment=\"seg\",core=\"0\"} %u\n", 3 * step);
		shown = false;
		for (int i = 0; i < POLLS_MAX && !shown; i++) {
			usleep(50000);
			shown = page_has(&render, line);
		}
		assert_true(shown);
		snprintf(line, sizeof line, "\ntest_packets_total{channel=\"a\"} %u\n", step);
		assert_true(page_has(&render, line));
	}
	pthread_mutex_unlock(&collect.followers.watch.mutex);
	collect_stop(&collect);
	render_release(&render);
	collect_close(&collect);
	ring_segment_close(segment);
}

/* A look takes one step for each, and there may be a snapshot in between. */
static void segment_found_and_not_read_yet_has_no_figures(void **state)
{
	struct ring_segment *segments[2];
	struct collect collect;
	struct render render;
	uint64_t now_ns = 0;
	char dir[64];

	snprintf(dir, sizeof dir, "%s/ring", (const char *)*state);
	log_init(LOG_ERROR, LOG_LOGFMT);
	assert_int_equal(
		collect_open(&collect, &(struct collect_options){.dir = dir,
								 .followed_max = SEGMENT_COUNT,
								 .monitor = &monitor_defaults}),
		0);
	for (unsigned i = 0; i < 2; i++) {
		const struct ring_options options = workspace_options(dir, i == 0 ? "a" : "b");
		segments[i] = workspace_segment(&options);
	}
	const struct attach *attach = &collect.attach;
	while (attach->source_count < 2) /* until the test's time is over */
		attach_update(&collect.attach, now_ns += UINT64_C(100000000));
	assert_true(attach_is_looking(attach));
	assert_null(attach->sources[1]->reader);
	assert_int_equal(selfstat_update(&collect.selfstat, attach), 0);
	assert_null(attach->sources[1]->self);
	while (attach_is_looking(attach))
		attach_update(&collect.attach, now_ns);
	assert_int_equal(collect_once(&collect), 0);
	render_init(&render, NULL);
	assert_true(page_has(&render, "\nring_samples_pending{segment=\"b\",core=\"1\"} 0\n"));
	render_release(&render);
	collect_close(&collect);
	for (unsigned i = 0; i < 2; i++)
		ring_segment_close(segments[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_segment_has_its_turn, workspace_make,
						workspace_remove),
		cmocka_unit_test_setup_teardown(drain_goes_on_while_another_thread_has_the_monitor,
						workspace_make, workspace_remove),
		cmocka_unit_test_setup_teardown(segment_found_and_not_read_yet_has_no_figures,
						workspace_make, workspace_remove),
	};

	return cmocka_run_group_tests_name("collect", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Queues that come and go, many times more than a budget has room for, and a source that says what
 * there is of them: rows X8, X9 and X10. After each poll a reader has to see just that.
 *
 * RING_CHURN_S is how many seconds a million queues shall take. Without it they are fewer, and as
 * fast as they can be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <ring/poll.h>

#include "workspace.h"

#define BUDGET       512u
#define LIVE         2000u /* queues at any time */
#define NEW          400u  /* of these, with each poll */
#define FEW          250000u
#define MANY         1000000u
#define WARM         120000u /* queues until as many are remembered as ever will be */
#define COOL_DOWN_MS 50u
#define SLACK_KIB    2048

static const struct ring_metric_def metrics[] = {
	{.name = "queue_messages",
	 .help = "Messages.",
	 .kind = RING_GAUGE,
	 .label_keys = {"queue"},
	 .series_max = BUDGET,
	 .overflow_label = "_other"},
	{.name = "queue_sent_total",
	 .help = "Messages sent.",
	 .kind = RING_COUNTER,
	 .label_keys = {"queue"},
	 .series_max = BUDGET,
	 .overflow_label = "_other"},
};

/* The queues with the numbers from `first` to first + LIVE - 1 are there, but for those that rest;
 * the number is a queue's depth. */
struct broker {
	uint64_t first;
	uint64_t sent[LIVE]; /* by number modulo LIVE */
	uint64_t sent_ever;
	uint64_t depth; /* of all that are there */
	bool is_failing;
};

/* Some are away for a poll in their middle age, and go on then. */
static bool is_resting(const struct broker *broker, uint64_t number)
{
	return number % 10 == 0 && (number - broker->first) / NEW == LIVE / NEW / 2;
}

static void turn(struct broker *broker)
{
	for (unsigned i = 0; i < NEW; i++)
		broker->sent[(broker->first + i) % LIVE] = 0;
	broker->first += NEW;
	broker->depth = 0;
	for (uint64_t number = broker->first; number < broker->first + LIVE; number++) {
		if (is_resting(broker, number))
			continue;
		const uint64_t sent = 1 + number % 7;
		broker->sent[number % LIVE] += sent;
		broker->sent_ever += sent;
		broker->depth += number;
	}
}

/* Half an answer, of names that are never heard of again. */
static enum ring_answer fail_midway(struct ring_poll *poll, const struct broker *broker)
{
	char name[24];

	for (unsigned i = 0; i < NEW; i++) {
		snprintf(name, sizeof name, "?%09llu", (unsigned long long)broker->first + i);
		ring_poll_counter(poll, "queue_sent_total", RING_LABELS(name), 1000);
		ring_poll_depth(poll, "queue_messages", RING_LABELS(name), 1000);
	}
	return RING_ANSWER_NONE;
}

static enum ring_answer say(struct ring_poll *poll, void *context)
{
	const struct broker *broker = context;
	char name[24];

	if (broker->is_failing)
		return fail_midway(poll, broker);
	for (uint64_t number = broker->first; number < broker->first + LIVE; number++) {
		if (is_resting(broker, number))
			continue;
		snprintf(name, sizeof name, "q%09llu", (unsigned long long)number);
		ring_poll_counter(poll, "queue_sent_total", RING_LABELS(name),
				  broker->sent[number % LIVE]);
		ring_poll_depth(poll, "queue_messages", RING_LABELS(name), (int64_t)number);
	}
	return RING_ANSWER_ALL;
}

/* What a reader has seen of the counters, by their place among the series. */
struct view {
	struct ring_reader *reader;
	uint64_t totals[2 * (BUDGET + 1) + 500];
};

static uint64_t number_of(const struct ring_series_info *series)
{
	struct ring_text labels = series->labels, name;
	char text[16] = "";

	assert_true(ring_label_next(&labels, &name) && name.bytes == 10 && name.data[0] == 'q');
	for (uint32_t i = 1; i < name.bytes; i++)
		text[i - 1] = name.data[i];
	return strtoull(text, NULL, 10);
}

/* Whether it is one that was there now or at the poll before. */
static bool is_fresh(const struct broker *broker, uint64_t number)
{
	return number + NEW >= broker->first && number < broker->first + LIVE;
}

static void look(struct view *view, const struct broker *broker)
{
	uint64_t cells[2], sent = 0, depth = 0;
	uint32_t named = 0;

	assert_int_equal(ring_reader_refresh(view->reader), RING_SOUND);
	for (uint32_t i = 0; i < ring_reader_series_count(view->reader); i++) {
		const struct ring_series_info *series = ring_reader_series(view->reader, i);
		if (series->metric > 1 || series->gone)
			continue;
		assert_int_equal(ring_reader_gather(view->reader, 0, &i, 1, cells), RING_SOUND);
		if (series->metric == 1) {
			assert_true(cells[0] >= view->totals[i]);
			view->totals[i] = cells[0];
			sent += cells[0];
		} else if (cells[0] != RING_GAUGE_UNSET) {
			const uint64_t value = (uint64_t)ring_double_of(cells[0]);
			depth += value;
			named += !series->overflow;
			if (!series->overflow) {
				assert_int_equal(number_of(series), value);
				assert_true(is_fresh(broker, value));
			}
		}
	}
	assert_true(named <= BUDGET);
	assert_int_equal(sent, broker->sent_ever);
	assert_int_equal(depth, broker->depth);
}

static long resident_kib(void)
{
	long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");

	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%*d %ld", &pages), 1);
	fclose(statm);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Waits until so much of the time has passed as queues have come. */
static void keep_pace(uint64_t begun_ns, uint64_t seconds, uint64_t queues)
{
	const uint64_t due_ns = begun_ns + seconds * 1000000000u * queues / MANY;
	const struct timespec due = {(time_t)(due_ns / 1000000000u), (long)(due_ns % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static void X9_X10_queues_that_come_and_go_leave_nothing_but_their_totals(void **state)
{
	static struct broker broker;
	static struct view view;
	const char *pace = getenv("RING_CHURN_S");
	const uint64_t seconds = pace ? strtoull(pace, NULL, 10) : 0, begun_ns = now_ns();
	const struct ring_options options = {.name = "broker",
					     .dir = *state,
					     .core_count = 1,
					     .cool_down_ms = COOL_DOWN_MS,
					     .metrics = metrics,
					     .metric_count = 2};
	const struct ring_source source = {
		.name = "broker", .poll = say, .context = &broker, .interval_ms = 3600000};
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_poller *poller;
	uint64_t polls = 0;
	long warm_kib = 0;

	view.reader = workspace_reader(segment);
	turn(&broker);
	assert_int_equal(ring_poller_start(&poller, segment, 0), 0);
	assert_int_equal(ring_poller_add(poller, &source), 0);
	while (broker.first < (seconds > 0 ? MANY : FEW)) {
		look(&view, &broker);
		if (warm_kib == 0 && broker.first >= WARM)
			warm_kib = resident_kib();
		keep_pace(begun_ns, seconds, broker.first);
		broker.is_failing = ++polls % 3 == 0;
		if (!broker.is_failing)
			turn(&broker);
		assert_int_equal(ring_poller_poll(poller, "broker"), 0);
	}
	look(&view, &broker);
	const long grown_kib = resident_kib() - warm_kib;
	printf("# %llu queues, %llu polls, %.1f s, %ld KiB and then %+ld\n",
	       (unsigned long long)broker.first, (unsigned long long)polls,
	       (double)(now_ns() - begun_ns) / 1e9, warm_kib, grown_kib);
	assert_true(grown_kib < SLACK_KIB);
	assert_int_equal(ring_poller_stop(poller), 0);
	ring_reader_close(view.reader);
	ring_segment_close(segment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
		X9_X10_queues_that_come_and_go_leave_nothing_but_their_totals, workspace_make,
		workspace_remove)};

	return cmocka_run_group_tests_name("churn", tests, NULL, NULL);
}

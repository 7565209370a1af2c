/* SPDX-License-Identifier: MIT */
#include "polled.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *const modes[] = {"idle", "ready", "busy", NULL};

#define OF_QUEUES .label_keys = {"queue"}, .series_max = 2, .overflow_label = "_other"
#define GAUGE(text, rule) \
	.name = text, .help = "Help.", .kind = RING_GAUGE, .merge = rule, OF_QUEUES

const struct ring_metric_def polled_metrics[POLLED_METRICS] = {
	[SENT] = {.name = "queue_sent_total", .help = "Sent.", .kind = RING_COUNTER, OF_QUEUES},
	[DEPTH] = {GAUGE("queue_messages", RING_SUM)},
	[LAST] = {GAUGE("queue_last", RING_LAST)},
	[LEAST] = {GAUGE("queue_least", RING_MIN)},
	[MOST] = {GAUGE("queue_most", RING_MAX)},
	[MODE] = {.name = "queue_mode",
		  .help = "Mode.",
		  .kind = RING_STATESET,
		  .merge = RING_MAX,
		  .states = modes,
		  .state_default = 1,
		  OF_QUEUES},
	[PLAIN] = {.name = "sessions", .help = "Sessions.", .kind = RING_GAUGE},
};

static int call(struct ring_poll *poll, const struct told *told)
{
	const char *const values[] = {told->label, NULL};
	const char *const *labels = told->label ? values : NULL;
	const char *metric = told->metric < POLLED_METRICS ? polled_metrics[told->metric].name
							   : "queue_unknown";

	switch (told->call) {
	case TOTAL:
		return ring_poll_counter(poll, metric, labels, told->total);
	case VALUE:
		return ring_poll_gauge(poll, metric, labels, told->value);
	case BACKLOG:
		return ring_poll_depth(poll, metric, labels, told->backlog);
	case STATE:
		return ring_poll_state(poll, metric, labels, told->total);
	case NAMED:
		return ring_poll_mode(poll, metric, labels, told->state);
	}
	return -1;
}

static enum ring_answer say(struct ring_poll *poll, void *context)
{
	struct polled *polled = context;

	for (unsigned i = 0; i < polled->told_count; i++)
		polled->results[i] = call(poll, &polled->told[i]);
	if (polled->has_restarted)
		ring_poll_restarted(poll);
	return polled->answer;
}

void polled_open(struct polled *polled, const char *dir, const char *name)
{
	*polled = (struct polled){.answer = RING_ANSWER_NONE};
	polled->options = (struct ring_options){
		.name = name,
		.dir = dir,
		.core_count = 3,
		.slot_count = 64,
		.cool_down_ms = COOL_DOWN_MS,
		.metrics = polled_metrics,
		.metric_count = POLLED_METRICS,
	};
	polled->segment = workspace_segment(&polled->options);
	assert_int_equal(ring_poller_start(&polled->poller, polled->segment, 0), 0);
	polled->reader = workspace_reader(polled->segment);
}

void polled_close(struct polled *polled)
{
	assert_int_equal(ring_poller_stop(polled->poller), 0);
	ring_reader_close(polled->reader);
	ring_segment_close(polled->segment);
}

void polled_add(struct polled *polled, const char *source, int outlives)
{
	const struct ring_source def = {
		.name = source,
		.poll = say,
		.context = polled,
		.interval_ms = HOUR_MS,
		.outlives = outlives,
	};

	assert_int_equal(ring_poller_add(polled->poller, &def), 0);
}

void polled_tell(struct polled *polled, enum ring_answer answer, const struct told *told,
		 unsigned count)
{
	assert_true(count <= POLLED_TOLD);
	polled->answer = answer;
	polled->told_count = count;
	for (unsigned i = 0; i < count; i++)
		polled->told[i] = told[i];
}

void polled_poll(struct polled *polled, enum ring_answer answer, const struct told *told,
		 unsigned count)
{
	polled_tell(polled, answer, told, count);
	if (ring_poller_poll(polled->poller, "source") != 0)
		polled_add(polled, "source", 0);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(polled->results[i], 0);
}

uint64_t polled_total(struct polled *polled, const char *queue)
{
	return workspace_value(polled->reader, polled_metrics[SENT].name, queue, 0);
}

static double number(uint64_t bits)
{
	return bits == UINT64_MAX || bits == RING_GAUGE_UNSET ? (double)NAN : ring_double_of(bits);
}

double polled_value(struct polled *polled, unsigned metric, const char *queue)
{
	return number(workspace_value(polled->reader, polled_metrics[metric].name, queue, 0));
}

double polled_own(struct polled *polled, const char *metric)
{
	return number(workspace_value(polled->reader, metric, "source", 0));
}

void polled_cool_down(void)
{
	workspace_cool_down(COOL_DOWN_MS);
}

/* SPDX-License-Identifier: MIT */
/*
 * What a poller says of its sources. Handles are resolved for each report: there are few, and a
 * second poller of the segment may forget a source of the same name.
 */
#include "clock.h"
#include "export.h"
#include "poller.h"
#include "ring/segment.h"

#define POLLS       "poller_polls_total"
#define DURATION    "poller_poll_duration_seconds"
#define OVERDUE     "poller_overdue"
#define LAST_ANSWER "poller_last_answer_timestamp_seconds"
#define REFUSED     "poller_values_refused_total"

static const char *const answers[] = {
	[RING_ANSWER_NONE] = "none", [RING_ANSWER_SOME] = "some", [RING_ANSWER_ALL] = "all"};
#define ANSWERS 3u

static const struct ring_metric_def metrics[RING_POLLER_METRICS] = {
	{
		.name = POLLS,
		.help = "Polls of a source that ended, by what came of them.",
		.kind = RING_COUNTER,
		.label_keys = {"source", "answer"},
		.series_max = ANSWERS * RING_POLL_SOURCES_MAX,
		.kept_labels = 1,
		.overflow_max = ANSWERS,
	},
	{
		.name = DURATION,
		.help = "How long the last poll of a source took, or takes by now.",
		.unit = "seconds",
		.kind = RING_GAUGE,
		.merge = RING_MAX,
		.label_keys = {"source"},
		.series_max = RING_POLL_SOURCES_MAX,
	},
	{
		.name = OVERDUE,
		.help = "Whether a poll of a source takes longer than the interval.",
		.kind = RING_GAUGE,
		.merge = RING_MAX,
		.label_keys = {"source"},
		.series_max = RING_POLL_SOURCES_MAX,
	},
	{
		.name = LAST_ANSWER,
		.help = "When a source answered last, since unix epoch in seconds.",
		.unit = "seconds",
		.kind = RING_GAUGE,
		.merge = RING_MIN,
		.label_keys = {"source"},
		.series_max = RING_POLL_SOURCES_MAX,
	},
	{
		.name = REFUSED,
		.help = "Values of a source that could not be taken.",
		.kind = RING_COUNTER,
		.label_keys = {"source"},
		.series_max = RING_POLL_SOURCES_MAX,
	},
};

RING_EXPORT void ring_poller_declare(struct ring_metric_def declared[RING_POLLER_METRICS])
{
	for (unsigned i = 0; i < RING_POLLER_METRICS; i++)
		declared[i] = metrics[i];
}

int ring_report_define(struct ring_segment *segment)
{
	int result = 0;

	for (unsigned i = 0; i < RING_POLLER_METRICS && result == 0; i++)
		result = ring_metric_define(segment, &metrics[i]);
	return result;
}

static void set(struct ring_recorder *recorder, const char *metric, const char *source,
		double value)
{
	ring_gauge_set(recorder->writer,
		       ring_gauge_resolve(recorder->segment, metric, RING_LABELS(source)), value);
}

/* Adds nothing, too: the series is there from the first report on. */
static void add(struct ring_recorder *recorder, const char *metric, const char *const *label_values,
		uint64_t n)
{
	const struct ring_counter counter = ring_counter_resolve(recorder->segment, metric,
								 label_values);

	if (n > 0)
		ring_counter_add(recorder->writer, counter, n);
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

void ring_report_poll(struct ring_recorder *recorder, const struct ring_poll_report *report)
{
	ring_tick(recorder->writer);
	for (unsigned i = 0; i < ANSWERS; i++)
		add(recorder, POLLS, RING_LABELS(report->source, answers[i]), report->answer == i);
	add(recorder, REFUSED, RING_LABELS(report->source), report->refused);
	set(recorder, DURATION, report->source, seconds(report->duration_ns));
	set(recorder, OVERDUE, report->source, 0);
	if (report->answer != RING_ANSWER_NONE)
		set(recorder, LAST_ANSWER, report->source, seconds(ring_clock_ns(CLOCK_REALTIME)));
}

void ring_report_overdue(struct ring_recorder *recorder, const char *source, uint64_t duration_ns)
{
	ring_tick(recorder->writer);
	set(recorder, DURATION, source, seconds(duration_ns));
	set(recorder, OVERDUE, source, 1);
}

void ring_report_leave(struct ring_recorder *recorder, const char *source)
{
	ring_series_forget(recorder->segment, DURATION, RING_LABELS(source));
	ring_series_forget(recorder->segment, OVERDUE, RING_LABELS(source));
	ring_series_forget(recorder->segment, LAST_ANSWER, RING_LABELS(source));
}

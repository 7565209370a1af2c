/* SPDX-License-Identifier: MIT */
/* Samples over time; see trend.h. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "trend.h"

/* Samples that have left the newest are at least one spacing apart, a little more than this part
 * of the retention. So they are at most as many, and one may be leaving and one coming. */
#define SPACED_MAX (MONITOR_HISTORY_MAX - MONITOR_NEWEST - 1)
static_assert(MONITOR_FIT <= MONITOR_NEWEST, "a prediction is made from neighbours");

struct line {
	double at_last; /* at the time of the last sample */
	double slope;   /* per second */
};

static double seconds_between(const struct monitor_sample *from, const struct monitor_sample *to)
{
	return (double)(to->time_ns - from->time_ns) / 1e9;
}

static void drop_samples(struct monitor_node *node, uint32_t first, uint32_t count)
{
	struct monitor_sample *to = &node->samples[first];

	node->sample_count -= count;
	memmove(to, to + count, (node->sample_count - first) * sizeof *to);
}

void trend_add(struct monitor_node *node, const struct monitor_sample *sample,
	       uint64_t retention_ns)
{
	const struct monitor_sample *samples = node->samples;
	uint32_t expired = 0;

	while (expired < node->sample_count &&
	       sample->time_ns - samples[expired].time_ns > retention_ns)
		expired++;
	drop_samples(node, 0, expired);
	node->samples[node->sample_count++] = *sample;
	if (node->sample_count < MONITOR_NEWEST + 2)
		return;
	const uint32_t leaving = node->sample_count - MONITOR_NEWEST - 1;
	const uint64_t apart_ns = samples[leaving].time_ns - samples[leaving - 1].time_ns;
	if (apart_ns <= retention_ns / SPACED_MAX)
		drop_samples(node, leaving, 1);
}

/* A sequence number that has gone back, in a restart or a restore, says nothing of speed; nor does
 * the first one, after the 0 of a follower that was not heard of. */
static bool is_progress(const struct monitor_sample *from, const struct monitor_sample *to)
{
	return from->follower_seqno <= to->follower_seqno &&
	       (from->follower_seqno > 0 || to->follower_seqno == 0);
}

void trend_measure(struct monitor_node *node)
{
	const struct monitor_sample *last = &node->samples[node->sample_count - 1];
	const struct monitor_sample *first = last;

	while (first > node->samples && is_progress(&first[-1], first) &&
	       seconds_between(first, last) < MONITOR_STALL_SECONDS)
		first--;
	const uint64_t progress = last->follower_seqno - first->follower_seqno;
	node->rate_seconds = seconds_between(first, last);
	node->rate_known = node->rate_seconds > 0;
	node->rate = node->rate_known ? (double)progress / node->rate_seconds : 0;
}

/* Least squares, relative to the last sample so that equal lags give a slope of exactly 0. Returns
 * false if the samples are too few, or of one instant. */
static bool fit(struct line *line, const struct monitor_node *node)
{
	const uint32_t count = node->sample_count < MONITOR_FIT ? node->sample_count : MONITOR_FIT;
	const struct monitor_sample *end = &node->samples[node->sample_count], *last = end - 1;
	double x_mean = 0, y_mean = 0, xx = 0, xy = 0;

	if (count < MONITOR_FIT_MIN)
		return false;
	for (const struct monitor_sample *sample = end - count; sample < end; sample++) {
		x_mean -= seconds_between(sample, last) / count;
		y_mean += (sample->lag_seconds - last->lag_seconds) / count;
	}
	for (const struct monitor_sample *sample = end - count; sample < end; sample++) {
		const double x = -seconds_between(sample, last) - x_mean;
		xx += x * x;
		xy += x * (sample->lag_seconds - last->lag_seconds - y_mean);
	}
	if (xx <= 0)
		return false;
	line->slope = xy / xx;
	line->at_last = last->lag_seconds + y_mean - line->slope * x_mean;
	return true;
}

static double not_negative(double value)
{
	return value > 0 ? value : 0;
}

void trend_predict(struct monitor_node *node)
{
	const double critical = node->thresholds.critical_seconds;
	struct line line;

	node->critical_known = node->lag_seconds >= critical;
	node->until_critical_seconds = 0;
	node->prediction_known = fit(&line, node);
	if (!node->prediction_known)
		return;
	const double ahead = line.at_last + line.slope * MONITOR_AHEAD_SECONDS;
	const double crossing = (critical - line.at_last) / line.slope;
	node->prediction_known = isfinite(ahead);
	node->predicted_seconds = not_negative(ahead);
	if (!node->critical_known && line.slope > 0 && isfinite(crossing)) {
		node->critical_known = true;
		node->until_critical_seconds = not_negative(crossing);
	}
}

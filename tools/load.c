/* SPDX-License-Identifier: MIT */
/* The generator behind ringload: one thread per core, each with its own random numbers. */
#include "load.h"

#include <stdio.h>
#include <time.h>

#include "tool.h"

#define LOAD_CHUNK    64u                      /* samples between two looks at the clock */
#define LOAD_PAUSE_NS (20 * UINT64_C(1000000)) /* longest sleep, so that a stop is seen soon */

const char *load_channel_name(uint32_t channel, char name[LOAD_CHANNEL_BYTES])
{
	snprintf(name, LOAD_CHANNEL_BYTES, "c%u", channel);
	return name;
}

static void resolve_handles(struct load_plan *plan)
{
	plan->events = tool_alloc(plan->channel_count, sizeof *plan->events);
	plan->levels = tool_alloc(plan->channel_count, sizeof *plan->levels);
	plan->latencies = tool_alloc(plan->channel_count, sizeof *plan->latencies);
	for (uint32_t i = 0; i < plan->channel_count; i++) {
		char name[LOAD_CHANNEL_BYTES];
		const char *const labels[] = {load_channel_name(i, name), NULL};
		plan->events[i] = ring_counter_resolve(plan->segment, LOAD_EVENTS, labels);
		plan->levels[i] = ring_gauge_resolve(plan->segment, LOAD_LEVEL, labels);
		plan->latencies[i] = ring_histogram_resolve(plan->segment, LOAD_LATENCY, labels);
	}
}

int load_prepare(struct load_plan *plan, struct ring_options *options, enum ring_merge merge)
{
	static const double bounds[] = {0.01, 0.1, 0.5, 1, 2.5};
	const struct ring_metric_def metrics[LOAD_KINDS] = {
		{
			.name = LOAD_EVENTS,
			.help = "Events that the load generator made up.",
			.kind = RING_COUNTER,
			.label_keys = {"channel"},
			.series_max = plan->channel_count,
		},
		{
			.name = LOAD_LEVEL,
			.help = "A level that the load generator made up.",
			.kind = RING_GAUGE,
			.merge = merge,
			.label_keys = {"channel"},
			.series_max = plan->channel_count,
		},
		{
			.name = LOAD_LATENCY,
			.help = "Latencies that the load generator made up.",
			.unit = "seconds",
			.kind = RING_HISTOGRAM,
			.label_keys = {"channel"},
			.bounds = bounds,
			.bound_count = sizeof bounds / sizeof bounds[0],
			.series_max = plan->channel_count,
		},
	};

	options->metrics = metrics;
	options->metric_count = LOAD_KINDS;
	const int error = ring_segment_create(&plan->segment, options);
	resolve_handles(plan);
	return error;
}

/* splitmix64: every seed gives a full-period sequence of its own. */
static uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static unsigned pick_kind(const struct load_plan *plan, uint32_t random_16)
{
	const uint32_t *weights = plan->weights;
	const uint32_t pick = random_16 * (weights[0] + weights[1] + weights[2]) >> 16;

	return pick < weights[0] ? 0 : pick < weights[0] + weights[1] ? 1 : 2;
}

/* One sample. The random word is cut up: channel, kind, value. */
static void record_one(struct load_core *core)
{
	const struct load_plan *plan = core->plan;
	const uint64_t random = random_next(&core->random_state);
	const uint32_t channel = (uint32_t)((random >> 32) * plan->channel_count >> 32);
	const uint32_t value = (uint32_t)random & 0xffff;
	struct load_channel *mine = &core->channels[channel];

	switch (pick_kind(plan, (uint32_t)(random >> 16) & 0xffff)) {
	case 0:
		ring_counter_add(core->writer, plan->events[channel], 1 + value % 16);
		mine->events += 1 + value % 16;
		break;
	case 1:
		mine->level_quanta = (int64_t)value - 0x8000;
		mine->level_ns = core->writer->now_ns;
		ring_gauge_set(core->writer, plan->levels[channel],
			       (double)mine->level_quanta / LOAD_QUANTUM);
		break;
	default:
		ring_histogram_observe(core->writer, plan->latencies[channel],
				       (double)(value % 4096) / LOAD_QUANTUM);
		mine->observations++;
		mine->latency_quanta += value % 4096;
	}
}

static void record_chunk(struct load_core *core, uint64_t count)
{
	if (core->plan->use_bursts)
		ring_burst_begin(core->writer);
	for (uint64_t i = 0; i < count; i++)
		record_one(core);
	if (core->plan->use_bursts)
		ring_burst_end(core->writer);
	core->written += count;
}

/* Samples to record now, at most a chunk. */
static uint64_t due(const struct load_core *core, uint64_t now_ns)
{
	const struct load_plan *plan = core->plan;
	uint64_t count = LOAD_CHUNK;

	if (plan->rate_hz != 0) {
		const double seconds = (double)(now_ns - core->started_ns) / (double)TOOL_SECOND_NS;
		const double behind = seconds * (double)plan->rate_hz - (double)core->written;
		if (behind < (double)count)
			count = behind < 1 ? 0 : (uint64_t)behind;
	}
	if (plan->sample_count != 0 && plan->sample_count - core->written < count)
		count = plan->sample_count - core->written;
	return count;
}

/* Sleeps until the next sample is due. */
static void pause_until_due(const struct load_core *core, uint64_t now_ns)
{
	const double next_seconds = (double)(core->written + 1) / (double)core->plan->rate_hz;
	uint64_t until_ns = now_ns + LOAD_PAUSE_NS;

	if (next_seconds * (double)TOOL_SECOND_NS < (double)(until_ns - core->started_ns))
		until_ns = core->started_ns + (uint64_t)(next_seconds * (double)TOOL_SECOND_NS) + 1;
	const struct timespec until = {
		.tv_sec = (time_t)(until_ns / TOOL_SECOND_NS),
		.tv_nsec = (long)(until_ns % TOOL_SECOND_NS),
	};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static bool is_over(const struct load_core *core, uint64_t now_ns)
{
	struct load_plan *plan = core->plan;

	/* relaxed: the flag carries nothing but itself. */
	return atomic_load_explicit(&plan->stop, memory_order_relaxed) ||
	       (plan->sample_count != 0 && core->written == plan->sample_count) ||
	       (plan->duration_ns != 0 && now_ns - core->started_ns >= plan->duration_ns);
}

void *load_run(void *argument)
{
	struct load_core *core = argument;
	struct load_plan *plan = core->plan;

	core->writer = ring_writer_claim(plan->segment, core->core);
	core->is_live = ring_writer_is_live(core->writer);
	core->random_state = plan->seed * RING_CORES_MAX + core->core;
	core->started_ns = ring_tick(core->writer);
	uint64_t now_ns = core->started_ns;
	while (!is_over(core, now_ns)) {
		const uint64_t count = due(core, now_ns);
		if (count != 0)
			record_chunk(core, count);
		else
			pause_until_due(core, now_ns);
		now_ns = ring_tick(core->writer);
	}
	core->ended_ns = now_ns;
	ring_writer_release(core->writer);
	/* relaxed: main joins the thread before it looks at anything of it. */
	atomic_fetch_add_explicit(&plan->finished_count, 1, memory_order_relaxed);
	return NULL;
}

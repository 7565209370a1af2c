/* SPDX-License-Identifier: MIT */
/*
 * ringload: a synthetic data plane, for tests, torture and benchmarks. It prints one
 * JSON line when its segment is up, and one with the exact totals of what it recorded,
 * so that anything read out of the segment can be compared with them.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "document.h"
#include "load.h"
#include "options.h"
#include "stop.h"
#include "text.h"
#include "tool.h"

#define POLL_NS     (10 * UINT64_C(1000000)) /* between looks whether all cores are done */
#define WEIGHT_MAX  1000
#define CHANNEL_MAX 100000
#define RATE_MAX    UINT64_C(10000000000)

static const char *dir;
static const char *name = "ringload";
static const char *mix = "8:1:1";
static const char *merge_word = "sum";
static uint64_t core_count = 1;
static uint64_t slot_count;
static uint64_t burst_max;
static uint64_t rate_hz;
static uint64_t sample_count;
static uint64_t channel_count = 4;
static uint64_t seed = 1;
static double duration_seconds;
static bool use_bursts;
static bool holds;
static bool tolerates;
static bool wants_version;

static const struct option_def options[] = {
	{.name = "dir", .argument = "DIR", .help = "the segment directory", .text = &dir},
	{.name = "name",
	 .argument = "NAME",
	 .help = "the segment's name (ringload)",
	 .text = &name},
	{.name = "cores",
	 .argument = "N",
	 .help = "writing threads, a ring each (1)",
	 .number = &core_count,
	 .number_max = RING_CORES_MAX},
	{.name = "slots",
	 .argument = "N",
	 .help = "slots per ring (0: the library's choice)",
	 .number = &slot_count,
	 .number_max = RING_SLOTS_MAX},
	{.name = "burst",
	 .argument = "G",
	 .help = "most samples between two publications (0: the library's choice)",
	 .number = &burst_max,
	 .number_max = RING_SLOTS_MAX},
	{.name = "use-bursts", .help = "publish in bursts", .flag = &use_bursts},
	{.name = "rate",
	 .argument = "HZ",
	 .help = "samples per second and core (0: as fast as possible)",
	 .number = &rate_hz,
	 .number_max = RATE_MAX},
	{.name = "samples",
	 .argument = "N",
	 .help = "samples per core (0: no end)",
	 .number = &sample_count,
	 .number_max = UINT64_MAX},
	{.name = "seconds",
	 .argument = "S",
	 .help = "end after that time",
	 .seconds = &duration_seconds},
	{.name = "series",
	 .argument = "N",
	 .help = "channels, a series of each metric (4)",
	 .number = &channel_count,
	 .number_max = CHANNEL_MAX},
	{.name = "mix",
	 .argument = "C:G:H",
	 .help = "weights of counters, gauges and histograms (8:1:1)",
	 .text = &mix},
	{.name = "merge",
	 .argument = "RULE",
	 .help = "of the gauge: sum, last, min or max (sum)",
	 .text = &merge_word},
	{.name = "seed",
	 .argument = "N",
	 .help = "what the samples depend on (1)",
	 .number = &seed,
	 .number_max = UINT64_MAX},
	{.name = "hold", .help = "after writing, stay until SIGTERM", .flag = &holds},
	{.name = "tolerate", .help = "go on if there can be no segment", .flag = &tolerates},
	{.name = "version", .help = "print the version", .flag = &wants_version},
	{0},
};

static bool parse_mix(uint32_t weights[LOAD_KINDS])
{
	const char *p = mix;
	uint32_t sum = 0;

	for (int i = 0; i < LOAD_KINDS; i++) {
		char *end;
		if (!isdigit((unsigned char)*p))
			return false;
		const unsigned long weight = strtoul(p, &end, 10);
		if (weight > WEIGHT_MAX || *end != (i + 1 < LOAD_KINDS ? ':' : '\0'))
			return false;
		weights[i] = (uint32_t)weight;
		sum += weights[i];
		p = end + 1;
	}
	return sum > 0;
}

static bool parse_merge(enum ring_merge *merge)
{
	static const char *const words[] = {
		[RING_SUM] = "sum", [RING_LAST] = "last", [RING_MIN] = "min", [RING_MAX] = "max"};

	for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i], merge_word) == 0) {
			*merge = (enum ring_merge)i;
			return true;
		}
	}
	return false;
}

static void print_start(const struct load_plan *plan)
{
	json_t *line = json_object();

	json_object_set_new(line, "version", json_integer(DOCUMENT_VERSION));
	json_object_set_new(line, "segment",
			    document_text(text_of(ring_segment_path(plan->segment))));
	json_object_set_new(line, "live", json_boolean(ring_segment_is_live(plan->segment)));
	json_object_set_new(line, "pid", json_integer(getpid()));
	document_print_line(line);
	fflush(stdout);
}

/* Values of one channel's gauge on two cores, merged as a reader should. */
static void merge_level(enum ring_merge merge, struct load_channel *into,
			const struct load_channel *from)
{
	const bool is_later = from->level_ns > into->level_ns;
	const bool is_more = from->level_quanta > into->level_quanta;
	bool takes = false;

	if (from->level_ns == 0)
		return;
	if (into->level_ns == 0)
		takes = true;
	else if (merge == RING_SUM)
		into->level_quanta += from->level_quanta;
	else if (merge == RING_LAST)
		takes = is_later || (from->level_ns == into->level_ns && is_more);
	else
		takes = merge == RING_MAX ? is_more : from->level_quanta < into->level_quanta;
	if (takes)
		into->level_quanta = from->level_quanta;
	if (is_later)
		into->level_ns = from->level_ns;
}

static struct load_channel merge_channel(const struct load_core *cores, uint32_t channel,
					 enum ring_merge merge)
{
	struct load_channel sum = {0};

	for (unsigned i = 0; i < core_count; i++) {
		const struct load_channel *part = &cores[i].channels[channel];
		sum.events += part->events;
		sum.observations += part->observations;
		sum.latency_quanta += part->latency_quanta;
		merge_level(merge, &sum, part);
	}
	return sum;
}

static json_t *cores_of(const struct load_core *cores)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < core_count; i++) {
		json_t *row = json_object();
		json_object_set_new(row, "core", json_integer(i));
		json_object_set_new(row, "live", json_boolean(cores[i].is_live));
		json_object_set_new(row, "written", document_total(cores[i].written));
		json_object_set_new(row, "elapsed_ns",
				    document_total(cores[i].ended_ns - cores[i].started_ns));
		json_array_append_new(rows, row);
	}
	return rows;
}

/* Totals by metric and channel. A gauge that was never set has no entry. */
static void print_totals(const struct load_plan *plan, const struct load_core *cores,
			 enum ring_merge merge)
{
	json_t *events = json_object(), *levels = json_object(), *latencies = json_object();
	json_t *line = json_object();

	for (uint32_t i = 0; i < plan->channel_count; i++) {
		const struct load_channel sum = merge_channel(cores, i, merge);
		char key[LOAD_CHANNEL_BYTES];
		json_t *latency = json_object();
		load_channel_name(i, key);
		json_object_set_new(events, key, document_total(sum.events));
		if (sum.level_ns != 0)
			json_object_set_new(levels, key,
					    json_real((double)sum.level_quanta / LOAD_QUANTUM));
		json_object_set_new(latency, "count", document_total(sum.observations));
		json_object_set_new(latency, "sum",
				    json_real((double)sum.latency_quanta / LOAD_QUANTUM));
		json_object_set_new(latencies, key, latency);
	}
	json_object_set_new(line, "version", json_integer(DOCUMENT_VERSION));
	json_object_set_new(line, "cores", cores_of(cores));
	json_object_set_new(line, LOAD_EVENTS, events);
	json_object_set_new(line, LOAD_LEVEL, levels);
	json_object_set_new(line, LOAD_LATENCY, latencies);
	document_print_line(line);
	fflush(stdout);
}

/* Waits until every core is done, or until asked to stop. Returns whether it was asked. */
static bool wait_for_cores(struct load_plan *plan)
{
	/* relaxed: joining the threads orders what they wrote. */
	while (atomic_load_explicit(&plan->finished_count, memory_order_relaxed) < core_count)
		if (stop_wait(POLL_NS))
			return true;
	return false;
}

/* Runs all cores to their end. Returns 0, or a positive errno if a thread would not start;
 * `*asked` says whether a signal ended it. */
static int run_cores(struct load_plan *plan, struct load_core *cores, bool *asked)
{
	unsigned started = 0;
	int error = 0;

	for (; started < core_count; started++) {
		struct load_core *core = &cores[started];
		core->plan = plan;
		core->core = started;
		core->channels = tool_alloc(plan->channel_count, sizeof *core->channels);
		error = pthread_create(&core->thread, NULL, load_run, core);
		if (error)
			break;
	}
	*asked = error == 0 && wait_for_cores(plan);
	/* relaxed: the flag carries nothing but itself. */
	atomic_store_explicit(&plan->stop, true, memory_order_relaxed);
	for (unsigned i = 0; i < started; i++)
		pthread_join(cores[i].thread, NULL);
	return error;
}

static int run_load(struct load_plan *plan, enum ring_merge merge)
{
	struct load_core *cores = tool_alloc(core_count, sizeof *cores);
	bool asked;

	print_start(plan);
	const int error = run_cores(plan, cores, &asked);
	if (error) {
		tool_message("thread", "%s", strerror(error));
	} else {
		print_totals(plan, cores, merge);
		if (holds && !asked)
			stop_wait(STOP_WAIT_FOREVER);
	}
	for (unsigned i = 0; i < core_count; i++)
		free(cores[i].channels);
	free(cores);
	return error ? TOOL_UNSOUND : TOOL_OK;
}

static int run(const uint32_t weights[LOAD_KINDS], enum ring_merge merge)
{
	struct load_plan plan = {
		.seed = seed,
		.rate_hz = rate_hz,
		.sample_count = sample_count,
		.duration_ns = (uint64_t)(duration_seconds * (double)TOOL_SECOND_NS),
		.channel_count = (uint32_t)channel_count,
		.weights = {weights[0], weights[1], weights[2]},
		.use_bursts = use_bursts,
	};
	struct ring_options segment = {
		.name = name,
		.dir = dir,
		.core_count = (unsigned)core_count,
		.slot_count = (unsigned)slot_count,
		.burst_max = (unsigned)burst_max,
	};

	/* Before the first thread starts, so that all of them leave the signals to main. */
	stop_prepare();
	const int error = load_prepare(&plan, &segment, merge);
	if (error)
		tool_message(name, "%s", ring_error());
	const int status = error && !tolerates ? TOOL_UNSOUND : run_load(&plan, merge);
	ring_segment_close(plan.segment);
	free(plan.events);
	free(plan.levels);
	free(plan.latencies);
	return status;
}

int main(int argc, char **argv)
{
	uint32_t weights[LOAD_KINDS];
	enum ring_merge merge;

	tool_alloc_json();
	switch (options_parse(options, "ringload", argc, argv)) {
	case OPTIONS_WRONG:
		return TOOL_CANNOT_TELL;
	case OPTIONS_HELP:
		puts("usage: ringload [options]\nWrites made-up samples and prints exact totals.");
		options_help(options);
		return tool_finish(TOOL_OK);
	case OPTIONS_OK:
		break;
	}
	if (wants_version) {
		puts("ringload " RING_VERSION);
		return tool_finish(TOOL_OK);
	}
	if (optind < argc)
		return options_complain("ringload", argv[optind], "one operand too many");
	if (!parse_mix(weights))
		return options_complain("ringload", "--mix",
					"three weights from 0 to 1000, not all 0");
	if (!parse_merge(&merge))
		return options_complain("ringload", "--merge", "sum, last, min or max");
	if (core_count == 0 || channel_count == 0)
		return options_complain("ringload", core_count ? "--series" : "--cores",
					"at least 1");
	return tool_finish(run(weights, merge));
}

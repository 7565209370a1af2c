/* SPDX-License-Identifier: MIT */
/*
 * ringstat tail: the samples themselves, as they come. Each poll takes a batch from
 * every core and prints the batches merged by timestamp, so that cores interleave;
 * what one core wrote always stays in its order.
 */
#include <inttypes.h>
#include <ring/record.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "ringstat.h"
#include "series.h"
#include "stop.h"
#include "target.h"
#include "text.h"
#include "tool.h"

#define TAIL_BATCH          512u                     /* samples per core and poll */
#define TAIL_PERIOD_NS      (10 * UINT64_C(1000000)) /* between polls that find nothing */
#define TAIL_LOSS_PERIOD_NS TOOL_SECOND_NS /* at most one message about loss in that time */
#define TAIL_EVERY_CORE     UINT64_MAX

static const char *dir;
static const char *metric_name;
static uint64_t only_core = TAIL_EVERY_CORE;
static uint64_t sample_count;
static bool from_start;
static bool as_json;

static const struct option_def options[] = {
	{.name = "dir", .argument = "DIR", .help = "the segment directory", .text = &dir},
	{.name = "core",
	 .argument = "N",
	 .help = "only that core's samples",
	 .number = &only_core,
	 .number_max = RING_CORES_MAX - 1},
	{.name = "metric", .argument = "NAME", .help = "only that metric", .text = &metric_name},
	{.name = "count",
	 .argument = "N",
	 .help = "end after that many samples (0: when stopped)",
	 .number = &sample_count,
	 .number_max = UINT64_MAX},
	{.name = "from-start", .help = "begin with the oldest sample", .flag = &from_start},
	{.name = "json", .help = "print one JSON object a line", .flag = &as_json},
	{0},
};

struct tail_core {
	uint32_t core;
	size_t next; /* first sample not printed yet */
	size_t count;
	struct ring_sample samples[TAIL_BATCH];
};

struct tail {
	const char *operand;
	struct ring_reader *reader;
	struct tail_core *cores;
	uint32_t core_count;
	uint64_t printed;
	uint64_t passed; /* dropped before the first one that is to be printed */
	uint64_t lost_said;
	uint64_t lost_said_ns;
};

static bool is_full(const struct tail *tail)
{
	return sample_count != 0 && tail->printed == sample_count;
}

static enum ring_verdict sum_dropped(const struct tail *tail, uint64_t *dropped)
{
	struct ring_account account;

	*dropped = 0;
	for (uint32_t i = 0; i < tail->core_count; i++) {
		const enum ring_verdict verdict = ring_reader_account(
			tail->reader, tail->cores[i].core, &account);
		if (verdict != RING_SOUND)
			return verdict;
		*dropped += account.dropped;
	}
	return RING_SOUND;
}

/* Sets the cursors where the user wants to begin. */
static enum ring_verdict tail_begin(struct tail *tail)
{
	struct ring_account account;

	for (uint32_t i = 0; i < tail->core_count && !from_start; i++) {
		const uint32_t core = tail->cores[i].core;
		const enum ring_verdict verdict = ring_reader_account(tail->reader, core, &account);
		if (verdict != RING_SOUND)
			return verdict;
		ring_reader_skip_to(tail->reader, core, account.written);
	}
	const enum ring_verdict verdict = sum_dropped(tail, &tail->passed);
	if (verdict == RING_SOUND && from_start && tail->passed > 0)
		tool_message(tail->operand, "%" PRIu64 " older samples are overwritten",
			     tail->passed);
	return verdict;
}

/* Says how many samples came too late for us, but not at every poll. */
static enum ring_verdict report_loss(struct tail *tail, bool at_end)
{
	const uint64_t now_ns = tool_monotonic_ns();
	uint64_t dropped;
	const enum ring_verdict verdict = sum_dropped(tail, &dropped);

	if (verdict != RING_SOUND)
		return verdict;
	const uint64_t lost = dropped - tail->passed;
	if (lost == tail->lost_said ||
	    (!at_end && now_ns - tail->lost_said_ns < TAIL_LOSS_PERIOD_NS))
		return RING_SOUND;
	fflush(stdout);
	tool_message(tail->operand,
		     "%" PRIu64 " samples lost so far, overwritten before they were read", lost);
	tail->lost_said = lost;
	tail->lost_said_ns = now_ns;
	return RING_SOUND;
}

/* NULL: nobody knows. Of a series that was forgotten it is known still, unlike its labels. */
static const struct ring_metric_info *metric_of(const struct tail *tail,
						const struct ring_sample *sample)
{
	int index = ring_reader_series_of(tail->reader, sample);

	if (index < 0 && ring_reader_is_history(tail->reader, sample))
		index = ring_reader_series_at(tail->reader, ring_sample_cell(sample));
	return index < 0 ? NULL : series_metric(tail->reader, (uint32_t)index);
}

static bool is_wanted(const struct tail *tail, const struct ring_sample *sample)
{
	if (!metric_name)
		return true;
	const struct ring_metric_info *metric = metric_of(tail, sample);
	return metric && text_equal(metric->name, metric_name);
}

static json_t *value_of(const struct ring_metric_info *metric, const struct ring_sample *sample)
{
	if (!metric)
		return json_null();
	if (metric->kind == RING_COUNTER)
		return document_total(sample->value);
	if (metric->kind == RING_STATESET)
		return document_text(series_state(metric, sample->value));
	return document_double(ring_double_of(sample->value));
}

static void print_json_sample(const struct tail *tail, uint32_t core,
			      const struct ring_sample *sample)
{
	const struct ring_metric_info *metric = metric_of(tail, sample);
	const int index = ring_reader_series_of(tail->reader, sample);
	json_t *object = json_object();

	json_object_set_new(object, "core", json_integer(core));
	json_object_set_new(object, "timestamp_ns", document_total(sample->timestamp_ns));
	json_object_set_new(object, "metric", metric ? document_text(metric->name) : json_null());
	json_object_set_new(object, "labels",
			    index >= 0 ? series_labels(tail->reader, (uint32_t)index)
				       : json_null());
	json_object_set_new(object, "value", value_of(metric, sample));
	json_object_set_new(object, "tag", json_integer(ring_sample_tag(sample)));
	document_print_line(object);
}

static void print_sample(const struct tail *tail, uint32_t core, const struct ring_sample *sample)
{
	const uint64_t ns = sample->timestamp_ns;
	const struct ring_metric_info *metric = metric_of(tail, sample);
	const int index = ring_reader_series_of(tail->reader, sample);
	json_t *value = value_of(metric, sample);

	printf("%" PRIu32 " %" PRIu64 ".%09" PRIu64 " ", core, ns / TOOL_SECOND_NS,
	       ns % TOOL_SECOND_NS);
	if (index >= 0)
		series_print(stdout, tail->reader, (uint32_t)index);
	else if (metric)
		printf("%.*s{forgotten}", (int)metric->name.bytes, metric->name.data);
	else
		printf("unknown_series_%#" PRIx64, sample->key);
	putchar(' ');
	document_print_scalar(stdout, value);
	printf(" %u\n", ring_sample_tag(sample));
	json_decref(value);
}

/* The core whose next sample is the oldest; NULL when all batches are used up. */
static struct tail_core *oldest_core(const struct tail *tail)
{
	struct tail_core *oldest = NULL;

	for (uint32_t i = 0; i < tail->core_count; i++) {
		struct tail_core *core = &tail->cores[i];
		if (core->next < core->count &&
		    (!oldest || core->samples[core->next].timestamp_ns <
					oldest->samples[oldest->next].timestamp_ns))
			oldest = core;
	}
	return oldest;
}

static void print_batches(struct tail *tail)
{
	struct tail_core *core;

	while (!is_full(tail) && (core = oldest_core(tail))) {
		const struct ring_sample *sample = &core->samples[core->next++];
		if (!is_wanted(tail, sample))
			continue;
		if (as_json)
			print_json_sample(tail, core->core, sample);
		else
			print_sample(tail, core->core, sample);
		tail->printed++;
	}
	fflush(stdout);
}

/* Takes and prints a batch from every core; `*taken` samples altogether. Returns a verdict. */
static enum ring_verdict tail_poll(struct tail *tail, size_t *taken)
{
	enum ring_verdict verdict = RING_SOUND;

	*taken = 0;
	for (uint32_t i = 0; i < tail->core_count && verdict == RING_SOUND; i++) {
		struct tail_core *core = &tail->cores[i];
		core->next = 0;
		verdict = ring_reader_drain(tail->reader, core->core, core->samples, TAIL_BATCH,
					    &core->count);
		*taken += core->count;
	}
	/* After the samples, so that the series of each of them is known by now. */
	if (verdict == RING_SOUND)
		verdict = ring_reader_refresh(tail->reader);
	print_batches(tail);
	return verdict == RING_SOUND ? report_loss(tail, false) : verdict;
}

static enum ring_verdict tail_follow(struct tail *tail)
{
	enum ring_verdict verdict = tail_begin(tail);

	while (verdict == RING_SOUND && !is_full(tail) && !ferror(stdout)) {
		/* Before the poll: an owner that was dead by then has written nothing since. */
		const bool alive = ring_reader_owner_alive(tail->reader);
		size_t taken;
		verdict = tail_poll(tail, &taken);
		if (verdict != RING_SOUND || (taken == 0 && !alive) ||
		    stop_wait(taken == 0 ? TAIL_PERIOD_NS : 0))
			break;
	}
	return verdict == RING_SOUND ? report_loss(tail, true) : verdict;
}

/* Makes room for the cores that are asked for. Returns whether there are any. */
static bool choose_cores(struct tail *tail)
{
	const uint32_t count = ring_reader_header(tail->reader)->core_count;

	if (only_core != TAIL_EVERY_CORE && only_core >= count)
		return false;
	tail->core_count = only_core == TAIL_EVERY_CORE ? count : 1;
	tail->cores = tool_alloc(tail->core_count, sizeof *tail->cores);
	for (uint32_t i = 0; i < tail->core_count; i++)
		tail->cores[i].core = only_core == TAIL_EVERY_CORE ? i : (uint32_t)only_core;
	return true;
}

static int run(char **operands)
{
	struct tail tail = {.operand = operands[0]};
	int result = target_open(&tail.reader, dir, tail.operand);

	if (result)
		return target_complain_at(dir, tail.operand, result);
	if (!choose_cores(&tail)) {
		ring_reader_close(tail.reader);
		return options_complain("ringstat tail", "--core", "the segment has fewer cores");
	}
	stop_prepare();
	result = (int)tail_follow(&tail);
	free(tail.cores);
	ring_reader_close(tail.reader);
	return result == RING_SOUND ? TOOL_OK : target_complain(tail.operand, result);
}

const struct ringstat_command ringstat_tail = {
	.name = "tail",
	.operands = "SEGMENT",
	.summary =
		"Prints samples as they come, until the owner is gone: core, time, series, value "
		"(of counters this core's total), tag",
	.options = options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};

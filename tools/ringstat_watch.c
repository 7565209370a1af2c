/* SPDX-License-Identifier: MIT */
/*
 * ringstat watch: rates, from two looks at the running totals. On a terminal each block
 * takes the place of the one before. When the producer comes back with a new file of
 * the same name, the totals of the two files are never compared.
 */
#include <fcntl.h>
#include <math.h>
#include <ring/record.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "document.h"
#include "owner.h"
#include "ringstat.h"
#include "series.h"
#include "stop.h"
#include "target.h"
#include "text.h"
#include "tool.h"

static const char *dir;
static double interval_seconds = 1;
static uint64_t block_count;

static const struct option_def options[] = {
	{.name = "dir", .argument = "DIR", .help = "the segment directory", .text = &dir},
	{.name = "interval",
	 .argument = "S",
	 .help = "seconds between two looks (1)",
	 .seconds = &interval_seconds},
	{.name = "count",
	 .argument = "N",
	 .help = "end after that many blocks (0: when stopped)",
	 .number = &block_count,
	 .number_max = UINT64_MAX},
	{0},
};

/* What stood in the segment at one time. */
struct look {
	uint64_t time_ns; /* 0: no look yet */
	uint64_t owners;
	uint32_t core_count;
	uint32_t series_count;
	uint64_t *written; /* by core */
	uint64_t *values;  /* by series: total, observations, or the first cell of a gauge or state
			      set */
};

struct watch {
	const char *operand;
	char path[RING_PATH_BYTES];
	struct ring_reader *reader;
	struct look before;
	const char *note; /* what happened since the last block; NULL: nothing */
};

static void look_clear(struct look *look)
{
	free(look->written);
	free(look->values);
	*look = (struct look){0};
}

static enum ring_verdict look_take(struct look *look, struct ring_reader *reader)
{
	enum ring_verdict verdict = ring_reader_refresh(reader);
	uint64_t cells[RING_SERIES_CELLS_MAX];
	struct ring_account account = {0};

	look->time_ns = tool_monotonic_ns();
	look->owners = owner_count(reader);
	look->core_count = ring_reader_header(reader)->core_count;
	look->series_count = ring_reader_series_count(reader);
	look->written = tool_alloc(look->core_count, sizeof *look->written);
	look->values = tool_alloc(look->series_count, sizeof *look->values);
	for (uint32_t i = 0; i < look->core_count && verdict == RING_SOUND; i++) {
		verdict = ring_reader_account(reader, i, &account);
		look->written[i] = account.written;
	}
	for (uint32_t i = 0; i < look->series_count && verdict == RING_SOUND; i++) {
		const struct ring_metric_info *metric = series_metric(reader, i);
		verdict = series_read(reader, i, 0, look->core_count, cells);
		look->values[i] = metric->kind == RING_HISTOGRAM
					  ? series_observations(metric, cells)
					  : cells[0];
	}
	return verdict;
}

/* Per second, to one decimal; null without a look before to compare with. The difference is
 * taken in 64 bits, so that a total which wraps gives the right rate. */
static json_t *rate_between(const struct look *before, const struct look *now, uint64_t from,
			    uint64_t to)
{
	const double seconds = (double)(now->time_ns - before->time_ns) / (double)TOOL_SECOND_NS;

	if (before->time_ns == 0 || now->time_ns == before->time_ns)
		return json_null();
	return json_real(round((double)(to - from) / seconds * 10) / 10);
}

static json_t *core_rows(const struct look *before, const struct look *now)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < now->core_count; i++) {
		const uint64_t from = before->time_ns ? before->written[i] : 0;
		json_t *row = json_object();
		json_object_set_new(row, "core", json_integer(i));
		json_object_set_new(row, "written", document_total(now->written[i]));
		json_object_set_new(row, "per_second",
				    rate_between(before, now, from, now->written[i]));
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *value_of(const struct ring_metric_info *metric, uint64_t value)
{
	if (ring_kind_is_total(metric->kind))
		return document_total(value);
	if (metric->kind == RING_STATESET)
		return document_text(series_state(metric, value));
	return value == RING_GAUGE_UNSET ? json_null() : document_double(ring_double_of(value));
}

static void add_rate(json_t *row, const struct ring_metric_info *metric, const struct look *before,
		     const struct look *now, uint32_t index)
{
	const uint64_t value = now->values[index];
	/* A series that was not there before started from zero. Totals never change hands. */
	const uint64_t from = index < before->series_count ? before->values[index] : 0;

	json_object_set_new(row, "value", value_of(metric, value));
	json_object_set_new(row, "per_second",
			    ring_kind_is_total(metric->kind)
				    ? rate_between(before, now, from, value)
				    : json_null());
}

static json_t *series_rows(const struct ring_reader *reader, const struct look *before,
			   const struct look *now)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < now->series_count; i++) {
		if (ring_reader_series(reader, i)->gone)
			continue;
		json_t *row = json_object();
		json_object_set_new(row, "series", series_title(reader, i));
		add_rate(row, series_metric(reader, i), before, now, i);
		json_array_append_new(rows, row);
	}
	return rows;
}

static void print_block(FILE *out, const struct watch *watch, const struct look *now)
{
	json_t *cores = core_rows(&watch->before, now);
	json_t *series = series_rows(watch->reader, &watch->before, now);

	text_print(out, text_of(watch->operand));
	fprintf(out, ": %s", owner_state(watch->reader));
	if (watch->note)
		fprintf(out, "; %s", watch->note);
	fputs("\n\n", out);
	document_print_table(out, cores);
	fputc('\n', out);
	document_print_table(out, series);
	json_decref(cores);
	json_decref(series);
}

/* Keeps as many lines as the window has, less the one that the cursor ends on. */
static void clip_to_window(char *block)
{
	struct winsize window;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row < 2)
		return;
	for (int lines = 1; (block = strchr(block, '\n')); lines++, block++) {
		if (lines == window.ws_row - 1) {
			block[1] = '\0';
			return;
		}
	}
}

static void put_block(char *block)
{
	if (isatty(STDOUT_FILENO)) {
		clip_to_window(block);
		/* Home and clear below; long lines are cut, not folded, while the block is put. */
		printf("\033[H\033[J\033[?7l%s\033[?7h", block);
	} else {
		printf("%s\n", block);
	}
	fflush(stdout);
}

/* The file that the name stands for now, if it is another one. */
static void follow_name(struct watch *watch)
{
	struct ring_reader *reader;

	watch->note = NULL;
	if (ring_reader_is_current(watch->reader, AT_FDCWD, watch->path))
		return;
	const int result = ring_reader_open(&reader, AT_FDCWD, watch->path);
	if (result) {
		watch->note = target_reason(result);
		return;
	}
	ring_reader_close(watch->reader);
	watch->reader = reader;
	look_clear(&watch->before);
	watch->note = "a new file has the name, attached to it";
}

/* Looks, and prints a block if asked to. Returns a verdict. */
static enum ring_verdict watch_step(struct watch *watch, bool prints)
{
	struct look now = {0};
	const enum ring_verdict verdict = look_take(&now, watch->reader);
	char *block;
	size_t bytes;

	if (verdict != RING_SOUND) {
		look_clear(&now);
		return verdict;
	}
	if (watch->before.time_ns && now.owners != watch->before.owners)
		watch->note = "a new owner goes on with the file";
	if (prints) {
		FILE *out = tool_open_text(&block, &bytes);
		print_block(out, watch, &now);
		fclose(out);
		put_block(block);
		free(block);
	}
	look_clear(&watch->before);
	watch->before = now;
	return RING_SOUND;
}

static int watch_run(struct watch *watch)
{
	const uint64_t interval_ns = (uint64_t)(interval_seconds * (double)TOOL_SECOND_NS);
	enum ring_verdict verdict = watch_step(watch, false);
	uint64_t next_ns = tool_monotonic_ns();

	for (uint64_t block = 0; verdict == RING_SOUND && (!block_count || block < block_count);
	     block++) {
		const uint64_t now_ns = tool_monotonic_ns();
		next_ns += interval_ns;
		if (stop_wait(next_ns > now_ns ? next_ns - now_ns : 0))
			return TOOL_OK;
		follow_name(watch);
		verdict = watch_step(watch, true);
		if (ferror(stdout))
			return TOOL_OK; /* tool_finish says so */
	}
	return verdict == RING_SOUND ? TOOL_OK : target_complain(watch->operand, (int)verdict);
}

static int run(char **operands)
{
	struct watch watch = {.operand = operands[0]};
	int result = target_path(dir, watch.operand, watch.path);

	if (result == 0)
		result = ring_reader_open(&watch.reader, AT_FDCWD, watch.path);
	if (result)
		return target_complain_at(dir, watch.operand, result);
	stop_prepare();
	result = watch_run(&watch);
	look_clear(&watch.before);
	ring_reader_close(watch.reader);
	return result;
}

const struct ringstat_command ringstat_watch = {
	.name = "watch",
	.operands = "SEGMENT",
	.summary = "Shows rates per core and series, again and again",
	.options = options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};

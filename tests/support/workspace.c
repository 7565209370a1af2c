/* SPDX-License-Identifier: MIT */
#include "workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const double bounds[] = {0.001, 0.01, 0.1};

const struct ring_metric_def workspace_metrics[WORKSPACE_METRICS] = {
	{
		.name = "test_packets_total",
		.help = "Packets.",
		.kind = RING_COUNTER,
		.label_keys = {"channel"},
		.series_max = 3,
	},
	{
		.name = "test_level",
		.help = "A level.",
		.kind = RING_GAUGE,
		.merge = RING_LAST,
		.label_keys = {"channel"},
		.series_max = 3,
	},
	{
		.name = "test_latency_seconds",
		.help = "Latency.",
		.unit = "seconds",
		.kind = RING_HISTOGRAM,
		.label_keys = {"channel"},
		.bounds = bounds,
		.bound_count = 3,
		.series_max = 3,
	},
	{.name = "test_depth", .help = "Depth.", .kind = RING_GAUGE, .merge = RING_MAX},
};

int workspace_make(void **state)
{
	char path[] = "/dev/shm/ring-test-XXXXXX";

	*state = mkdtemp(path) ? strdup(path) : NULL;
	return *state ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

int workspace_remove(void **state)
{
	const int result = nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return result;
}

unsigned workspace_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	for (struct dirent *entry; (entry = readdir(dir));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

struct ring_options workspace_options(const char *dir, const char *name)
{
	return (struct ring_options){
		.name = name,
		.dir = dir,
		.core_count = 2,
		.slot_count = 8,
		.burst_max = 2,
		.metrics = workspace_metrics,
		.metric_count = WORKSPACE_METRICS,
	};
}

struct ring_segment *workspace_segment(const struct ring_options *options)
{
	struct ring_segment *segment;

	if (ring_segment_create(&segment, options) != 0)
		fail_msg("create: %s", ring_error());
	return segment;
}

struct ring_reader *workspace_reader(const struct ring_segment *segment)
{
	struct ring_reader *reader = NULL;

	assert_int_equal(ring_reader_open(&reader, AT_FDCWD, ring_segment_path(segment)), 0);
	return reader;
}

struct ring_counter workspace_packets(struct ring_segment *segment, const char *channel)
{
	return ring_counter_resolve(segment, "test_packets_total", RING_LABELS(channel));
}

void workspace_record(struct ring_segment *segment, uint64_t n)
{
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	struct ring_histogram latency = ring_histogram_resolve(segment, "test_latency_seconds",
							       RING_LABELS("a"));

	ring_counter_add(writer, workspace_packets(segment, "a"), n);
	ring_gauge_set(writer, ring_gauge_resolve(segment, "test_depth", NULL), 5);
	ring_histogram_observe(writer, latency, 0.5);
	ring_writer_release(writer);
}

static int text_is(struct ring_text text, const char *expected)
{
	return text.bytes == strlen(expected) && memcmp(text.data, expected, text.bytes) == 0;
}

uint64_t workspace_value(struct ring_reader *reader, const char *metric, const char *label,
			 uint32_t cell)
{
	uint64_t sum[RING_SERIES_CELLS_MAX], cells[RING_BOUNDS_MAX + 2];

	assert_int_equal(ring_reader_refresh(reader), RING_SOUND);
	for (uint32_t i = 0; i < ring_reader_series_count(reader); i++) {
		const struct ring_series_info *series = ring_reader_series(reader, i);
		const struct ring_metric_info *info = ring_reader_metric(reader, series->metric);
		struct ring_text labels = series->labels, value = {"", 0};
		ring_label_next(&labels, &value);
		if (!text_is(info->name, metric) || !text_is(value, label))
			continue;
		ring_cells_clear(info, sum);
		for (uint32_t core = 0; core < ring_reader_header(reader)->core_count; core++) {
			assert_int_equal(ring_reader_tallies(reader, core, series->cell,
							     info->series_cells, cells),
					 RING_SOUND);
			ring_cells_merge(info, sum, cells);
		}
		return sum[cell];
	}
	return UINT64_MAX;
}

void workspace_cool_down(unsigned ms)
{
	const struct timespec pause = {.tv_nsec = (ms + 1) * 1000000L};

	nanosleep(&pause, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Many threads resolve, record and forget while others read. Every value says which name it was
 * recorded for, so that a reader who sees it under another one notices; and every thread counts
 * what it has recorded.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "workspace.h"

#define PLANES  4u
#define READERS 2u
#define BUDGET  8u   /* of either metric; less than the planes would like to have */
#define HELD    4u   /* gauges that a plane has at a time */
#define NAMES   500u /* of counters, for each plane */
#define ROUNDS  150000u

static const struct ring_metric_def metrics[] = {
	{.name = "queue_messages",
	 .help = "Messages.",
	 .kind = RING_GAUGE,
	 .merge = RING_MAX,
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

struct scene {
	struct ring_segment *segment;
	unsigned planes_left; /* atomic */
};

struct plane {
	struct scene *scene;
	unsigned number;
	pthread_t thread;
	uint64_t counted;
};

struct reading {
	struct scene *scene;
	pthread_t thread;
	uint64_t names_seen, hands_changed, samples_seen;
	const char *broken;
};

/* Names are the number in letters of different lengths, so that labels move within the heap. */
static void name_of(uint64_t number, char name[64])
{
	snprintf(name, 64, "%llu%.*s", (unsigned long long)number, (int)(number % 29),
		 "-----------------------------");
}

static void *run_plane(void *argument)
{
	struct plane *plane = argument;
	struct ring_segment *segment = plane->scene->segment;
	struct ring_writer *writer = ring_writer_claim(segment, plane->number);
	char held[HELD][64] = {""}, name[64];

	for (uint64_t round = 1; round <= ROUNDS; round++) {
		const uint64_t number = round * PLANES + plane->number;
		char *place = held[round % HELD];
		ring_tick(writer);
		if (place[0])
			ring_series_forget(segment, "queue_messages", RING_LABELS(place));
		name_of(number, place);
		ring_gauge_set(writer,
			       ring_gauge_resolve(segment, "queue_messages", RING_LABELS(place)),
			       (double)number);
		name_of(number % (NAMES * PLANES), name);
		ring_counter_add(
			writer,
			ring_counter_resolve(segment, "queue_sent_total", RING_LABELS(name)),
			round);
		plane->counted += round;
	}
	ring_writer_release(writer);
	/* Release, to run_reader: what was counted is there to be read. */
	__atomic_sub_fetch(&plane->scene->planes_left, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Whether the value may stand under these labels. */
static bool is_theirs(const struct ring_series_info *series, uint64_t bits)
{
	struct ring_text labels = series->labels, value;
	char name[64];

	if (series->overflow || bits == RING_GAUGE_UNSET)
		return true;
	name_of((uint64_t)ring_double_of(bits), name);
	return ring_label_next(&labels, &value) && value.bytes == strlen(name) &&
	       memcmp(value.data, name, value.bytes) == 0;
}

/* Looks at every gauge, and that there are no more than the budget has room for. */
static void read_gauges(struct reading *reading, struct ring_reader *reader)
{
	uint32_t named[2] = {0, 0};

	for (uint32_t i = 0; i < ring_reader_series_count(reader); i++) {
		const struct ring_series_info *series = ring_reader_series(reader, i);
		named[series->metric] += !series->gone && !series->overflow;
		if (series->metric != 0 || series->gone)
			continue;
		for (uint32_t core = 0; core < PLANES; core++) {
			uint64_t cells[2];
			if (ring_reader_gather(reader, core, &i, 1, cells) != RING_SOUND)
				reading->broken = "cells can be read";
			else if (!is_theirs(series, cells[0]))
				reading->broken = "a value stands under its own name";
			reading->names_seen += cells[0] != RING_GAUGE_UNSET;
		}
	}
	if (named[0] > BUDGET || named[1] > BUDGET)
		reading->broken = "a budget holds";
}

static void read_samples(struct reading *reading, struct ring_reader *reader, uint32_t core)
{
	struct ring_sample samples[16];
	size_t count;

	if (ring_reader_drain(reader, core, samples, 16, &count) != RING_SOUND)
		reading->broken = "a ring can be read";
	for (size_t i = 0; i < count && !reading->broken; i++) {
		const int index = ring_reader_series_of(reader, &samples[i]);
		if (index < 0)
			continue;
		const struct ring_series_info *series = ring_reader_series(reader, (uint32_t)index);
		if (series->metric == 0 && !is_theirs(series, samples[i].value))
			reading->broken = "a sample is of the series that had its name";
		reading->samples_seen++;
	}
}

static void *run_reader(void *argument)
{
	struct reading *reading = argument;
	struct ring_reader *reader = workspace_reader(reading->scene->segment);
	uint64_t changes = 0, looks = 0;

	/* Acquire, from run_plane. */
	while (__atomic_load_n(&reading->scene->planes_left, __ATOMIC_ACQUIRE) > 0 &&
	       !reading->broken) {
		struct ring_usage usage;
		if (ring_reader_refresh(reader) != RING_SOUND)
			reading->broken = "a segment is sound while its series change hands";
		else if (ring_reader_usage(reader, 0, &usage) != RING_SOUND)
			reading->broken = "usage is sound";
		reading->hands_changed += ring_reader_changes(reader) != changes;
		changes = ring_reader_changes(reader);
		/* Without another look at whose they are; sometimes for longer than the cool-down.
		 */
		for (unsigned i = 0; i < (looks % 2 == 0 ? 2000 : 4) && !reading->broken; i++)
			read_gauges(reading, reader);
		looks++;
		for (uint32_t core = 0; core < PLANES; core++)
			read_samples(reading, reader, core);
	}
	ring_reader_close(reader);
	return NULL;
}

static uint64_t sum_of_counters(struct ring_segment *segment)
{
	struct ring_reader *reader = workspace_reader(segment);
	uint64_t sum = 0, cell;

	for (uint32_t i = 0; i < ring_reader_series_count(reader); i++)
		for (uint32_t core = 0; core < PLANES; core++)
			if (ring_reader_series(reader, i)->metric == 1 &&
			    ring_reader_gather(reader, core, &i, 1, &cell) == RING_SOUND)
				sum += cell;
	ring_reader_close(reader);
	return sum;
}

static void X10_readers_never_see_a_value_under_another_s_name_nor_more_than_the_budget(
	void **state)
{
	const struct ring_options options = {
		.name = "hands",
		.dir = *state,
		.core_count = PLANES,
		.slot_count = 64,
		.cool_down_ms = 1,
		.metrics = metrics,
		.metric_count = 2,
	};
	struct scene scene = {workspace_segment(&options), PLANES};
	struct plane planes[PLANES];
	struct reading readings[READERS];
	uint64_t counted = 0;

	for (unsigned i = 0; i < READERS; i++) {
		readings[i] = (struct reading){.scene = &scene};
		pthread_create(&readings[i].thread, NULL, run_reader, &readings[i]);
	}
	for (unsigned i = 0; i < PLANES; i++) {
		planes[i] = (struct plane){.scene = &scene, .number = i};
		pthread_create(&planes[i].thread, NULL, run_plane, &planes[i]);
	}
	for (unsigned i = 0; i < PLANES; i++) {
		pthread_join(planes[i].thread, NULL);
		counted += planes[i].counted;
	}
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(readings[i].thread, NULL);
		print_message("# %llu values, %llu samples, %llu looks that found changes\n",
			      (unsigned long long)readings[i].names_seen,
			      (unsigned long long)readings[i].samples_seen,
			      (unsigned long long)readings[i].hands_changed);
		if (readings[i].broken)
			fail_msg("broken: %s", readings[i].broken);
		assert_true(readings[i].names_seen > 0 && readings[i].hands_changed > 10);
	}
	assert_int_equal(sum_of_counters(scene.segment), counted);
	ring_segment_close(scene.segment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			X10_readers_never_see_a_value_under_another_s_name_nor_more_than_the_budget,
			workspace_make, workspace_remove),
	};
	return cmocka_run_group_tests_name("hands", tests, NULL, NULL);
}

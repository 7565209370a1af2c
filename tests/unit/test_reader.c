/* SPDX-License-Identifier: MIT */
/*
 * What a reader makes of a sample's key, and the tallies it copies for many series at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "workspace.h"

#define UNTOUCHED 0x5eed

struct bench {
	struct ring_segment *segment;
	struct ring_counter counter;
	struct ring_histogram histogram;
	struct ring_gauge gauge;
	struct ring_counter last;   /* its cell is the last of all */
	struct ring_reader *reader; /* knows these four */
};

static struct bench bench_open(void **state)
{
	static const double bounds[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
	/* Together what two spare series have room for. */
	static const struct ring_metric_def late[] = {
		{.name = "test_wide",
		 .help = "Wide.",
		 .kind = RING_HISTOGRAM,
		 .bounds = bounds,
		 .bound_count = 13},
		{.name = "test_last_total", .help = "Last.", .kind = RING_COUNTER},
	};
	struct ring_options options = workspace_options(*state, "bench");
	struct bench bench;

	options.series_spare = 2;
	bench.segment = workspace_segment(&options);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ring_metric_define(bench.segment, &late[i]), 0);
	bench.counter = workspace_packets(bench.segment, "a");
	bench.histogram = ring_histogram_resolve(bench.segment, "test_latency_seconds",
						 RING_LABELS("a"));
	bench.gauge = ring_gauge_resolve(bench.segment, "test_depth", NULL);
	bench.last = ring_counter_resolve(bench.segment, "test_last_total", NULL);
	assert_int_equal((int32_t)(uint32_t)bench.last.key, -1);
	bench.reader = workspace_reader(bench.segment);
	assert_int_equal(ring_reader_series_count(bench.reader), 4);
	return bench;
}

static void bench_close(struct bench *bench)
{
	ring_reader_close(bench->reader);
	ring_segment_close(bench->segment);
}

static int series_of(const struct bench *bench, uint64_t key)
{
	const struct ring_sample sample = {.key = key};
	int series = UNTOUCHED;

	ring_reader_resolve(bench->reader, &sample, 1, &series);
	assert_int_equal(ring_reader_series_of(bench->reader, &sample), series);
	return series;
}

static void key_of_a_handle_leads_to_its_series(void **state)
{
	struct bench bench = bench_open(state);
	const uint64_t keys[] = {bench.counter.key, bench.histogram.key, bench.gauge.key,
				 bench.last.key};

	for (int i = 0; i < 4; i++) {
		assert_int_equal(series_of(&bench, keys[i]), i);
		assert_int_equal(series_of(&bench, ring_key_tagged(keys[i], 0xffff)), i);
		assert_int_equal(ring_reader_series_at(bench.reader, (int32_t)(uint32_t)keys[i]),
				 i);
	}
	bench_close(&bench);
}

static void cell_that_begins_no_series_leads_to_none(void **state)
{
	struct bench bench = bench_open(state);
	const int32_t capacity = (int32_t)ring_reader_header(bench.reader)->cell_capacity;
	const int32_t latency = (int32_t)(uint32_t)bench.histogram.key;
	const int32_t cells[] = {
		0,           1,
		-2,          INT32_MIN,
		INT32_MAX,   capacity,
		-capacity,   -capacity - 1,
		latency - 1, latency + 1,
		latency + 4, (int32_t)(uint32_t)workspace_packets(bench.segment, "new").key,
	};

	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		assert_int_equal(ring_reader_series_at(bench.reader, cells[i]), -1);
		assert_int_equal(series_of(&bench, (uint32_t)cells[i]), -1);
		assert_int_equal(series_of(&bench, UINT64_C(2) << 32 | (uint32_t)cells[i]), -1);
	}
	bench_close(&bench);
}

static void key_of_another_generation_leads_to_no_series(void **state)
{
	struct bench bench = bench_open(state);

	for (unsigned bit = 32; bit < 48; bit++)
		assert_int_equal(series_of(&bench, bench.histogram.key ^ UINT64_C(1) << bit), -1);
	bench_close(&bench);
}

static void reader_without_series_finds_none(void **state)
{
	const struct ring_options options = workspace_options(*state, "empty");
	struct bench bench = {.segment = workspace_segment(&options)};

	bench.reader = workspace_reader(bench.segment);
	assert_int_equal(ring_reader_series_count(bench.reader), 0);
	assert_int_equal(series_of(&bench, workspace_packets(bench.segment, "a").key), -1);
	assert_int_equal(series_of(&bench, 0), -1);
	bench_close(&bench);
}

static void batch_is_resolved_to_what_each_sample_is_resolved_to(void **state)
{
	struct bench bench = bench_open(state);
	const uint64_t keys[] = {bench.gauge.key, 0, bench.counter.key, bench.histogram.key + 1,
				 bench.histogram.key};
	const int expected[] = {2, -1, 0, -1, 1};
	struct ring_sample samples[67];
	int series[68];

	for (size_t count = 0; count <= 67; count++) {
		for (size_t i = 0; i < 68; i++)
			series[i] = UNTOUCHED;
		for (size_t i = 0; i < count; i++)
			samples[i] = (struct ring_sample){.key = keys[i % 5]};
		ring_reader_resolve(bench.reader, samples, count, series);
		for (size_t i = 0; i < 68; i++)
			assert_int_equal(series[i], i < count ? expected[i % 5] : UNTOUCHED);
	}
	bench_close(&bench);
}

static void gathered_cells_are_those_of_the_series_in_order_on_that_core(void **state)
{
	struct bench bench = bench_open(state);
	static const uint32_t wanted[] = {2, 0, 1, 0};
	const struct ring_metric_info *histogram = ring_reader_metric(bench.reader, 2);
	uint64_t cells[16];

	for (unsigned core = 0; core < 2; core++) {
		struct ring_writer *writer = ring_writer_claim(bench.segment, core);
		ring_tick_at(writer, 70 + core);
		ring_counter_add(writer, bench.counter, 10 + core);
		ring_gauge_set(writer, bench.gauge, 20 + core);
		ring_histogram_observe(writer, bench.histogram, 0.01 + core);
	}
	assert_int_equal(histogram->series_cells, 5);
	for (unsigned core = 0; core < 2; core++) {
		const uint64_t expected[] = {ring_bits_of(20 + core),
					     70 + core,
					     10 + core,
					     ring_bits_of(0.01 + core),
					     0,
					     core == 0,
					     0,
					     core == 1,
					     10 + core,
					     UNTOUCHED};
		cells[9] = UNTOUCHED;
		assert_int_equal(ring_reader_gather(bench.reader, core, wanted, 4, cells),
				 RING_SOUND);
		assert_memory_equal(cells, expected, sizeof expected);
	}
	cells[0] = UNTOUCHED;
	assert_int_equal(ring_reader_gather(bench.reader, 1, wanted, 0, cells), RING_SOUND);
	assert_int_equal(cells[0], UNTOUCHED);
	bench_close(&bench);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(key_of_a_handle_leads_to_its_series),
		TEST(cell_that_begins_no_series_leads_to_none),
		TEST(key_of_another_generation_leads_to_no_series),
		TEST(reader_without_series_finds_none),
		TEST(batch_is_resolved_to_what_each_sample_is_resolved_to),
		TEST(gathered_cells_are_those_of_the_series_in_order_on_that_core),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}

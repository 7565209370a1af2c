/* SPDX-License-Identifier: MIT */
/*
 * Recording and draining in one process: what a data-plane core writes is what a reader gets,
 * and what a full ring loses is counted.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "workspace.h"

struct bench {
	struct ring_segment *segment;
	struct ring_writer *writer;
	struct ring_reader *reader;
	struct ring_counter packets;
};

static struct bench bench_open(void **state, unsigned slot_count, unsigned burst_max)
{
	struct ring_options options = workspace_options(*state, "bench");
	struct bench bench;

	options.slot_count = slot_count;
	options.burst_max = burst_max;
	bench.segment = workspace_segment(&options);
	bench.writer = ring_writer_claim(bench.segment, 0);
	bench.packets = ring_counter_resolve(bench.segment, "test_packets_total", RING_LABELS("a"));
	bench.reader = workspace_reader(bench.segment);
	assert_true(ring_writer_is_live(bench.writer));
	assert_int_not_equal(bench.packets.key, 0);
	return bench;
}

static void bench_close(struct bench *bench)
{
	ring_reader_close(bench->reader);
	ring_segment_close(bench->segment);
}

static size_t drain(struct bench *bench, struct ring_sample *samples, size_t max)
{
	size_t count;

	assert_int_equal(ring_reader_drain(bench->reader, 0, samples, max, &count), RING_SOUND);
	return count;
}

static struct ring_account account_of(struct bench *bench)
{
	struct ring_account account;

	assert_int_equal(ring_reader_account(bench->reader, 0, &account), RING_SOUND);
	assert_int_equal(account.written, account.drained + account.dropped + account.pending);
	return account;
}

static void T2_sample_carries_series_time_and_value_of_each_kind(void **state)
{
	struct bench bench = bench_open(state, 8, 1);
	struct ring_gauge level = ring_gauge_resolve(bench.segment, "test_level", RING_LABELS("a"));
	struct ring_histogram latency = ring_histogram_resolve(
		bench.segment, "test_latency_seconds", RING_LABELS("a"));
	struct ring_sample samples[8];

	ring_tick_at(bench.writer, 100);
	ring_counter_add(bench.writer, bench.packets, 3);
	ring_tick_at(bench.writer, 200);
	ring_gauge_set(bench.writer, level, -2.5);
	ring_histogram_observe(bench.writer, latency, 0.05);
	ring_counter_add(bench.writer, bench.packets, 4);
	assert_int_equal(drain(&bench, samples, 8), 4);
	assert_int_equal(samples[0].timestamp_ns, 100);
	assert_int_equal(samples[0].value, 3);
	assert_int_equal(samples[1].timestamp_ns, 200);
	assert_true(ring_double_of(samples[1].value) == -2.5);
	assert_true(ring_double_of(samples[2].value) == 0.05);
	assert_int_equal(samples[3].value, 7); /* the running total, not the increment */
	assert_int_equal(samples[0].key, samples[3].key);
	assert_int_not_equal(ring_sample_cell(&samples[0]), ring_sample_cell(&samples[1]));
	assert_int_equal(ring_reader_refresh(bench.reader), RING_SOUND);
	for (int i = 0; i < 4; i++)
		assert_in_range(ring_reader_series_of(bench.reader, &samples[i]), 0, INT32_MAX);
	bench_close(&bench);
}

static void T3_capacity_is_rounded_up_to_a_power_of_two(void **state)
{
	const unsigned asked[] = {2, 3, 5, 8, 1000, 1025}, given[] = {2, 4, 8, 8, 1024, 2048};

	for (int i = 0; i < 6; i++) {
		struct bench bench = bench_open(state, asked[i], 1);
		assert_int_equal(ring_reader_header(bench.reader)->slot_count, given[i]);
		bench_close(&bench);
	}
}

static void T4_full_ring_drops_oldest_and_counts(void **state)
{
	struct bench bench = bench_open(state, 8, 2);
	struct ring_sample samples[8];

	for (int i = 0; i < 20; i++)
		ring_counter_add(bench.writer, bench.packets, 1);
	assert_int_equal(account_of(&bench).pending, 20);
	/* Of 8 slots the burst's 2 may be in the making. */
	assert_int_equal(drain(&bench, samples, 8), 6);
	for (uint64_t i = 0; i < 6; i++)
		assert_int_equal(samples[i].value, 15 + i);
	const struct ring_account account = account_of(&bench);
	assert_int_equal(account.written, 20);
	assert_int_equal(account.drained, 6);
	assert_int_equal(account.dropped, 14);
	bench_close(&bench);
}

static void T5_drain_takes_all_and_an_empty_drain_returns_none(void **state)
{
	struct bench bench = bench_open(state, 8, 1);
	struct ring_sample samples[8];

	assert_int_equal(drain(&bench, samples, 8), 0);
	for (int i = 0; i < 5; i++)
		ring_counter_add(bench.writer, bench.packets, 1);
	assert_int_equal(drain(&bench, samples, 2), 2);
	assert_int_equal(drain(&bench, samples, 8), 3);
	assert_int_equal(samples[2].value, 5);
	assert_int_equal(drain(&bench, samples, 8), 0);
	bench_close(&bench);
}

static void totals_are_exact_although_the_ring_overflowed_many_times(void **state)
{
	struct bench bench = bench_open(state, 4, 2);
	struct ring_gauge level = ring_gauge_resolve(bench.segment, "test_level", RING_LABELS("a"));
	struct ring_histogram latency = ring_histogram_resolve(
		bench.segment, "test_latency_seconds", RING_LABELS("a"));

	for (int i = 0; i < 1000; i++) {
		ring_counter_add(bench.writer, bench.packets, 7);
		ring_gauge_set(bench.writer, level, i);
		ring_histogram_observe(bench.writer, latency, 0.001 * (i % 4));
	}
	assert_int_equal(workspace_value(bench.reader, "test_packets_total", "a", 0), 7000);
	assert_true(ring_double_of(workspace_value(bench.reader, "test_level", "a", 0)) == 999);
	/* Upper bounds are inclusive: 0 and 0.001 lie in the first bucket. */
	assert_int_equal(workspace_value(bench.reader, "test_latency_seconds", "a", 1), 500);
	assert_int_equal(workspace_value(bench.reader, "test_latency_seconds", "a", 2), 500);
	assert_int_equal(workspace_value(bench.reader, "test_latency_seconds", "a", 3), 0);
	bench_close(&bench);
}

static void histogram_counts_each_value_into_the_bucket_of_its_upper_bound(void **state)
{
	struct bench bench = bench_open(state, 8, 1);
	struct ring_histogram latency = ring_histogram_resolve(
		bench.segment, "test_latency_seconds", RING_LABELS("a"));
	const double values[] = {-1, 0.001, 0.00100001, 0.01, 0.1, 0.100001, 1e300};
	const uint64_t counts[] = {2, 2, 1, 2};

	for (int i = 0; i < 7; i++)
		ring_histogram_observe(bench.writer, latency, values[i]);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(workspace_value(bench.reader, "test_latency_seconds", "a", 1 + i),
				 counts[i]);
	bench_close(&bench);
}

static void no_number_is_counted_in_the_last_bucket(void **state)
{
	struct bench bench = bench_open(state, 8, 1);
	struct ring_histogram latency = ring_histogram_resolve(
		bench.segment, "test_latency_seconds", RING_LABELS("a"));

	ring_histogram_observe(bench.writer, latency, __builtin_nan(""));
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(workspace_value(bench.reader, "test_latency_seconds", "a", 1 + i),
				 i == 3);
	bench_close(&bench);
}

static void R3_gauge_holds_every_double_up_to_one_below_the_mark_of_never_set(void **state)
{
	struct bench bench = bench_open(state, 8, 1);
	struct ring_gauge depth = ring_gauge_resolve(bench.segment, "test_depth", NULL);
	const double values[] = {0.25, 1.7976931348623157e308, __builtin_inf(), __builtin_nan(""),
				 ring_double_of(RING_GAUGE_UNSET - 1)};

	for (int i = 0; i < 5; i++) {
		ring_gauge_set(bench.writer, depth, values[i]);
		assert_int_equal(workspace_value(bench.reader, "test_depth", "", 0),
				 ring_bits_of(values[i]));
	}
	ring_gauge_set(bench.writer, depth, ring_double_of(RING_GAUGE_UNSET));
	assert_int_equal(workspace_value(bench.reader, "test_depth", "", 0), RING_GAUGE_UNSET);
	bench_close(&bench);
}

/* At the same offset in their pages, each record would wait for the one before. */
static void writer_stands_away_from_the_position_it_stores_to(void **state)
{
	struct bench bench = bench_open(state, 8, 1);
	const uintptr_t distance = (uintptr_t)bench.writer -
				   (uintptr_t)&ring_writer_core(bench.writer)->write_pos;

	assert_in_range(distance % 4096, 512, 4096 - 512);
	bench_close(&bench);
}

/* What decides where a record goes is not in the file, where others could change it. */
static void writer_stands_in_memory_of_its_own(void **state)
{
	struct bench bench = bench_open(state, 8, 1);
	const struct ring_header *header = ring_reader_header(bench.reader);
	const off_t page = (off_t)(header->cores_offset + header->control_offset +
				   RING_PRIVATE_OFFSET);
	static const uint8_t zeros[RING_PAGE];
	uint8_t bytes[RING_PAGE];

	ring_counter_add(bench.writer, bench.packets, 1);
	const int fd = open(ring_segment_path(bench.segment), O_RDONLY);
	assert_int_equal(pread(fd, bytes, sizeof bytes, page), sizeof bytes);
	close(fd);
	assert_memory_equal(bytes, zeros, sizeof bytes);
	bench_close(&bench);
}

static void gauge_add_starts_from_zero_and_keeps_its_own_core(void **state)
{
	struct bench bench = bench_open(state, 8, 1);
	struct ring_writer *other = ring_writer_claim(bench.segment, 1);
	struct ring_gauge depth = ring_gauge_resolve(bench.segment, "test_depth", NULL);

	assert_int_equal(workspace_value(bench.reader, "test_depth", "", 0), RING_GAUGE_UNSET);
	ring_gauge_add(bench.writer, depth, 5);
	ring_gauge_add(bench.writer, depth, -2);
	ring_gauge_add(other, depth, 1);
	/* merged by the maximum */
	assert_true(ring_double_of(workspace_value(bench.reader, "test_depth", "", 0)) == 3);
	bench_close(&bench);
}

static void burst_becomes_visible_at_its_end_or_when_it_is_full(void **state)
{
	struct bench bench = bench_open(state, 16, 4);

	ring_burst_begin(bench.writer);
	for (uint64_t i = 1; i <= 6; i++) {
		ring_counter_add(bench.writer, bench.packets, 1);
		assert_int_equal(account_of(&bench).written, i < 4 ? 0 : 4);
		/* Tallies do not wait. */
		assert_int_equal(workspace_value(bench.reader, "test_packets_total", "a", 0), i);
	}
	ring_burst_end(bench.writer);
	assert_int_equal(account_of(&bench).written, 6);
	ring_counter_add(bench.writer, bench.packets, 1);
	assert_int_equal(account_of(&bench).written, 7);
	bench_close(&bench);
}

static void burst_max_is_rounded_down_to_a_power_of_two_and_never_exceeded(void **state)
{
	const unsigned asked[] = {1, 3, 5, 7, 31, 32}, given[] = {1, 2, 4, 4, 16, 32};

	for (int i = 0; i < 6; i++) {
		struct bench bench = bench_open(state, 64, asked[i]);
		const uint64_t before = account_of(&bench).written;
		uint64_t unpublished_max = 0;
		assert_int_equal(ring_reader_header(bench.reader)->burst_max, given[i]);
		ring_burst_begin(bench.writer);
		for (uint64_t recorded = before + 1; recorded <= before + 100; recorded++) {
			ring_counter_add(bench.writer, bench.packets, 1);
			const uint64_t unpublished = recorded - account_of(&bench).written;
			if (unpublished > unpublished_max)
				unpublished_max = unpublished;
		}
		/* The one that makes a burst full publishes it. */
		assert_int_equal(unpublished_max, given[i] - 1);
		bench_close(&bench);
	}
}

static void released_burst_becomes_visible_too(void **state)
{
	struct bench bench = bench_open(state, 16, 4);

	ring_burst_begin(bench.writer);
	ring_counter_add(bench.writer, bench.packets, 1);
	ring_writer_release(bench.writer);
	assert_int_equal(account_of(&bench).written, 1);
	bench_close(&bench);
}

static void tag_travels_with_the_sample_and_changes_no_series(void **state)
{
	struct bench bench = bench_open(state, 8, 1);
	struct ring_counter tagged = bench.packets;
	struct ring_sample samples[2];

	tagged.key = ring_key_tagged(tagged.key, 0xbeef);
	ring_counter_add(bench.writer, bench.packets, 1);
	ring_counter_add(bench.writer, tagged, 1);
	assert_int_equal(drain(&bench, samples, 2), 2);
	assert_int_equal(ring_sample_tag(&samples[0]), 0);
	assert_int_equal(ring_sample_tag(&samples[1]), 0xbeef);
	assert_int_equal(ring_reader_series_of(bench.reader, &samples[0]),
			 ring_reader_series_of(bench.reader, &samples[1]));
	assert_in_range(ring_reader_series_of(bench.reader, &samples[1]), 0, INT32_MAX);
	assert_int_equal(samples[1].value, 2);
	bench_close(&bench);
}

static void record_everything(struct ring_writer *writer)
{
	static const double one = 1;

	ring_tick(writer);
	ring_burst_begin(writer);
	ring_counter_add(writer, (struct ring_counter){0}, 1);
	ring_gauge_set(writer, (struct ring_gauge){0}, 1);
	ring_gauge_add(writer, (struct ring_gauge){0}, 1);
	ring_histogram_observe(writer, (struct ring_histogram){.bounds = &one}, 1);
	ring_burst_end(writer);
}

static void zero_handle_records_nothing(void **state)
{
	struct bench bench = bench_open(state, 8, 1);

	record_everything(bench.writer);
	assert_int_equal(account_of(&bench).written, 0);
	bench_close(&bench);
}

static void noop_writer_records_nothing(void **state)
{
	struct bench bench = bench_open(state, 8, 1);
	struct ring_writer *second = ring_writer_claim(bench.segment, 0);

	assert_false(ring_writer_is_live(second));
	record_everything(second);
	ring_counter_add(second, bench.packets, 1);
	ring_writer_release(second);
	assert_int_equal(account_of(&bench).written, 0);
	assert_int_equal(workspace_value(bench.reader, "test_packets_total", "a", 0), 0);
	bench_close(&bench);
}

static void handle_of_a_larger_segment_records_nothing(void **state)
{
	struct bench bench = bench_open(state, 8, 1);
	const uint32_t capacity = ring_reader_header(bench.reader)->cell_capacity;
	/* The first cell of a segment with one cell more. */
	const struct ring_counter foreign = {.key = (uint32_t)(1 - (capacity + 1))};

	ring_counter_add(bench.writer, foreign, 1);
	assert_int_equal(account_of(&bench).written, 0);
	bench_close(&bench);
}

static void T1_second_claim_of_a_ring_is_refused_and_counted(void **state)
{
	struct bench bench = bench_open(state, 8, 1);

	assert_false(ring_writer_is_live(ring_writer_claim(bench.segment, 0)));
	assert_non_null(strstr(ring_error(), "has a writer"));
	assert_true(ring_writer_is_live(ring_writer_claim(bench.segment, RING_CORE_ANY)));
	assert_false(ring_writer_is_live(ring_writer_claim(bench.segment, RING_CORE_ANY)));
	assert_false(ring_writer_is_live(ring_writer_claim(bench.segment, 2)));
	assert_int_equal(ring_reader_refresh(bench.reader), RING_SOUND);
	assert_int_equal(ring_reader_header(bench.reader)->claims_refused.bits, 3);
	bench_close(&bench);
}

static void *record_in_thread(void *argument)
{
	struct bench *bench = argument;
	struct ring_writer *writer = ring_writer_claim(bench->segment, 1);

	for (int i = 0; i < 10; i++)
		ring_counter_add(writer, bench->packets, 1);
	return ring_writer_is_live(writer) ? bench : NULL;
}

static void claim_ends_with_its_thread_and_totals_go_on(void **state)
{
	struct bench bench = bench_open(state, 8, 1);

	for (int i = 0; i < 3; i++) {
		pthread_t thread;
		void *lived;
		assert_int_equal(pthread_create(&thread, NULL, record_in_thread, &bench), 0);
		assert_int_equal(pthread_join(thread, &lived), 0);
		assert_non_null(lived);
	}
	assert_int_equal(workspace_value(bench.reader, "test_packets_total", "a", 0), 30);
	bench_close(&bench);
}

static void released_ring_can_be_claimed_again(void **state)
{
	struct bench bench = bench_open(state, 8, 1);

	ring_counter_add(bench.writer, bench.packets, 1);
	ring_writer_release(bench.writer);
	assert_false(ring_writer_is_live(bench.writer));
	bench.writer = ring_writer_claim(bench.segment, 0);
	ring_counter_add(bench.writer, bench.packets, 1);
	assert_int_equal(account_of(&bench).written, 2);
	assert_int_equal(workspace_value(bench.reader, "test_packets_total", "a", 0), 2);
	bench_close(&bench);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, workspace_make, workspace_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(T1_second_claim_of_a_ring_is_refused_and_counted),
		TEST(T2_sample_carries_series_time_and_value_of_each_kind),
		TEST(T3_capacity_is_rounded_up_to_a_power_of_two),
		TEST(T4_full_ring_drops_oldest_and_counts),
		TEST(T5_drain_takes_all_and_an_empty_drain_returns_none),
		TEST(totals_are_exact_although_the_ring_overflowed_many_times),
		TEST(histogram_counts_each_value_into_the_bucket_of_its_upper_bound),
		TEST(no_number_is_counted_in_the_last_bucket),
		TEST(R3_gauge_holds_every_double_up_to_one_below_the_mark_of_never_set),
		TEST(writer_stands_away_from_the_position_it_stores_to),
		TEST(writer_stands_in_memory_of_its_own),
		TEST(gauge_add_starts_from_zero_and_keeps_its_own_core),
		TEST(burst_becomes_visible_at_its_end_or_when_it_is_full),
		TEST(burst_max_is_rounded_down_to_a_power_of_two_and_never_exceeded),
		TEST(released_burst_becomes_visible_too),
		TEST(tag_travels_with_the_sample_and_changes_no_series),
		TEST(zero_handle_records_nothing),
		TEST(noop_writer_records_nothing),
		TEST(handle_of_a_larger_segment_records_nothing),
		TEST(claim_ends_with_its_thread_and_totals_go_on),
		TEST(released_ring_can_be_claimed_again),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * How much a pass does: it reads the tallies that samples speak of and combines the series whose
 * tallies have changed, whatever there is besides. Doing more would give the same page. The build
 * has the linker lead the calls that are counted here by way of __wrap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drain/drain.h"
#include "following.h"
#include "workspace.h"

#define SERIES_COUNT 200u /* several of SOURCE_BLOCK */
#define CORE_COUNT   2u
#define SLOT_COUNT   512u

enum ring_verdict __real_ring_reader_gather(struct ring_reader *reader, uint32_t core,
					    const uint32_t *series, uint32_t count,
					    uint64_t *cells);
enum ring_verdict __wrap_ring_reader_gather(struct ring_reader *reader, uint32_t core,
					    const uint32_t *series, uint32_t count,
					    uint64_t *cells);
void __real_ring_cells_clear(const struct ring_metric_info *metric, uint64_t *cells);
void __wrap_ring_cells_clear(const struct ring_metric_info *metric, uint64_t *cells);

static unsigned read_count;    /* tallies of a series on a core */
static unsigned combine_count; /* series, each begun by a clear */

enum ring_verdict __wrap_ring_reader_gather(struct ring_reader *reader, uint32_t core,
					    const uint32_t *series, uint32_t count, uint64_t *cells)
{
	read_count += count;
	return __real_ring_reader_gather(reader, core, series, count, cells);
}

void __wrap_ring_cells_clear(const struct ring_metric_info *metric, uint64_t *cells)
{
	combine_count++;
	__real_ring_cells_clear(metric, cells);
}

struct workload {
	struct following *following;
	struct ring_segment *segment;
	struct ring_writer *writers[CORE_COUNT];
	struct ring_counter counters[SERIES_COUNT];
};

/* Lets a pass and a view do their work, which must be this much. */
static void expect_work(struct workload *workload, unsigned reads, unsigned combines)
{
	struct source *source = following_source(workload->following, "seg");
	uint64_t fill_ns = DRAIN_INTERVAL_NS_MAX;
	struct catalog *catalog;
	const uint64_t *cells;

	read_count = 0;
	combine_count = 0;
	assert_int_equal(drain_source(source, DRAIN_INTERVAL_NS_MAX, &fill_ns), 0);
	assert_int_equal(read_count, reads);
	assert_int_equal(aggregate_changed(workload->following->aggregate), combines > 0);
	assert_int_equal(aggregate_view(workload->following->aggregate, &catalog, &cells), 0);
	assert_int_equal(combine_count, combines);
	/* A mark left behind would be looked at again in each pass. */
	for (uint32_t i = 0; i <= source->series_count / SOURCE_BLOCK; i++)
		assert_int_equal(source->touched_blocks[i], 0);
}

static void add(struct workload *workload, uint32_t core, unsigned series)
{
	ring_counter_add(workload->writers[core], workload->counters[series], 1);
}

static void begin(struct workload *workload, struct following *following)
{
	static const struct ring_metric_def metric = {
		.kind = RING_COUNTER,
		.name = "test_many_total",
		.help = "Many.",
		.label_keys = {"channel"},
		.series_max = SERIES_COUNT,
	};
	struct ring_options options = workspace_options(following->dir, "seg");
	char channel[16];

	options.metrics = &metric;
	options.metric_count = 1;
	options.core_count = CORE_COUNT;
	options.slot_count = SLOT_COUNT;
	workload->following = following;
	workload->segment = workspace_segment(&options);
	for (uint32_t core = 0; core < CORE_COUNT; core++)
		workload->writers[core] = ring_writer_claim(workload->segment, core);
	for (unsigned i = 0; i < SERIES_COUNT; i++) {
		snprintf(channel, sizeof channel, "%u", i);
		workload->counters[i] = ring_counter_resolve(workload->segment, metric.name,
							     RING_LABELS(channel));
	}
	following_step(following);
	const unsigned series_count = following_source(following, "seg")->series_count;
	assert_in_range(series_count, SERIES_COUNT, SERIES_COUNT + 1); /* the overflow series */
	expect_work(workload, 0, series_count);
}

static void pass_without_samples_reads_nothing(void **state)
{
	struct workload workload;

	begin(&workload, *state);
	expect_work(&workload, 0, 0);
	ring_segment_close(workload.segment);
}

static void pass_reads_each_series_touched_once_and_the_next_not_at_all(void **state)
{
	struct workload workload;

	begin(&workload, *state);
	for (unsigned i = 0; i < 10; i++) {
		add(&workload, 0, 0);
		add(&workload, 0, 63);
		add(&workload, 0, 64);
		add(&workload, 0, SERIES_COUNT - 1);
	}
	expect_work(&workload, 4, 4);
	expect_work(&workload, 0, 0);
	add(&workload, 0, 65); /* beside one that was read */
	expect_work(&workload, 1, 1);
	ring_segment_close(workload.segment);
}

static void each_core_is_read_for_its_own_samples(void **state)
{
	struct workload workload;

	begin(&workload, *state);
	add(&workload, 0, 1);
	add(&workload, 0, 2);
	add(&workload, 1, 2);
	expect_work(&workload, 3, 2);
	ring_segment_close(workload.segment);
}

static void samples_that_changed_no_tally_are_read_and_not_combined(void **state)
{
	struct workload workload;

	begin(&workload, *state);
	ring_counter_add(workload.writers[0], workload.counters[5], 0);
	expect_work(&workload, 1, 0);
	ring_segment_close(workload.segment);
}

static void loss_costs_one_reading_of_all_and_only_then(void **state)
{
	struct workload workload;

	begin(&workload, *state);
	for (unsigned i = 0; i < 2 * SLOT_COUNT; i++)
		add(&workload, 0, 7);
	expect_work(&workload, following_source(*state, "seg")->series_count, 1);
	expect_work(&workload, 0, 0);
	add(&workload, 0, 8);
	expect_work(&workload, 1, 1);
	ring_segment_close(workload.segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, following_make, following_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pass_without_samples_reads_nothing),
		TEST(pass_reads_each_series_touched_once_and_the_next_not_at_all),
		TEST(each_core_is_read_for_its_own_samples),
		TEST(samples_that_changed_no_tally_are_read_and_not_combined),
		TEST(loss_costs_one_reading_of_all_and_only_then),
	};

	return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}

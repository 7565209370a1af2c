/* SPDX-License-Identifier: MIT */
/*
 * Adding up one series over cores: each merge rule, in any order.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <ring/read.h>
#include <ring/record.h>

/* Merges gauges set to `values` at `times`, first to last and then last to first, and demands
 * the same of both. */
static double merged(enum ring_merge merge, const double *values, const uint64_t *times, int count)
{
	const struct ring_metric_info metric = {
		.kind = RING_GAUGE, .merge = merge, .series_cells = 2};
	uint64_t forth[2], back[2];

	ring_cells_clear(&metric, forth);
	ring_cells_clear(&metric, back);
	for (int i = 0; i < count; i++) {
		const int j = count - 1 - i;
		ring_cells_merge(&metric, forth, (uint64_t[]){ring_bits_of(values[i]), times[i]});
		ring_cells_merge(&metric, back, (uint64_t[]){ring_bits_of(values[j]), times[j]});
	}
	assert_memory_equal(forth, back, sizeof forth);
	return ring_double_of(forth[0]);
}

static void gauges_merge_by_their_rule(void **state)
{
	const double values[] = {3, -1, 2.5};
	const uint64_t times[] = {20, 30, 10};

	(void)state;
	assert_true(merged(RING_SUM, values, times, 3) == 4.5);
	assert_true(merged(RING_LAST, values, times, 3) == -1);
	assert_true(merged(RING_MIN, values, times, 3) == -1);
	assert_true(merged(RING_MAX, values, times, 3) == 3);
}

static void last_of_equal_times_does_not_depend_on_order(void **state)
{
	(void)state;
	assert_true(merged(RING_LAST, (const double[]){1, 2}, (const uint64_t[]){5, 5}, 2) == 2);
}

static void a_number_comes_before_no_number_in_any_order(void **state)
{
	const double values[] = {NAN, 3, -1};
	const uint64_t times[] = {5, 5, 5};

	(void)state;
	assert_true(merged(RING_MIN, values, times, 3) == -1);
	assert_true(merged(RING_MAX, values, times, 3) == 3);
	assert_true(merged(RING_LAST, values, times, 3) == 3);
}

static void unset_gauge_is_neutral_and_stays_unset_alone(void **state)
{
	const uint64_t unset[] = {RING_GAUGE_UNSET, 9};
	const uint64_t five[] = {ring_bits_of(5), 1};
	uint64_t cells[2];

	(void)state;
	for (enum ring_merge merge = RING_SUM; merge <= RING_MAX; merge++) {
		const struct ring_metric_info metric = {
			.kind = RING_GAUGE, .merge = merge, .series_cells = 2};
		ring_cells_clear(&metric, cells);
		ring_cells_merge(&metric, cells, unset);
		assert_int_equal(cells[0], RING_GAUGE_UNSET);
		ring_cells_merge(&metric, cells, five);
		ring_cells_merge(&metric, cells, unset);
		assert_memory_equal(cells, five, sizeof cells);
	}
	assert_true(isnan(ring_double_of(RING_GAUGE_UNSET)));
	assert_int_not_equal(ring_bits_of(NAN), RING_GAUGE_UNSET);
}

static void counters_add_and_histograms_add_bucket_by_bucket(void **state)
{
	const struct ring_metric_info counter = {.kind = RING_COUNTER, .series_cells = 1};
	const struct ring_metric_info histogram = {
		.kind = RING_HISTOGRAM, .bound_count = 1, .series_cells = 3};
	const uint64_t one[] = {ring_bits_of(0.5), 1, 2}, two[] = {ring_bits_of(0.25), 3, 4};
	uint64_t cells[3];

	(void)state;
	ring_cells_clear(&counter, cells);
	ring_cells_merge(&counter, cells, (const uint64_t[]){40});
	ring_cells_merge(&counter, cells, (const uint64_t[]){2});
	assert_int_equal(cells[0], 42);
	ring_cells_clear(&histogram, cells);
	ring_cells_merge(&histogram, cells, one);
	ring_cells_merge(&histogram, cells, two);
	assert_true(ring_double_of(cells[0]) == 0.75);
	assert_int_equal(cells[1], 4);
	assert_int_equal(cells[2], 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gauges_merge_by_their_rule),
		cmocka_unit_test(last_of_equal_times_does_not_depend_on_order),
		cmocka_unit_test(a_number_comes_before_no_number_in_any_order),
		cmocka_unit_test(unset_gauge_is_neutral_and_stays_unset_alone),
		cmocka_unit_test(counters_add_and_histograms_add_bucket_by_bucket),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}

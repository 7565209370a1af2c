/* SPDX-License-Identifier: MIT */
/*
 * What a filter takes of histograms that are observed: with each series its own observations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregate/account.h"
#include "members.h"
#include "render/subset.h"

#define BUCKETS     3u /* of members_histogram */
#define CORES       3u
#define METRICS     4u
#define VALUES_LAST 7u /* of one series */

/* A counter between two histograms, and one behind them; and each has a series for each core. */
static struct aggregate_member *fill(struct aggregate *aggregate)
{
	static const char *const cores[CORES] = {"0", "1", "2"};
	struct aggregate_member *member;

	aggregate_observe_all(aggregate);
	member = members_join(aggregate, "m", 1, 0, 1);
	members_add_metric(member, members_histogram("a_seconds", "core"));
	members_add_metric(member, members_metric(RING_COUNTER, 0, "b_total", "core", NULL));
	members_add_metric(member, members_histogram("c_seconds", "core"));
	members_add_metric(member, members_metric(RING_COUNTER, 0, "d_total", "core", NULL));
	for (uint32_t metric = 0; metric < METRICS; metric++)
		for (uint32_t core = 0; core < CORES; core++)
			members_add_series(member, metric, cores[core], NULL);
	return member;
}

/* Observes more and more of more and more, so that no two series are alike. */
static void observe(struct aggregate_member *member)
{
	double value = 0.001;

	for (uint32_t series = 0; series < METRICS * CORES; series++)
		for (uint32_t i = 0; account_is_kept(member, series) && i <= series % VALUES_LAST;
		     i++)
			assert_true(account_observe(member, series, 0, value *= 1.5, false));
}

static struct snapshot_values view(struct aggregate *aggregate)
{
	struct snapshot_values values;

	assert_int_equal(aggregate_view(aggregate, &values.catalog, &values.cells), 0);
	values.observed = aggregate_observed(aggregate, &values.observed_count);
	return values;
}

/* The words of the histogram of that name and labels; NULL: there is none. */
static const uint64_t *words_of(const struct snapshot_values *values, struct ring_text name,
				const char *labels, size_t *word_count)
{
	const uint64_t *words = values->observed;

	for (size_t i = 0; i < values->catalog->family_count; i++) {
		const struct catalog_family *family = &values->catalog->families[i];
		const bool is_it = family->metric.name.bytes == name.bytes &&
				   memcmp(family->metric.name.data, name.data, name.bytes) == 0;
		if (family->metric.kind != RING_HISTOGRAM)
			continue;
		for (size_t j = 0; j < family->series_count; j++) {
			*word_count = observed_read(words, BUCKETS).word_count;
			if (is_it && strcmp(family->series[j].labels, labels) == 0)
				return words;
			words += *word_count;
		}
	}
	return NULL;
}

/* Returns how many histograms were taken. */
static size_t expect_own_words(const struct snapshot_values *whole,
			       const struct snapshot_values *taken)
{
	size_t histogram_count = 0, sum = 0;

	for (size_t i = 0; i < taken->catalog->family_count; i++) {
		const struct catalog_family *family = &taken->catalog->families[i];
		for (size_t j = 0; j < family->series_count; j++) {
			const char *labels = family->series[j].labels;
			size_t count, taken_count;
			if (family->metric.kind != RING_HISTOGRAM)
				continue;
			const uint64_t *words = words_of(whole, family->metric.name, labels,
							 &count);
			const uint64_t *taken_words = words_of(taken, family->metric.name, labels,
							       &taken_count);
			assert_int_equal(taken_count, count);
			assert_memory_equal(taken_words, words, count * sizeof *words);
			histogram_count++;
			sum += count;
		}
	}
	assert_int_equal(taken->observed_count, sum);
	return histogram_count;
}

static void series_that_are_taken_keep_their_observations(void **state)
{
	static const struct {
		const char *parameters[4]; /* and their values, one after the other */
		size_t histogram_count;
	} filters[] = {
		{{NULL}, 6},
		{{"name[]", "a_seconds"}, 3},
		{{"name[]", "c_seconds"}, 3},
		{{"core", "0"}, 2},
		{{"core", "1"}, 2},
		{{"core", "2", "core", "0"}, 4},
		{{"name[]", "c_seconds", "core", "2"}, 1},
		{{"name[]", "c_seconds_sum", "name[]", "b_total"}, 3},
		{{"name[]", "b_total"}, 0},
		{{"name[]", "none"}, 0},
	};
	struct aggregate_member *member = fill(*state);

	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
		const char *const *parameters = filters[i].parameters;
		struct filter filter = {.bytes = 0};
		struct subset subset = {.of = NULL};
		for (unsigned at = 0; at < 4 && parameters[at]; at += 2)
			assert_int_equal(filter_add(&filter, parameters[at], parameters[at + 1]),
					 FILTER_FINE);
		struct snapshot_values whole = view(*state), taken;
		assert_int_equal(subset_choose(&subset, &filter, whole.catalog, true), 0);
		/* Nothing at first, then more and more, for which the words have to grow. */
		for (unsigned round = 0; round < 4; round++) {
			assert_int_equal(subset_fill(&subset, &whole, &taken), 0);
			assert_int_equal(expect_own_words(&whole, &taken),
					 filters[i].histogram_count);
			observe(member);
			whole = view(*state);
		}
		subset_release(&subset);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(series_that_are_taken_keep_their_observations,
						members_make, members_unmake),
	};

	return cmocka_run_group_tests_name("subset", tests, NULL, NULL);
}

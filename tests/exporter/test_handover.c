/* SPDX-License-Identifier: MIT */
/*
 * Places that change hands in real segments, while an exporter follows them (X10): what it shows,
 * what it makes of samples from before, and what it says of budgets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "drain/drain.h"
#include "drain/usage.h"
#include "members.h"
#include "replicating.h"
#include "workspace.h"

#define BEGIN REPLICATING_BEGIN

static const char *const modes[] = {"idle", "ready", NULL};

static const struct ring_metric_def metrics[] = {
	{
		.name = "depth",
		.help = "Depth.",
		.kind = RING_GAUGE,
		.merge = RING_LAST,
		.label_keys = {"queue"},
		.series_max = 2,
		.overflow_label = "_other",
	},
	{
		.name = "mode",
		.help = "Mode.",
		.kind = RING_STATESET,
		.merge = RING_LAST,
		.label_keys = {"queue"},
		.series_max = 2,
		.states = modes,
	},
	{
		.name = "ops_total",
		.help = "Operations.",
		.kind = RING_COUNTER,
		.label_keys = {"queue", "kind"},
		.series_max = 1,
	},
};

static struct ring_segment *segment_make(const struct following *following, const char *name)
{
	struct ring_options options = workspace_options(following->dir, name);

	options.cool_down_ms = 1;
	options.slot_count = 64;
	options.metrics = metrics;
	options.metric_count = sizeof metrics / sizeof *metrics;
	return workspace_segment(&options);
}

static void set_depth(struct ring_segment *segment, unsigned core, const char *queue, double depth)
{
	struct ring_writer *writer = ring_writer_claim(segment, core);

	assert_true(ring_writer_is_live(writer));
	ring_gauge_set(writer, ring_gauge_resolve(segment, "depth", RING_LABELS(queue)), depth);
	ring_writer_release(writer);
}

/* Until the places that were given up can be others'. */
static void cool_down(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void forget(struct ring_segment *segment, const char *metric, const char *queue)
{
	assert_int_equal(ring_series_forget(segment, metric, RING_LABELS(queue)), 0);
	cool_down();
}

static void look_after(struct following *following)
{
	for (size_t i = 0; i < following->attach.source_count; i++)
		assert_int_equal(drain_look_after(following->attach.sources[i]), 0);
}

static bool is_shown(struct aggregate *aggregate, const char *beginning)
{
	char *page = members_page(aggregate);
	const bool is_there = strstr(page, beginning) != NULL;

	free(page);
	return is_there;
}

static void X10_gauge_that_is_forgotten_is_gone_when_its_segment_is_looked_after(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = segment_make(following, "seg");

	set_depth(segment, 0, "a", 1);
	set_depth(segment, 0, "b", 2);
	following_step(following);
	members_expect(following->aggregate, "depth{queue=\"a\"} 1");
	assert_int_equal(following_source(following, "seg")->named_count, 2);
	forget(segment, "depth", "a");
	look_after(following);
	assert_false(is_shown(following->aggregate, "queue=\"a\""));
	members_expect(following->aggregate, "depth{queue=\"b\"} 2");
	assert_int_equal(following_source(following, "seg")->named_count, 1);
	/* It is nobody's when somebody begins to look, too. */
	assert_int_equal(source_rejoin(following_source(following, "seg"), following->aggregate),
			 0);
	assert_int_equal(following_source(following, "seg")->named_count, 1);
	assert_false(is_shown(following->aggregate, "queue=\"a\""));
	set_depth(segment, 0, "c", 3);
	following_step(following);
	members_expect(following->aggregate, "depth{queue=\"c\"} 3");
	ring_segment_close(segment);
}

static void X10_place_is_another_series_with_its_first_sample(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = segment_make(following, "seg");

	set_depth(segment, 0, "a", 1);
	set_depth(segment, 0, "b", 2);
	following_step(following);
	forget(segment, "depth", "a");
	set_depth(segment, 1, "c", 3);
	following_step(following);
	members_expect(following->aggregate, "depth{queue=\"c\"} 3");
	members_expect(following->aggregate, "depth{queue=\"b\"} 2");
	assert_false(is_shown(following->aggregate, "queue=\"a\""));
	ring_segment_close(segment);
}

static void X10_samples_of_an_earlier_series_are_history_and_not_rejected(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = segment_make(following, "seg");
	struct ring_writer *writer = ring_writer_claim(segment, 1);

	following_step(following);
	set_depth(segment, 0, "a", 1);
	forget(segment, "depth", "a"); /* nobody's when the sample is read */
	following_step(following);
	set_depth(segment, 0, "b", 2);
	forget(segment, "depth", "b");
	set_depth(segment, 0, "c", 3); /* and another's */
	set_depth(segment, 0, "d", 4);
	ring_writer_put(writer, 1, 12345); /* and never anybody's */
	following_step(following);
	members_expect(following->aggregate, "depth{queue=\"c\"} 3");
	members_expect(following->aggregate, "depth{queue=\"d\"} 4");
	const struct source *source = following_source(following, "seg");
	assert_int_equal(source->rings[0].rejected, 0);
	assert_int_equal(source->rings[0].account.drained, 4);
	assert_int_equal(source->rings[1].rejected, 1);
	ring_writer_release(writer);
	ring_segment_close(segment);
}

static void X10_state_sets_change_hands_too(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = segment_make(following, "seg");
	struct ring_writer *writer = ring_writer_claim(segment, 0);

	ring_state_set(writer, ring_state_resolve(segment, "mode", RING_LABELS("a")), 1);
	following_step(following);
	members_expect(following->aggregate, "mode{queue=\"a\",mode=\"ready\"} 1");
	forget(segment, "mode", "a");
	look_after(following);
	assert_false(is_shown(following->aggregate, "mode{"));
	ring_state_set(writer, ring_state_resolve(segment, "mode", RING_LABELS("b")), 1);
	following_step(following);
	members_expect(following->aggregate, "mode{queue=\"b\",mode=\"ready\"} 1");
	assert_false(is_shown(following->aggregate, "queue=\"a\""));
	ring_writer_release(writer);
	ring_segment_close(segment);
}

static void X10_overflow_series_leaves_with_its_last_member(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = segment_make(following, "seg");

	set_depth(segment, 0, "a", 1);
	set_depth(segment, 0, "b", 2);
	set_depth(segment, 0, "c", 3);
	following_step(following);
	members_expect(following->aggregate, "depth{queue=\"_other\"} 3");
	forget(segment, "depth", "c");
	look_after(following);
	assert_false(is_shown(following->aggregate, "_other"));
	members_expect(following->aggregate, "depth{queue=\"b\"} 2");
	ring_segment_close(segment);
}

/* Every value says whose it is. */
static void X10_no_value_is_ever_under_another_name(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = segment_make(following, "seg");
	char name[16], line[64];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "q%u", i);
		set_depth(segment, i % 2, name, i);
		if (i % 3 == 0)
			look_after(following);
		following_step(following);
		snprintf(line, sizeof line, "depth{queue=\"%s\"} %u", name, i);
		members_expect(following->aggregate, line);
		assert_int_equal(aggregate_series_count(following->aggregate), 1);
		forget(segment, "depth", name);
		if (i % 5 == 0) {
			look_after(following);
			assert_false(is_shown(following->aggregate, "depth{"));
		}
	}
	ring_segment_close(segment);
}

static void forget_follower(struct ring_segment *segment, const char *follower)
{
	forget(segment, RING_REPLICATION_SHIPPED, follower);
	forget(segment, RING_REPLICATION_APPLIED, follower);
	forget(segment, RING_REPLICATION_RECORDED_LAG, follower);
}

static void X10_follower_that_is_forgotten_is_followed_no_longer(void **state)
{
	struct following *following = *state;
	struct plane plane = plane_open(following, "seg", 64);

	replicating_begin(following);
	plane_record(&plane, ring_replication_shipped, "f", 9, BEGIN - 5 * S);
	plane_record(&plane, ring_replication_applied, "f", 8, BEGIN - 4 * S);
	replicating_expect(following, "f", 1, -5);
	forget_follower(plane.segment, "f");
	look_after(following);
	replicating_expect_unknown(following, "f");
	assert_int_equal(following->followers.count, 0);
	plane_close(&plane);
}

/* What was last of it is in the tallies alone, which the feeds have taken in before. */
static void X10_follower_that_has_a_place_again_is_known_from_its_tallies(void **state)
{
	struct following *following = *state;
	struct plane plane = plane_open(following, "seg", 8);

	replicating_begin(following);
	plane_record(&plane, ring_replication_shipped, "f", 9, BEGIN - 5 * S);
	plane_record(&plane, ring_replication_applied, "f", 8, BEGIN - 4 * S);
	replicating_expect(following, "f", 1, -5);
	forget_follower(plane.segment, "f");
	look_after(following);
	replicating_expect_unknown(following, "f");
	plane_record(&plane, ring_replication_shipped, "f", 30, BEGIN - 3 * S);
	plane_record(&plane, ring_replication_applied, "f", 30, BEGIN - 2 * S);
	following_drain(following); /* samples of nobody, as far as is known */
	look_after(following);
	replicating_expect(following, "f", 0, 0);
	plane_close(&plane);
}

static void expect_own(struct following *following, const char *line)
{
	struct source *source = following_source(following, "seg");

	assert_int_equal(usage_update(source, following->own), 0);
	members_expect(following->own, line);
}

static void X10_budgets_and_refused_names_are_metrics(void **state)
{
	static const char mode[] = "ring_metric_series{segment=\"seg\",metric=\"mode\"} 0";
	struct following *following = *state;
	struct ring_segment *segment = segment_make(following, "seg");

	following_step(following);
	expect_own(following, mode);
	expect_own(following, "ring_metric_series_limit{segment=\"seg\",metric=\"depth\"} 2");
	expect_own(following,
		   "ring_metric_overflowed_resolutions{segment=\"seg\",metric=\"depth\"} 0");
	set_depth(segment, 0, "a", 1);
	set_depth(segment, 0, "b", 1);
	set_depth(segment, 0, "\"\xff\\", 1);
	ring_counter_resolve(segment, "ops_total", RING_LABELS("a", "get"));
	ring_counter_resolve(segment, "ops_total", RING_LABELS("b", "put"));
	look_after(following);
	expect_own(following, "ring_metric_series{segment=\"seg\",metric=\"depth\"} 2");
	expect_own(following,
		   "ring_metric_overflowed_resolutions{segment=\"seg\",metric=\"depth\"} 1");
	expect_own(following, "ring_metric_refused{segment=\"seg\",metric=\"ops_total\",labels="
			      "\"queue=\\\"b\\\",kind=\\\"put\\\"\"} 1");
	/* Escapes for whoever reads the labels, and then those of the page. */
	expect_own(following, "ring_metric_refused{segment=\"seg\",metric=\"depth\",labels="
			      "\"queue=\\\"\\\\\\\"\xef\xbf\xbd\\\\\\\\\\\"\"} 1");
	forget(segment, "depth", "a");
	look_after(following);
	expect_own(following, "ring_metric_series{segment=\"seg\",metric=\"depth\"} 1");
	/* A metric that comes later has its own. */
	const struct ring_metric_def late = {
		.name = "late", .help = "Late.", .kind = RING_GAUGE, .label_keys = {"x"}};
	assert_int_equal(ring_metric_define(segment, &late), 0);
	look_after(following);
	expect_own(following, "ring_metric_series_limit{segment=\"seg\",metric=\"late\"} 1024");
	source_quarantine(following_source(following, "seg"), RING_TRUNCATED);
	assert_false(is_shown(following->own, "ring_metric_"));
	ring_segment_close(segment);
}

static void X10_no_more_than_a_few_refused_names_are_shown_and_long_ones_end_in_dots(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = segment_make(following, "seg");
	char name[RING_LABEL_VALUE_MAX + 1], line[512];
	int shown = 0;

	set_depth(segment, 0, "a", 1);
	set_depth(segment, 0, "b", 1);
	for (int i = 0; i < 9; i++) {
		memset(name, 'x', sizeof name - 1);
		memcpy(&name[sizeof name - 1], "", 1);
		name[0] = (char)('0' + i);
		ring_gauge_resolve(segment, "depth", RING_LABELS(name));
	}
	following_step(following);
	for (int i = 0; i < 9; i++) {
		/* The key and its quote take seven bytes, the dots three. */
		snprintf(line, sizeof line, "labels=\"queue=\\\"%d%.*s…\"} 1\n", i, 255 - 7 - 3 - 1,
			 name + 1);
		assert_int_equal(usage_update(following_source(following, "seg"), following->own),
				 0);
		shown += is_shown(following->own, line);
	}
	assert_int_equal(shown, RING_REFUSED_MAX);
	ring_segment_close(segment);
}

static void X10_refused_name_is_not_cut_within_a_character_and_two_shown_alike_are_one(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = segment_make(following, "seg");
	char name[RING_LABEL_VALUE_MAX + 1] = "", shown[RING_LABEL_VALUE_MAX + 16];

	for (unsigned i = 0; i < RING_LABEL_VALUE_MAX / 2; i++)
		memcpy(&name[2 * i], "é", 2);
	set_depth(segment, 0, "a", 1);
	set_depth(segment, 0, "b", 1);
	set_depth(segment, 0, name, 1);
	memcpy(&name[RING_LABEL_VALUE_MAX - 3], "xy", 2);
	set_depth(segment, 0, name, 1);
	following_step(following);
	assert_int_equal(usage_update(following_source(following, "seg"), following->own), 0);
	snprintf(shown, sizeof shown, "queue=\\\"%.244s…\"} 1\n", name);
	assert_true(is_shown(following->own, shown));
	ring_segment_close(segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, following_make, following_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(X10_gauge_that_is_forgotten_is_gone_when_its_segment_is_looked_after),
		TEST(X10_place_is_another_series_with_its_first_sample),
		TEST(X10_samples_of_an_earlier_series_are_history_and_not_rejected),
		TEST(X10_state_sets_change_hands_too),
		TEST(X10_overflow_series_leaves_with_its_last_member),
		TEST(X10_no_value_is_ever_under_another_name),
		TEST(X10_follower_that_is_forgotten_is_followed_no_longer),
		TEST(X10_follower_that_has_a_place_again_is_known_from_its_tallies),
		TEST(X10_budgets_and_refused_names_are_metrics),
		TEST(X10_no_more_than_a_few_refused_names_are_shown_and_long_ones_end_in_dots),
		TEST(X10_refused_name_is_not_cut_within_a_character_and_two_shown_alike_are_one),
	};

	return cmocka_run_group_tests_name("handover", tests, NULL, NULL);
}

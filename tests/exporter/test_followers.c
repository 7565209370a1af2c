/* SPDX-License-Identifier: MIT */
/*
 * Whom the monitor watches: names of all kinds, how many there may be, and what is left of those
 * that have gone.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/metric.h>
#include <ring/ring.h>

#include "dice.h"
#include "members.h"
#include "replication/followers.h"

#define S         UINT64_C(1000000000)
#define NAMES_MAX 20000u

struct stage {
	struct followers followers;
	struct aggregate *own;
	struct aggregate *data;
	struct followers_feed feeds[NAMES_MAX];
};

static int stage_make(void **state)
{
	struct stage *stage = calloc(1, sizeof *stage);

	*state = stage;
	if (!stage)
		return -1;
	stage->own = aggregate_create();
	stage->data = aggregate_create();
	stage->followers.now_ns = 1000 * S;
	const int error = followers_create(&stage->followers, &monitor_defaults, stage->own,
					   stage->data);
	stage->followers.now_ns = 1000 * S;
	return error;
}

static int stage_unmake(void **state)
{
	struct stage *stage = *state;

	followers_destroy(&stage->followers);
	aggregate_destroy(stage->own);
	aggregate_destroy(stage->data);
	free(stage);
	return 0;
}

static struct followers_feed join(struct stage *stage, enum lag_kind kind, const char *name,
				  size_t bytes)
{
	char labels[1 + RING_LABEL_VALUE_MAX];

	assert_true(bytes <= RING_LABEL_VALUE_MAX);
	labels[0] = (char)bytes;
	memcpy(labels + 1, name, bytes);
	return followers_join(&stage->followers, kind,
			      (struct ring_text){labels, 1 + (uint32_t)bytes});
}

static struct followers_feed join_number(struct stage *stage, unsigned number)
{
	char name[32];

	return join(stage, LAG_SHIPPED, name, (size_t)snprintf(name, sizeof name, "f%u", number));
}

static void observe(struct stage *stage, struct followers_feed feed, double value, uint64_t time_ns)
{
	followers_observe(&stage->followers, feed, stage, ring_bits_of(value), time_ns);
}

/* A second later, each one having had its turn. */
static void second(struct stage *stage)
{
	stage->followers.now_ns += S;
	for (unsigned i = 0; i < FOLLOWERS_TURNS; i++)
		assert_int_equal(followers_tick(&stage->followers, stage->followers.now_ns), 0);
}

/* How many lines there are on the page that begin so. */
static unsigned lines(struct stage *stage, const char *beginning)
{
	char *page = members_page_of(stage->own, 64u << 20);
	unsigned count = 0;

	for (const char *line = page; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += strncmp(line, beginning, strlen(beginning)) == 0;
	}
	free(page);
	return count;
}

static void expect_line(struct stage *stage, const char *line)
{
	char whole[1024];

	assert_in_range(snprintf(whole, sizeof whole, "%s\n", line), 1, sizeof whole - 1);
	if (lines(stage, whole) != 1)
		fail_msg("missing: %s", line);
}

static void M3_every_name_that_can_be_a_label_has_its_lag(void **state)
{
	static const struct {
		const char *name;
		const char *shown;
	} cases[] = {
		{" ", " "},
		{"a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
		{RING_OVERFLOW_LABEL, RING_OVERFLOW_LABEL},
		{"\xc3\xa9", "\xc3\xa9"},
		{"caf\xe9", "caf\xef\xbf\xbd"},
		{"slow/1", "slow/1"},
	};
	struct stage *stage = *state;
	char line[1024], longest[RING_LABEL_VALUE_MAX + 1] = "";

	memset(longest, 'x', RING_LABEL_VALUE_MAX);
	observe(stage, join(stage, LAG_SHIPPED, longest, RING_LABEL_VALUE_MAX), 99, S);
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
		observe(stage, join(stage, LAG_SHIPPED, cases[i].name, strlen(cases[i].name)),
			i + 1, S);
	observe(stage, join(stage, LAG_SHIPPED, "nul\0", 4), 50, S);
	second(stage);
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(line, sizeof line, "replication_lag_seqno{follower=\"%s\"} %u",
			 cases[i].shown, i + 1);
		expect_line(stage, line);
	}
	expect_line(stage, "replication_lag_seqno{follower=\"nul\xef\xbf\xbd\"} 50");
	snprintf(line, sizeof line, "replication_lag_seqno{follower=\"%s\"} 99", longest);
	expect_line(stage, line);
	expect_line(stage, "replication_records_ignored_total{reason=\"refused\"} 0");
}

static void M2_names_that_cannot_be_watched_are_refused_and_counted(void **state)
{
	struct stage *stage = *state;
	char invalid[RING_LABEL_VALUE_MAX];

	memset(invalid, 0xff, sizeof invalid); /* of three bytes each when they are shown */
	const struct followers_feed nobody[] = {
		join(stage, LAG_SHIPPED, "", 0),
		join(stage, LAG_APPLIED, invalid, sizeof invalid),
		join(stage, LAG_RECORDED, invalid, RING_LABEL_VALUE_MAX / 3 + 1),
	};
	for (unsigned i = 0; i < 3; i++) {
		assert_null(nobody[i].follower);
		observe(stage, nobody[i], 7, S);
		followers_orphan(nobody[i], stage);
		followers_leave(nobody[i], stage);
	}
	observe(stage, join(stage, LAG_SHIPPED, invalid, RING_LABEL_VALUE_MAX / 3), 7, S);
	second(stage);
	assert_int_equal(lines(stage, "replication_lag_seqno{"), 1);
	expect_line(stage, "replication_records_ignored_total{reason=\"refused\"} 3");
}

static void L2_what_nobody_records_any_more_is_forgotten(void **state)
{
	struct stage *stage = *state;
	const struct followers_feed shipped = join(stage, LAG_SHIPPED, "f", 1);
	const struct followers_feed applied = join(stage, LAG_APPLIED, "f", 1);
	const struct followers_feed recorded = join(stage, LAG_RECORDED, "f", 1);

	observe(stage, shipped, 9, S);
	observe(stage, applied, 4, S);
	observe(stage, recorded, 7, 1000 * S);
	second(stage);
	expect_line(stage, "replication_lag_seqno{follower=\"f\"} 5");
	followers_leave(applied, stage);
	second(stage);
	expect_line(stage, "replication_lag_seqno{follower=\"f\"} 9");
	followers_leave(shipped, stage);
	second(stage);
	assert_int_equal(lines(stage, "replication_lag_seqno{"), 0);
	expect_line(stage, "replication_follower_lag_seconds{follower=\"f\"} 7");
	for (unsigned i = 0; i < SEVERITY_COUNT; i++) {
		char line[96];
		snprintf(line, sizeof line,
			 "replication_follower_severity{follower=\"f\",severity=\"%s\"} %d",
			 severity_words[i], i == SEVERITY_WARNING);
		expect_line(stage, line);
	}
	followers_leave(recorded, stage);
	second(stage);
	assert_null(monitor_find(stage->followers.watch.monitor, "f"));
	assert_int_equal(lines(stage, "replication_follower_severity{"), 0);
}

/* Also while somebody still has the series, as all have that use the set. */
static void L2_what_a_process_recorded_goes_with_its_segment(void **state)
{
	struct stage *stage = *state;
	const struct followers_feed shipped = join(stage, LAG_SHIPPED, "f", 1);
	const struct followers_feed applied = join(stage, LAG_APPLIED, "f", 1);
	const struct followers_feed of_another = join(stage, LAG_APPLIED, "f", 1);

	observe(stage, shipped, 9, S);
	followers_observe(&stage->followers, of_another, &of_another, ring_bits_of(4), S);
	second(stage);
	expect_line(stage, "replication_lag_seqno{follower=\"f\"} 5");
	/* It leaves only to join again. */
	followers_leave(of_another, &of_another);
	followers_recall(&stage->followers, join(stage, LAG_APPLIED, "f", 1), &of_another,
			 ring_bits_of(4), S);
	second(stage);
	expect_line(stage, "replication_lag_seqno{follower=\"f\"} 5");
	followers_leave(of_another, &of_another);
	second(stage);
	expect_line(stage, "replication_lag_seqno{follower=\"f\"} 9");
	followers_leave(applied, stage);
	followers_leave(shipped, stage);
	second(stage);
	assert_int_equal(stage->followers.count, 0);
}

/* Or the page would have one line twice, which no Prometheus takes. */
static void names_that_print_alike_are_one_follower(void **state)
{
	struct stage *stage = *state;
	const struct followers_feed one = join(stage, LAG_SHIPPED, "\xfe", 1);
	const struct followers_feed other = join(stage, LAG_SHIPPED, "\xff", 1);

	assert_ptr_equal(one.follower, other.follower);
	observe(stage, one, 5, S);
	observe(stage, other, 6, 2 * S);
	second(stage);
	assert_int_equal(lines(stage, "replication_lag_seqno{"), 1);
	expect_line(stage, "replication_lag_seqno{follower=\"\xef\xbf\xbd\"} 6");
	followers_leave(one, "somebody who has recorded nothing that counts");
	second(stage);
	assert_int_equal(lines(stage, "replication_lag_seqno{"), 1);
	followers_leave(other, stage);
	second(stage);
	assert_int_equal(stage->followers.count, 0);
	assert_int_equal(lines(stage, "replication_lag_seqno{"), 0);
}

static void records_that_are_no_sequence_numbers_are_refused_and_counted(void **state)
{
	struct stage *stage = *state;
	const struct followers_feed feed = join_number(stage, 1);

	observe(stage, feed, -1, 2 * S);
	observe(stage, feed, 0.5, 3 * S);
	second(stage);
	assert_int_equal(lines(stage, "replication_lag_seqno{"), 0);
	observe(stage, feed, 5, 4 * S);
	observe(stage, feed, 4, S / 2);
	second(stage);
	expect_line(stage, "replication_lag_seqno{follower=\"f1\"} 5");
	expect_line(stage, "replication_records_ignored_total{reason=\"refused\"} 2");
	expect_line(stage, "replication_records_ignored_total{reason=\"stale\"} 1");
	/* Counted although the follower is gone. */
	observe(stage, feed, -1, 5 * S);
	followers_leave(feed, stage);
	second(stage);
	expect_line(stage, "replication_records_ignored_total{reason=\"refused\"} 3");
}

static void M3_budget_holds_and_the_first_ones_stay(void **state)
{
	struct stage *stage = *state;

	for (unsigned i = 0; i < NAMES_MAX; i++) {
		stage->feeds[i] = join_number(stage, i);
		assert_int_equal(!stage->feeds[i].follower, i >= MONITOR_NODES_MAX);
		observe(stage, stage->feeds[i], i + 1, S);
	}
	second(stage);
	assert_int_equal(stage->followers.count, MONITOR_NODES_MAX);
	assert_int_equal(lines(stage, "replication_lag_seqno{"), MONITOR_NODES_MAX);
	expect_line(stage, "replication_lag_seqno{follower=\"f0\"} 1");
	expect_line(stage, "replication_lag_seqno{follower=\"f16383\"} 16384");
	expect_line(stage, "replication_records_ignored_total{reason=\"refused\"} 3616");
	assert_non_null(join_number(stage, 0).follower); /* who is known needs no room */
	assert_null(join_number(stage, NAMES_MAX).follower);
	followers_leave(stage->feeds[1], stage);
	second(stage);
	observe(stage, join_number(stage, NAMES_MAX), 7, S);
	second(stage);
	expect_line(stage, "replication_lag_seqno{follower=\"f20000\"} 7");
	assert_int_equal(lines(stage, "replication_lag_seqno{"), MONITOR_NODES_MAX);
}

/* All of them critical, so that the monitor remembers their alerts. */
static void come_and_go(struct stage *stage, unsigned first, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		stage->feeds[i] = join_number(stage, first + i);
		observe(stage, stage->feeds[i], 1, S);
	}
	second(stage);
	assert_int_equal(lines(stage, "replication_lag_seqno{"), count);
	for (unsigned i = 0; i < count; i++)
		followers_leave(stage->feeds[i], stage);
	second(stage);
	assert_int_equal(stage->followers.count, 0);
	assert_int_equal(lines(stage, "replication_follower"),
			 SEVERITY_COUNT); /* replication_followers */
}

static void thousands_that_come_and_go_leave_nothing(void **state)
{
	enum { COUNT = 3000, ROUNDS = 9, FULL = 6 }; /* of nodes that remember alerts */
	struct stage *stage = *state;
	size_t bytes = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		come_and_go(stage, round * COUNT, COUNT);
		if (round == FULL)
			bytes = mallinfo2().uordblks;
	}
	/* A sanitizer says 0. */
	assert_in_range(mallinfo2().uordblks, 0, bytes + bytes / 50);
	expect_line(stage, "replication_alerts_total 27000");
	expect_line(stage, "replication_followers{severity=\"critical\"} 0");
}

static void whoever_has_the_monitor_only_puts_off_the_turns(void **state)
{
	struct stage *stage = *state;
	const uint64_t sequence = stage->followers.watch.sequence;

	observe(stage, join_number(stage, 1), 5, S);
	pthread_mutex_lock(&stage->followers.watch.mutex);
	second(stage);
	assert_int_equal(lines(stage, "replication_"), 0);
	assert_int_equal(stage->followers.watch.sequence, sequence);
	pthread_mutex_unlock(&stage->followers.watch.mutex);
	second(stage);
	expect_line(stage, "replication_lag_seqno{follower=\"f1\"} 5");
	assert_int_equal(stage->followers.watch.sequence, sequence + FOLLOWERS_TURNS);
}

/* After a suspend, or under a debugger, an hour has gone by between two turns. */
static void M4_pause_of_the_exporter_alone_is_no_lag(void **state)
{
	struct stage *stage = *state;
	const struct followers_feed shipped = join(stage, LAG_SHIPPED, "f", 1);
	const struct followers_feed applied = join(stage, LAG_APPLIED, "f", 1);
	uint64_t seqno = 1000;

	for (unsigned i = 0; i < 60; i++) {
		const uint64_t now_ns = stage->followers.now_ns;
		observe(stage, shipped, (double)seqno, now_ns);
		observe(stage, applied, (double)seqno, now_ns);
		second(stage);
		expect_line(stage, "replication_follower_lag_seconds{follower=\"f\"} 0");
		expect_line(stage, "replication_follower_severity{follower=\"f\",severity="
				   "\"normal\"} 1");
		seqno += 1000;
		if (i % 20 == 19)
			stage->followers.now_ns += 3600 * S;
	}
	expect_line(stage, "replication_alerts_total 0");
}

/* Values, times and orders at random: nothing negative, nothing that is no number. */
static void whatever_is_recorded_the_page_is_sound(void **state)
{
	static const double values[] = {0, 1, -1, 0.5, 5, 1000, 9007199254740992.0, 1e300};
	struct stage *stage = *state;
	uint64_t dice = dice_seed();
	unsigned joined = 0;

	for (unsigned i = 0; i < 300; i++)
		stage->feeds[joined++] = join(stage, (enum lag_kind)(i % LAG_KIND_COUNT),
					      (const char *)&(char){(char)('a' + i / 3 % 20)}, 1);
	for (unsigned turn = 0; turn < 200; turn++) {
		for (unsigned i = 0; i < 300; i++) {
			const uint64_t roll = dice_roll(&dice);
			const uint64_t ago_ns = roll % 3 ? roll % (100 * S) : -(roll % S);
			const double value = roll % 16 < 8 ? values[roll % 8] : (double)(roll % 9);
			observe(stage, stage->feeds[roll % joined], value,
				stage->followers.now_ns - ago_ns);
		}
		second(stage);
		const struct monitor_node *node = NULL;
		while ((node = monitor_next(stage->followers.watch.monitor,
					    node ? node->name : NULL)))
			assert_true(node->lag_seconds >= 0 && node->rate >= 0 &&
				    node->predicted_seconds >= 0 &&
				    node->until_critical_seconds >= 0);
	}
	char *page = members_page(stage->own);
	assert_null(strstr(page, "nan"));
	assert_null(strstr(page, "NaN"));
	assert_null(strstr(page, "seconds{follower=\"a\"} -"));
	free(page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_make, stage_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(M3_every_name_that_can_be_a_label_has_its_lag),
		TEST(M2_names_that_cannot_be_watched_are_refused_and_counted),
		TEST(L2_what_nobody_records_any_more_is_forgotten),
		TEST(L2_what_a_process_recorded_goes_with_its_segment),
		TEST(names_that_print_alike_are_one_follower),
		TEST(records_that_are_no_sequence_numbers_are_refused_and_counted),
		TEST(M3_budget_holds_and_the_first_ones_stay),
		TEST(thousands_that_come_and_go_leave_nothing),
		TEST(whoever_has_the_monitor_only_puts_off_the_turns),
		TEST(M4_pause_of_the_exporter_alone_is_no_lag),
		TEST(whatever_is_recorded_the_page_is_sound),
	};

	return cmocka_run_group_tests_name("followers", tests, NULL, NULL);
}

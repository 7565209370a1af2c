/* SPDX-License-Identifier: MIT */
/*
 * What may stand in a directory of segments and what becomes of it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "following.h"
#include "members.h"
#include "workspace.h"

static void path_of(const struct following *following, const char *name, char path[256])
{
	assert_true(snprintf(path, 256, "%s/%s", following->dir, name) < 256);
}

static void copy(const struct following *following, const char *from, const char *to)
{
	char from_path[256], to_path[256], bytes[65536];
	ssize_t count;

	path_of(following, from, from_path);
	path_of(following, to, to_path);
	const int in = open(from_path, O_RDONLY | O_CLOEXEC);
	const int out = open(to_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(in >= 0 && out >= 0);
	while ((count = read(in, bytes, sizeof bytes)) > 0)
		assert_int_equal(write(out, bytes, (size_t)count), count);
	close(in);
	close(out);
}

static void segments_come_live_die_and_come_back(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment;

	following_step(following);
	assert_int_equal(following->attach.source_count, 0);
	segment = following_segment(following, "seg");
	following_step(following);
	following_expect(following, "seg", SOURCE_LIVE, 0);
	ring_segment_close(segment);
	source_check_owner(following_source(following, "seg"));
	following_expect(following, "seg", SOURCE_DEAD, 0);
	segment = following_segment(following, "seg");
	source_check_owner(following_source(following, "seg"));
	following_expect(following, "seg", SOURCE_LIVE, 0);
	ring_segment_close(segment);
}

static void junk_is_quarantined_each_for_its_reason(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "good");
	char path[256];

	path_of(following, "fifo", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	path_of(following, "dir", path);
	assert_int_equal(mkdir(path, 0700), 0);
	path_of(following, "link", path);
	assert_int_equal(symlink("good", path), 0);
	path_of(following, "quote\"line\n\xff", path);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	path_of(following, "empty", path);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	path_of(following, ".making", path);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	path_of(following, "noise", path);
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(posix_fallocate(fd, 0, 8192), 0);
	close(fd);
	following_step(following);
	following_expect(following, "good", SOURCE_LIVE, 0);
	following_expect(following, "fifo", SOURCE_QUARANTINED, RING_NOT_REGULAR);
	following_expect(following, "dir", SOURCE_QUARANTINED, RING_NOT_REGULAR);
	following_expect(following, "link", SOURCE_QUARANTINED, RING_SYMLINK);
	following_expect(following, "quote\"line\n\xff", SOURCE_QUARANTINED, RING_BAD_FILE_NAME);
	following_expect(following, "empty", SOURCE_QUARANTINED, RING_TOO_SHORT);
	following_expect(following, "noise", SOURCE_QUARANTINED, RING_BAD_MAGIC);
	assert_int_equal(following->attach.source_count, 7);
	ring_segment_close(segment);
}

static void truncated_segment_keeps_its_counts_and_comes_back(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	char path[256], aside[256];

	/* Not in main, since cmocka's handlers come after that. */
	assert_int_equal(ring_reader_guard(), 0);
	path_of(following, "seg", path);
	path_of(following, ".aside", aside);
	following_count(segment, "a", 0, 5, 3);
	ring_segment_close(segment);
	following_step(following);
	copy(following, "seg", ".aside");
	assert_int_equal(truncate(path, 4096), 0);
	following_step(following);
	following_expect(following, "seg", SOURCE_QUARANTINED, RING_TRUNCATED);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 15");
	assert_int_equal(rename(aside, path), 0);
	following_step(following);
	following_expect(following, "seg", SOURCE_DEAD, 0);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 15");
	assert_int_equal(following_source(following, "seg")->rings[0].account.drained, 3);
}

static void removed_segment_keeps_its_counts_up_to_the_last_sample(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	char path[256];

	path_of(following, "seg", path);
	following_step(following);
	following_count(segment, "a", 0, 5, 3);
	assert_int_equal(unlink(path), 0);
	following_step(following);
	assert_int_equal(following->attach.source_count, 0);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 15");
	ring_segment_close(segment);
}

static void renamed_segment_is_counted_once(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "old");
	char from[256], to[256];

	path_of(following, "old", from);
	path_of(following, "new", to);
	following_count(segment, "a", 0, 5, 3);
	following_step(following);
	assert_int_equal(rename(from, to), 0);
	following_step(following);
	following_expect(following, "new", SOURCE_LIVE, 0);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 15");
	ring_segment_close(segment);
}

static void copy_is_counted_once_and_the_living_one_counts(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	following_count(segment, "a", 0, 5, 3);
	copy(following, "seg", "copied");
	following_step(following); /* "copied" comes first by name */
	following_expect(following, "copied", SOURCE_QUARANTINED, SOURCE_DUPLICATE);
	following_expect(following, "seg", SOURCE_LIVE, 0);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 15");
	following_step(following);
	following_expect(following, "copied", SOURCE_QUARANTINED, SOURCE_DUPLICATE);
	ring_segment_close(segment);
}

static void copy_of_a_predecessor_is_not_counted(void **state)
{
	struct following *following = *state;
	struct ring_options options = workspace_options(following->dir, "seg");
	struct ring_segment *segment = workspace_segment(&options);

	following_count(segment, "a", 0, 5, 3);
	ring_segment_close(segment);
	copy(following, "seg", "copied");
	following_step(following);
	options.metric_count--;
	segment = workspace_segment(&options);
	following_count(segment, "a", 0, 1, 1);
	following_step(following);
	following_step(following);
	following_expect(following, "copied", SOURCE_QUARANTINED, SOURCE_DUPLICATE);
	following_expect(following, "seg", SOURCE_LIVE, 0);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 16");
	ring_segment_close(segment);
}

/* A segment with a gauge of that name, set to `value`. */
static struct ring_segment *depth_segment(const struct following *following, const char *name,
					  enum ring_merge merge, double value)
{
	const struct ring_metric_def def = {
		.name = "a_depth", .help = "A.", .kind = RING_GAUGE, .merge = merge};
	const struct ring_options options = {.name = name,
					     .dir = following->dir,
					     .core_count = 1,
					     .metrics = &def,
					     .metric_count = 1};
	struct ring_segment *segment = workspace_segment(&options);
	struct ring_writer *writer = ring_writer_claim(segment, 0);

	ring_gauge_set(writer, ring_gauge_resolve(segment, "a_depth", NULL), value);
	ring_writer_release(writer);
	return segment;
}

static uint32_t conflicts(struct following *following, const char *name)
{
	return aggregate_conflict_count(following_source(following, name)->member);
}

static void conflict_is_resolved_when_its_other_side_goes(void **state)
{
	struct following *following = *state;
	struct ring_segment *first = depth_segment(following, "first", RING_MIN, 1);
	struct ring_segment *second = depth_segment(following, "second", RING_MAX, 2);
	char path[256];

	following_step(following);
	members_expect(following->aggregate, "a_depth 1");
	assert_int_equal(conflicts(following, "second"), 1);
	path_of(following, "first", path);
	assert_int_equal(unlink(path), 0);
	following_step(following);
	members_expect(following->aggregate, "a_depth 2");
	assert_int_equal(conflicts(following, "second"), 0);
	ring_segment_close(first);
	ring_segment_close(second);
}

static void conflicts_are_resolved_one_segment_at_a_time(void **state)
{
	struct following *following = *state;
	struct ring_segment *segments[] = {
		depth_segment(following, "first", RING_MIN, 1),
		depth_segment(following, "second", RING_MAX, 2),
		depth_segment(following, "still", RING_LAST, 4),
		depth_segment(following, "third", RING_MAX, 3),
	};
	char path[256];

	following_step(following);
	path_of(following, "first", path);
	assert_int_equal(unlink(path), 0);
	attach_update(&following->attach, UINT64_MAX / 2);
	assert_int_equal(conflicts(following, "second"), 0);
	assert_int_equal(conflicts(following, "third"), 1);
	assert_true(attach_is_looking(&following->attach));
	attach_update(&following->attach, UINT64_MAX / 2);
	assert_int_equal(conflicts(following, "third"), 0);
	attach_update(&following->attach, UINT64_MAX / 2);
	assert_false(attach_is_looking(&following->attach));
	members_expect(following->aggregate, "a_depth 3");
	assert_int_equal(conflicts(following, "still"), 1);
	for (unsigned i = 0; i < sizeof segments / sizeof segments[0]; i++)
		ring_segment_close(segments[i]);
}

static void directory_that_is_replaced_is_opened_anew(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	char away[256];

	following_count(segment, "a", 0, 5, 3);
	following_step(following);
	assert_true(snprintf(away, sizeof away, "%s/away", following->root) < 256);
	assert_int_equal(rename(following->dir, away), 0);
	following_step(following);
	assert_int_equal(following->attach.source_count, 0);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 15");
	struct ring_segment *other = following_segment(following, "other");
	following_count(other, "a", 0, 1, 1);
	following_step(following);
	following_expect(following, "other", SOURCE_LIVE, 0);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 16");
	ring_segment_close(segment);
	ring_segment_close(other);
}

/* Empty files, whose names come before "seg". */
static void make_junk(const struct following *following, unsigned count)
{
	char name[64], path[256];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "f%u", i);
		path_of(following, name, path);
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
}

/* Looks once if there are news, and takes one step. */
static void take_news(struct following *following)
{
	following->now_ns += 200000000;
	attach_update(&following->attach, following->now_ns);
}

static void junk_keeps_no_segment_out(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	make_junk(following, ATTACH_FOLLOWED_MAX + 3);
	following_step(following);
	following_expect(following, "f0", SOURCE_QUARANTINED, RING_TOO_SHORT);
	following_expect(following, "seg", SOURCE_LIVE, 0);
	assert_int_equal(following->attach.ignored_count, 0);
	ring_segment_close(segment);
}

static void segment_too_many_is_refused_until_there_is_room(void **state)
{
	struct following *following = *state;
	struct ring_segment *segments[FOLLOWING_MAX + 1];
	char name[16], path[256];

	for (unsigned i = 0; i <= FOLLOWING_MAX; i++) {
		snprintf(name, sizeof name, "seg%u", i);
		segments[i] = following_segment(following, name);
	}
	following_step(following);
	following_expect(following, "seg0", SOURCE_LIVE, 0);
	following_expect(following, name, SOURCE_QUARANTINED, SOURCE_TOO_MANY);
	path_of(following, "seg0", path);
	assert_int_equal(unlink(path), 0);
	following_step(following);
	following_expect(following, name, SOURCE_LIVE, 0);
	for (unsigned i = 0; i <= FOLLOWING_MAX; i++)
		ring_segment_close(segments[i]);
}

static void step_of_a_look_reads_one_file_at_most(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");

	following_step(following);
	copy(following, "seg", "copy1");
	copy(following, "seg", "copy2");
	for (unsigned count = 1; count <= 2; count++) {
		unsigned refused_count = 0;
		take_news(following);
		for (size_t i = 0; i < following->attach.source_count; i++)
			refused_count += following->attach.sources[i]->reason == SOURCE_DUPLICATE;
		assert_int_equal(refused_count, count);
	}
	ring_segment_close(segment);
}

static void hard_links_are_refused_without_reading_them(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	char from[256], to[256], name[16];

	following_step(following);
	path_of(following, "seg", from);
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "link%u", i);
		path_of(following, name, to);
		assert_int_equal(link(from, to), 0);
	}
	take_news(following);
	assert_false(attach_is_looking(&following->attach)); /* in one step */
	following_expect(following, "link0", SOURCE_QUARANTINED, SOURCE_DUPLICATE);
	following_expect(following, "link49", SOURCE_QUARANTINED, SOURCE_DUPLICATE);
	ring_segment_close(segment);
}

static void what_was_refused_is_read_again_when_it_changes_and_not_for_other_news(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment;
	char path[256];

	make_junk(following, 3);
	following_step(following);
	segment = following_segment(following, "seg");
	take_news(following);
	following_expect(following, "seg", SOURCE_LIVE, 0); /* the first file to be read */
	assert_false(attach_is_looking(&following->attach));
	path_of(following, "f2", path);
	assert_int_equal(truncate(path, 4096), 0);
	close(open(path, O_WRONLY | O_CLOEXEC)); /* which is news */
	take_news(following);
	following_expect(following, "f2", SOURCE_QUARANTINED, RING_BAD_MAGIC);
	ring_segment_close(segment);
}

static void copy_that_outlives_its_original_adds_nothing(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment = following_segment(following, "seg");
	char path[256];

	following_count(segment, "a", 0, 5, 3);
	following_step(following);
	copy(following, "seg", "seg.bak");
	following_count(segment, "a", 0, 5, 1);
	ring_segment_close(segment);
	following_step(following);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 20");
	path_of(following, "seg", path);
	assert_int_equal(unlink(path), 0);
	following_step(following);
	following_expect(following, "seg.bak", SOURCE_DEAD, 0);
	members_expect(following->aggregate, "test_packets_total{channel=\"a\"} 20");
}

static void names_beyond_the_limit_are_ignored_and_counted(void **state)
{
	struct following *following = *state;

	make_junk(following, ATTACH_NAMES_MAX + 3);
	following_step(following);
	assert_int_equal(following->attach.source_count, ATTACH_NAMES_MAX);
	assert_int_equal(following->attach.ignored_count, 3);
}

static void news_alone_lead_to_a_look(void **state)
{
	struct following *following = *state;
	struct ring_segment *segment;

	following_step(following);
	segment = following_segment(following, "seg");
	attach_update(&following->attach, following->now_ns + 1);
	assert_int_equal(following->attach.source_count, 0); /* however much news there is */
	attach_update(&following->attach, following->now_ns + 200000000);
	assert_int_equal(following->attach.source_count, 1);
	ring_segment_close(segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, following_make, following_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(segments_come_live_die_and_come_back),
		TEST(junk_is_quarantined_each_for_its_reason),
		TEST(truncated_segment_keeps_its_counts_and_comes_back),
		TEST(removed_segment_keeps_its_counts_up_to_the_last_sample),
		TEST(renamed_segment_is_counted_once),
		TEST(copy_is_counted_once_and_the_living_one_counts),
		TEST(copy_of_a_predecessor_is_not_counted),
		TEST(conflict_is_resolved_when_its_other_side_goes),
		TEST(conflicts_are_resolved_one_segment_at_a_time),
		TEST(directory_that_is_replaced_is_opened_anew),
		TEST(junk_keeps_no_segment_out),
		TEST(segment_too_many_is_refused_until_there_is_room),
		TEST(step_of_a_look_reads_one_file_at_most),
		TEST(hard_links_are_refused_without_reading_them),
		TEST(what_was_refused_is_read_again_when_it_changes_and_not_for_other_news),
		TEST(copy_that_outlives_its_original_adds_nothing),
		TEST(names_beyond_the_limit_are_ignored_and_counted),
		TEST(news_alone_lead_to_a_look),
	};

	return cmocka_run_group_tests_name("attach", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Replicating data planes; see replicating.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "members.h"
#include "replicating.h"
#include "workspace.h"

struct plane plane_open(struct following *following, const char *name, unsigned slot_count)
{
	struct ring_set_schema schema;
	struct plane plane;

	ring_set_declare(&schema, &ring_replication, NULL);
	plane.segment = workspace_segment(
		&(struct ring_options){.name = name,
				       .dir = following->dir,
				       .core_count = PLANE_CORES,
				       .slot_count = slot_count,
				       .burst_max = 2,
				       .metrics = schema.metrics,
				       .metric_count = schema.metric_count});
	assert_int_equal(ring_set_define(&plane.set, plane.segment, &ring_replication, NULL), 0);
	for (unsigned core = 0; core < PLANE_CORES; core++)
		plane.writers[core] = ring_writer_claim(plane.segment, core);
	return plane;
}

void plane_close(struct plane *plane)
{
	ring_segment_close(plane->segment);
}

void plane_record_on(struct plane *plane, unsigned core, follower_call *call, const char *follower,
		     uint64_t number, uint64_t time_ns)
{
	const struct ring_replication_follower handles = ring_replication_follower_resolve(
		&plane->set, follower);

	ring_tick_at(plane->writers[core], time_ns);
	call(plane->writers[core], &handles, number);
}

void plane_record(struct plane *plane, follower_call *call, const char *follower, uint64_t number,
		  uint64_t time_ns)
{
	plane_record_on(plane, 0, call, follower, number, time_ns);
}

void replicating_begin(struct following *following)
{
	following->now_ns = REPLICATING_BEGIN;
	following_step(following);
}

void replicating_tick(struct following *following)
{
	for (unsigned i = 0; i < FOLLOWERS_TURNS; i++)
		assert_int_equal(followers_tick(&following->followers, following->now_ns), 0);
}

void replicating_expect(struct following *following, const char *follower, int entries,
			int missed_s)
{
	const double seconds = (double)(following->now_ns - REPLICATING_BEGIN) / 1e9 - missed_s;
	char line[128];

	following_drain(following);
	replicating_tick(following);
	snprintf(line, sizeof line, "replication_lag_seqno{follower=\"%s\"} %d", follower, entries);
	members_expect(following->own, line);
	snprintf(line, sizeof line, "replication_follower_lag_seconds{follower=\"%s\"} %.15g",
		 follower, missed_s == 0 ? 0 : seconds);
	members_expect(following->own, line);
}

void replicating_expect_seconds(struct following *following, const char *follower, double seconds)
{
	char line[128];

	following_drain(following);
	replicating_tick(following);
	snprintf(line, sizeof line, "replication_follower_lag_seconds{follower=\"%s\"} %.15g",
		 follower, seconds);
	members_expect(following->own, line);
}

void replicating_expect_unknown(struct following *following, const char *follower)
{
	char words[128];

	following_drain(following);
	replicating_tick(following);
	snprintf(words, sizeof words, "follower=\"%s\"", follower);
	char *page = members_page(following->own);
	if (strstr(page, words))
		fail_msg("%s is shown:\n%s", follower, page);
	free(page);
}

void replicating_expect_ignored(struct following *following, const char *reason, unsigned count)
{
	char line[96];

	following_drain(following);
	replicating_tick(following);
	snprintf(line, sizeof line, "replication_records_ignored_total{reason=\"%s\"} %u", reason,
		 count);
	members_expect(following->own, line);
}

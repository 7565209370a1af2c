/* SPDX-License-Identifier: MIT */
/* A directory that is followed step by step; see following.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "drain/drain.h"
#include "following.h"
#include "workspace.h"

#define STEP_NS UINT64_C(10000000000)

int following_make(void **state)
{
	struct following *following = calloc(1, sizeof *following);
	void *root;

	if (!following || workspace_make(&root) != 0)
		return -1;
	following->root = root;
	snprintf(following->dir, sizeof following->dir, "%s/ring", following->root);
	following->aggregate = aggregate_create();
	following->own = aggregate_create();
	*state = following;
	log_init(LOG_ERROR, LOG_LOGFMT);
	if (followers_create(&following->followers, &monitor_defaults, following->own,
			     following->aggregate) != 0)
		return -1;
	return attach_open(&following->attach, following->dir, following->aggregate,
			   &following->followers, FOLLOWING_MAX, 0);
}

int following_remove(void **state)
{
	struct following *following = *state;
	void *root = following->root;

	attach_close(&following->attach);
	followers_destroy(&following->followers);
	aggregate_destroy(following->own);
	aggregate_destroy(following->aggregate);
	free(following);
	return workspace_remove(&root);
}

void following_drain(struct following *following)
{
	uint64_t fill_ns = DRAIN_INTERVAL_NS_MAX;

	following->followers.now_ns = following->now_ns;
	for (size_t i = 0; i < following->attach.source_count; i++) {
		struct source *source = following->attach.sources[i];
		if (!source->reader)
			continue;
		const int reason = drain_source(source, STEP_NS, &fill_ns);
		if (reason)
			source_quarantine(source, reason);
	}
}

void following_step(struct following *following)
{
	following->now_ns += STEP_NS;
	following->followers.now_ns = following->now_ns;
	do {
		attach_update(&following->attach, following->now_ns);
	} while (attach_is_looking(&following->attach));
	following_drain(following);
}

void following_remove_file(const struct following *following, const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", following->dir, name);
	assert_int_equal(unlink(path), 0);
}

struct source *following_source(struct following *following, const char *name)
{
	for (size_t i = 0; i < following->attach.source_count; i++)
		if (strcmp(following->attach.sources[i]->name, name) == 0)
			return following->attach.sources[i];
	fail_msg("no source %s", name);
	return NULL;
}

void following_expect(struct following *following, const char *name, enum source_state state,
		      int reason)
{
	const struct source *source = following_source(following, name);

	if (source_state(source) != state || source->reason != reason)
		fail_msg("%s: %s, %s", name, source_state_words[source_state(source)],
			 source_reason_word(source->reason));
}

struct ring_segment *following_segment(struct following *following, const char *name)
{
	const struct ring_options options = workspace_options(following->dir, name);

	return workspace_segment(&options);
}

void following_count(struct ring_segment *segment, const char *channel, uint32_t core, uint64_t n,
		     unsigned times)
{
	struct ring_writer *writer = ring_writer_claim(segment, core);
	const struct ring_counter counter = ring_counter_resolve(segment, "test_packets_total",
								 RING_LABELS(channel));

	assert_true(ring_writer_is_live(writer));
	while (times-- > 0)
		ring_counter_add(writer, counter, n);
	ring_writer_release(writer);
}

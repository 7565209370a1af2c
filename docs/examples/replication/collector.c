/* SPDX-License-Identifier: MIT */
/*
 * Each round asks the source and records what every follower has; a follower that was there in
 * the round before and is not any more is taken back, and so are all of them when the source does
 * not answer: what nobody observes is not shown. Rounds that fail come ever more rarely.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ring/segment.h>
#include <ring/set/replication.h>

#include "collector.h"
#include "options.h"

#define BACKOFF_MAX_MS 30000u
#define SOURCE_UP      "replication_source_up"

struct follower {
	char name[FOLLOWER_NAME_MAX + 1];
	struct ring_replication_follower series;
	uint64_t lag_ns; /* as it was told last */
	bool seen;       /* in this round */
};

enum condition { UNKNOWN, DOWN, UP }; /* of the source */

struct collector {
	const struct source *source;
	struct options options;

	struct ring_segment *segment;
	struct ring_writer *writer;
	struct ring_set set;
	struct ring_gauge up;
	struct follower followers[FOLLOWERS_MAX];
	unsigned follower_count;
	enum condition condition;
	bool left_out; /* has been said */
};

static void say(const struct collector *collector, const char *object, const char *reason)
{
	fprintf(stderr, "%s: %s: %s\n", collector->source->program, object, reason);
}

static void leave_out(struct collector *collector, const char *name, const char *reason)
{
	if (!collector->left_out)
		say(collector, name, reason);
	collector->left_out = true;
}

/* Finds the follower or makes it; NULL where it is left out. */
static struct follower *follower_named(struct collector *collector, const char *name)
{
	char full[FOLLOWER_NAME_MAX + 1];

	if (snprintf(full, sizeof full, "%s%s", collector->options.prefix, name) >=
	    (int)sizeof full) {
		leave_out(collector, name, "name too long, left out");
		return NULL;
	}
	for (unsigned i = 0; i < collector->follower_count; i++)
		if (strcmp(collector->followers[i].name, full) == 0)
			return &collector->followers[i];
	if (collector->follower_count == FOLLOWERS_MAX) {
		leave_out(collector, name, "too many followers, left out");
		return NULL;
	}
	struct follower *follower = &collector->followers[collector->follower_count++];
	*follower = (struct follower){
		.series = ring_replication_follower_resolve(&collector->set, full),
		.lag_ns = COLLECTOR_LAG_NONE,
	};
	memcpy(follower->name, full, sizeof full);
	return follower;
}

static void take_back(struct ring_writer *writer, struct ring_gauge gauge)
{
	ring_gauge_set(writer, gauge, ring_double_of(RING_GAUGE_UNSET));
}

/* A measured lag is that of the last entry applied, and stands still when the follower does, be it
 * paused or idle. So it counts as long as it changes; else the exporter goes by the sequence
 * numbers. */
void collector_follower(struct collector *collector, const char *name, uint64_t shipped,
			uint64_t applied, uint64_t lag_ns)
{
	struct follower *follower = follower_named(collector, name);

	if (!follower)
		return;
	struct ring_writer *writer = collector->writer;
	ring_tick(writer);
	ring_replication_shipped(writer, &follower->series, shipped);
	ring_replication_applied(writer, &follower->series, applied);
	if (lag_ns == COLLECTOR_LAG_NONE || lag_ns == follower->lag_ns)
		take_back(writer, follower->series.recorded_lag);
	else
		ring_replication_recorded_lag(writer, &follower->series, lag_ns);
	follower->lag_ns = lag_ns;
	follower->seen = true;
}

/* Takes back those that were not seen in this round. */
static void forget_unseen(struct collector *collector)
{
	struct follower *followers = collector->followers;
	unsigned kept = 0;

	ring_tick(collector->writer);
	for (unsigned i = 0; i < collector->follower_count; i++) {
		if (followers[i].seen)
			followers[kept++] = followers[i];
		else
			ring_replication_follower_gone(collector->writer, &followers[i].series);
	}
	collector->follower_count = kept;
}

static void begin_round(struct collector *collector)
{
	for (unsigned i = 0; i < collector->follower_count; i++)
		collector->followers[i].seen = false;
}

/* Returns whether the source has answered. What becomes of that is said when it changes. */
static bool collect(struct collector *collector)
{
	const struct source *source = collector->source;
	char reason[REASON_BYTES];

	begin_round(collector);
	const int rc = source->ask(source->state, collector->options.target, collector, reason);
	const bool up = rc == 0;
	const enum condition condition = up ? UP : DOWN;
	forget_unseen(collector);
	ring_gauge_set(collector->writer, collector->up, up);
	if (condition != collector->condition)
		say(collector, collector->options.segment, up ? "source is up" : reason);
	collector->condition = condition;
	return up;
}

/* Waits; returns whether it is time to end. */
static bool told_to_end(const sigset_t *signals, unsigned wait_ms)
{
	const struct timespec wait = {
		.tv_sec = wait_ms / 1000,
		.tv_nsec = (long)(wait_ms % 1000) * 1000000,
	};

	return sigtimedwait(signals, NULL, &wait) > 0;
}

static void collect_until_told(struct collector *collector)
{
	unsigned wait_ms = collector->options.interval_ms;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	do {
		if (collect(collector))
			wait_ms = collector->options.interval_ms;
		else if (wait_ms < BACKOFF_MAX_MS)
			wait_ms = wait_ms < BACKOFF_MAX_MS / 2 ? 2 * wait_ms : BACKOFF_MAX_MS;
	} while (!told_to_end(&signals, wait_ms));
	begin_round(collector);
	forget_unseen(collector);
	take_back(collector->writer, collector->up);
}

/* Should the segment not be made, this program has nothing else to do. */
static void segment_open(struct collector *collector)
{
	static const struct ring_metric_def up = {
		.name = SOURCE_UP,
		.help = "Whether the database answered when it was last asked about its followers.",
		.kind = RING_GAUGE,
		.merge = RING_LAST,
		.label_keys = {"source"},
	};
	const struct ring_set_options budgets = {
		.budgets = {[RING_REPLICATION_CHANNELS] = 1}}; /* there are none */

	if (ring_segment_create(&collector->segment,
				&(struct ring_options){.name = collector->options.segment,
						       .dir = collector->options.dir,
						       .core_count = 1,
						       .metrics = &up,
						       .metric_count = 1,
						       .series_spare = ring_set_series(
							       &ring_replication, &budgets)}) !=
		    0 ||
	    ring_set_define(&collector->set, collector->segment, &ring_replication, &budgets) != 0)
		options_refuse(collector->source, collector->options.segment, ring_error());
	collector->writer = ring_writer_claim(collector->segment, 0);
	collector->up = ring_gauge_resolve(collector->segment, SOURCE_UP,
					   RING_LABELS(collector->options.segment));
}

int collector_main(const struct source *source, int argc, char **argv)
{
	static struct collector collector; /* large */

	collector.source = source;
	options_parse(&collector.options, source, argc, argv);
	segment_open(&collector);
	collect_until_told(&collector);
	source->close(source->state);
	ring_segment_close(collector.segment);
	return EXIT_SUCCESS;
}

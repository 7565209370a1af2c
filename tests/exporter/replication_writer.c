/* SPDX-License-Identifier: MIT */
/*
 * A replicating data plane for the end-to-end tests: it does as the lines of its input say, and
 * answers each with "ok", or with "error: " and why not.
 *
 *   replication_writer DIR NAME [PREFIX [CHANNELS_MAX [FOLLOWERS_MAX]]]
 *
 *   TIME CALL WHOM [NUMBER]     a call of ring/set/replication.h without its prefix, on the channel
 * or follower WHOM, whose bytes may be written as %XX; NUMBER is nanoseconds, bytes or a sequence
 * number, 0 if there is none; TIME is `now` or nanoseconds of CLOCK_MONOTONIC TIME race THREADS
 * FIRST LAST    threads with a core each that resolve the channels n<FIRST> to n<LAST>, each in an
 * order of its own, and count one leader change and set both lags, to 1 ns, on each
 *
 * An empty prefix is given as "". With the end of the input it closes the segment and ends.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ring/record.h>
#include <ring/segment.h>
#include <ring/set/replication.h>

#define LINE_BYTES  1024
#define RACERS_MAX  8u
#define WORDS_MAX   5
#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])

struct plane {
	struct ring_segment *segment;
	struct ring_set set;
	struct ring_writer *writer; /* of core 0; the racers have the others */
};

typedef void channel_call(struct ring_writer *writer,
			  const struct ring_replication_channel *channel, uint64_t number);
typedef void follower_call(struct ring_writer *writer,
			   const struct ring_replication_follower *follower, uint64_t number);

/* The calls without a number, with one. */
#define EVENT(name)                                                                       \
	static void name(struct ring_writer *writer,                                      \
			 const struct ring_replication_channel *channel, uint64_t number) \
	{                                                                                 \
		(void)number;                                                             \
		ring_replication_##name(writer, channel);                                 \
	}
EVENT(leader_change)
EVENT(under_capacity)
EVENT(skip_ahead)
EVENT(election_thrash)
EVENT(witness_withdrawal)
EVENT(announce_divergence)

static void follower_gone(struct ring_writer *writer,
			  const struct ring_replication_follower *follower, uint64_t number)
{
	(void)number;
	ring_replication_follower_gone(writer, follower);
}

static const struct call {
	const char *word;
	channel_call *on_channel; /* or NULL */
	follower_call *on_follower;
} calls[] = {
	{"leader_lag", ring_replication_leader_lag, NULL},
	{"replica_lag", ring_replication_replica_lag, NULL},
	{"sync_bytes", ring_replication_sync_bytes, NULL},
	{"leader_change", leader_change, NULL},
	{"under_capacity", under_capacity, NULL},
	{"skip_ahead", skip_ahead, NULL},
	{"election_thrash", election_thrash, NULL},
	{"witness_withdrawal", witness_withdrawal, NULL},
	{"announce_divergence", announce_divergence, NULL},
	{"shipped", NULL, ring_replication_shipped},
	{"applied", NULL, ring_replication_applied},
	{"recorded_lag", NULL, ring_replication_recorded_lag},
	{"follower_gone", NULL, follower_gone},
};

/* Turns %XX into the byte that it stands for, in place. */
static void decode(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from != '%' || strnlen(from, 3) < 3) {
			*to++ = *from;
			continue;
		}
		const char digits[] = {from[1], from[2], 0};
		*to++ = (char)strtoul(digits, NULL, 16);
		from += 2;
	}
	*to = 0;
}

/* Does as the words say; returns what is wrong, or NULL. */
static const char *record(struct plane *plane, char *const *words)
{
	const struct call *call = NULL;
	const uint64_t number = words[3] ? strtoull(words[3], NULL, 10) : 0;

	for (size_t i = 0; i < COUNT_OF(calls); i++)
		if (strcmp(calls[i].word, words[1]) == 0)
			call = &calls[i];
	if (!call || !words[2])
		return "TIME CALL WHOM [NUMBER]";
	decode(words[2]);
	if (call->on_channel) {
		const struct ring_replication_channel channel = ring_replication_channel_resolve(
			&plane->set, words[2]);
		call->on_channel(plane->writer, &channel, number);
		return channel.sync_bytes.key ? NULL : ring_error();
	}
	const struct ring_replication_follower follower = ring_replication_follower_resolve(
		&plane->set, words[2]);
	call->on_follower(plane->writer, &follower, number);
	return follower.shipped.key ? NULL : ring_error();
}

struct racer {
	struct plane *plane;
	pthread_t thread;
	pthread_barrier_t *start;
	uint64_t time_ns;
	unsigned first, count, index;
};

static void *run_racer(void *argument)
{
	const struct racer *racer = argument;
	struct ring_writer *writer = ring_writer_claim(racer->plane->segment, RING_CORE_ANY);
	char name[16];

	ring_tick_at(writer, racer->time_ns);
	pthread_barrier_wait(racer->start);
	for (unsigned i = 0; i < racer->count; i++) {
		/* From different ends, so that different names come first. */
		const unsigned at = racer->index % 2 ? racer->count - 1 - i : i;
		snprintf(name, sizeof name, "n%u", racer->first + at);
		const struct ring_replication_channel channel = ring_replication_channel_resolve(
			&racer->plane->set, name);
		ring_replication_leader_change(writer, &channel);
		ring_replication_leader_lag(writer, &channel, 1);
		ring_replication_replica_lag(writer, &channel, 1);
	}
	ring_writer_release(writer);
	return NULL;
}

static const char *race(struct plane *plane, uint64_t time_ns, char *const *words)
{
	struct racer racers[RACERS_MAX];
	pthread_barrier_t start;

	if (!words[2] || !words[3] || !words[4])
		return "TIME race THREADS FIRST LAST";
	const unsigned count = (unsigned)atoi(words[2]), first = (unsigned)atoi(words[3]);
	const unsigned last = (unsigned)atoi(words[4]);
	if (count < 1 || count > RACERS_MAX || last < first)
		return "THREADS is 1 to 8, LAST at least FIRST";
	pthread_barrier_init(&start, NULL, count);
	for (unsigned i = 0; i < count; i++) {
		racers[i] = (struct racer){.plane = plane,
					   .start = &start,
					   .time_ns = time_ns,
					   .first = first,
					   .count = last - first + 1,
					   .index = i};
		if (pthread_create(&racers[i].thread, NULL, run_racer, &racers[i]) != 0)
			abort(); /* the others wait for it */
	}
	for (unsigned i = 0; i < count; i++)
		pthread_join(racers[i].thread, NULL);
	pthread_barrier_destroy(&start);
	return NULL;
}

static const char *obey(struct plane *plane, char *line)
{
	char *words[WORDS_MAX + 1] = {NULL}, *rest = line, *word;
	unsigned count = 0;

	while (count < WORDS_MAX && (word = strsep(&rest, " \n")))
		if (*word)
			words[count++] = word;
	if (count < 2)
		return "TIME CALL ...";
	uint64_t time_ns = strtoull(words[0], NULL, 10);
	if (strcmp(words[0], "now") == 0)
		time_ns = ring_tick(plane->writer);
	else
		ring_tick_at(plane->writer, time_ns);
	if (strcmp(words[1], "race") == 0)
		return race(plane, time_ns, words);
	return record(plane, words);
}

static int open_plane(struct plane *plane, int argc, char **argv)
{
	const struct ring_set_options set = {
		.prefix = argc > 3 ? argv[3] : NULL,
		.budgets = {argc > 4 ? (unsigned)atoi(argv[4]) : 0,
			    argc > 5 ? (unsigned)atoi(argv[5]) : 0},
	};
	struct ring_set_schema schema;

	ring_set_declare(&schema, &ring_replication, &set);
	const struct ring_options options = {
		.name = argv[2],
		.dir = argv[1],
		.core_count = 1 + RACERS_MAX,
		.metrics = schema.metrics,
		.metric_count = schema.metric_count,
	};
	if (ring_segment_create(&plane->segment, &options) != 0 ||
	    ring_set_define(&plane->set, plane->segment, &ring_replication, &set) != 0) {
		fprintf(stderr, "replication_writer: %s: %s\n", argv[2], ring_error());
		return -1;
	}
	plane->writer = ring_writer_claim(plane->segment, 0);
	return 0;
}

int main(int argc, char **argv)
{
	struct plane plane;
	char line[LINE_BYTES];

	if (argc < 3 || argc > 6) {
		fputs("usage: replication_writer DIR NAME [PREFIX [CHANNELS_MAX "
		      "[FOLLOWERS_MAX]]]\n",
		      stderr);
		return 2;
	}
	if (open_plane(&plane, argc, argv) != 0)
		return 1;
	setlinebuf(stdout);
	puts("up");
	while (fgets(line, sizeof line, stdin)) {
		const char *wrong = obey(&plane, line);
		printf("%s%s\n", wrong ? "error: " : "ok", wrong ? wrong : "");
	}
	ring_segment_close(plane.segment);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * A replicating data plane as a process of its own: a leader on one core and all its followers on
 * the other, which record one after the other, in even steps, until the input ends.
 *
 *   replicas DIR FOLLOWERS PERIOD_MS applied|both
 *
 * Each follower records what it has applied once in a period; with `both`, the leader first records
 * what it has shipped to it, one entry more, else it has shipped everything before. It says "up"
 * when the segment is, and at the end one line: samples written, entries that all followers
 * together are behind.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ring/record.h>
#include <ring/segment.h>
#include <ring/set/replication.h>

#define TURN_NS 2000000
#define BURST   32u
#define SLOTS   (1u << 18)          /* a quarter of a second: pages are rendered on the same core */
#define FIRST   (UINT64_C(1) << 30) /* shipped before, if that is all */

enum { LEADER, FOLLOWER, CORES };

struct replicas {
	struct ring_segment *segment;
	struct ring_writer *writers[CORES];
	struct ring_replication_follower *handles;
	unsigned count;
	bool both;
	uint64_t written;
	uint64_t turned; /* records of followers */
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int replicas_open(struct replicas *replicas, const char *dir)
{
	const struct ring_set_options set = {.budgets = {1, replicas->count}};
	struct ring_set_schema schema;
	struct ring_set names;
	char name[24];

	ring_set_declare(&schema, &ring_replication, &set);
	int error = ring_segment_create(&replicas->segment,
					&(struct ring_options){
						.name = "replicas",
						.dir = dir,
						.core_count = CORES,
						.slot_count = SLOTS,
						.metrics = schema.metrics,
						.metric_count = schema.metric_count,
					});
	if (error == 0)
		error = ring_set_define(&names, replicas->segment, &ring_replication, &set);
	replicas->handles = calloc(replicas->count, sizeof *replicas->handles);
	if (error || !replicas->handles)
		return -1;
	for (unsigned core = 0; core < CORES; core++)
		replicas->writers[core] = ring_writer_claim(replicas->segment, core);
	for (unsigned i = 0; i < replicas->count; i++) {
		snprintf(name, sizeof name, "follower-%06u", i);
		replicas->handles[i] = ring_replication_follower_resolve(&names, name);
		ring_replication_shipped(replicas->writers[LEADER], &replicas->handles[i],
					 replicas->both ? 1 : FIRST);
		replicas->written++;
	}
	return 0;
}

/* The next `burst` followers have their turn. */
static void record_burst(struct replicas *replicas, unsigned burst)
{
	for (unsigned core = replicas->both ? LEADER : FOLLOWER; core < CORES; core++) {
		struct ring_writer *writer = replicas->writers[core];
		ring_burst_begin(writer);
		for (uint64_t turn = replicas->turned; turn < replicas->turned + burst; turn++) {
			const struct ring_replication_follower *handles =
				&replicas->handles[turn % replicas->count];
			const uint64_t period = turn / replicas->count;
			if (core == LEADER)
				ring_replication_shipped(writer, handles, period + 2);
			else
				ring_replication_applied(writer, handles, period + 1);
		}
		ring_burst_end(writer);
		replicas->written += burst;
	}
	replicas->turned += burst;
}

/* Records until the input ends; what is late is made up for. */
static void record_steadily(struct replicas *replicas, double rate_hz)
{
	const struct timespec turn = {.tv_nsec = TURN_NS};
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	const double started = now();

	while (ppoll(&input, 1, &turn, NULL) == 0) {
		uint64_t due = (uint64_t)((now() - started) * rate_hz) - replicas->turned;
		for (unsigned core = 0; core < CORES; core++)
			ring_tick(replicas->writers[core]);
		for (; due >= BURST; due -= BURST)
			record_burst(replicas, BURST);
	}
}

/* Entries, of all followers together: a leader is one ahead of what it was told last, or all. */
static uint64_t behind(const struct replicas *replicas)
{
	return replicas->both ? replicas->count : FIRST * replicas->count - replicas->turned;
}

int main(int argc, char **argv)
{
	int status = 1;

	if (argc != 5)
		return 2;
	struct replicas replicas = {.count = (unsigned)atoi(argv[2]),
				    .both = strcmp(argv[4], "both") == 0};
	if (replicas_open(&replicas, argv[1]) == 0) {
		puts("up");
		fflush(stdout);
		record_steadily(&replicas, replicas.count * 1000. / atof(argv[3]));
		status = printf("%" PRIu64 " %" PRIu64 "\n", replicas.written, behind(&replicas)) <
			 0;
	} else {
		fprintf(stderr, "replicas: %s: %s\n", argv[1], ring_error());
	}
	ring_segment_close(replicas.segment);
	free(replicas.handles);
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * A data plane for the end-to-end tests that has modes of volumes.
 *
 *   states_writer DIR NAME DEFAULT
 *
 * defines store_mode, of "sync", "nosync" and "\"half\"", with the default of that number. It says
 * "up" and then "ok" for each line of its input:
 *
 *   set VOLUME NUMBER   sets the volume's state
 *   spin VOLUME         sets states at random from now on, on a second core
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ring/record.h>
#include <ring/segment.h>

#include "dice.h"

static struct ring_segment *segment;
static struct ring_state spinning;
static int is_over;

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

static void *spin(void *nothing)
{
	struct ring_writer *writer = ring_writer_claim(segment, 1);
	uint64_t dice = dice_seed();

	/* relaxed: only the end of the loop depends on it. */
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		ring_tick(writer);
		ring_state_set(writer, spinning, dice_roll(&dice) % 5);
	}
	ring_writer_release(writer);
	return nothing;
}

static int follow(struct ring_writer *writer, pthread_t *thread)
{
	char verb[8], volume[32], line[64];
	uint64_t number;

	while (fgets(line, sizeof line, stdin)) {
		const int words = sscanf(line, "%7s %31s %" SCNu64, verb, volume, &number);
		const struct ring_state set = ring_state_resolve(segment, "store_mode",
								 (const char *[]){volume, NULL});
		if (words == 3 && strcmp(verb, "set") == 0) {
			ring_tick(writer);
			ring_state_set(writer, set, number);
		} else if (words == 2 && strcmp(verb, "spin") == 0 && spinning.key == 0) {
			spinning = set;
			if (pthread_create(thread, NULL, spin, NULL) != 0)
				return 1;
		} else {
			return 2;
		}
		say("ok");
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const states[] = {"sync", "nosync", "\"half\"", NULL};
	pthread_t thread;

	if (argc != 4)
		return 2;
	const struct ring_metric_def metric = {
		.name = "store_mode",
		.help = "How the volume writes.",
		.kind = RING_STATESET,
		.merge = RING_LAST,
		.label_keys = {"volume"},
		.states = states,
		.state_default = (unsigned)atoi(argv[3]),
	};
	const struct ring_options options = {.name = argv[2],
					     .dir = argv[1],
					     .core_count = 2,
					     .metrics = &metric,
					     .metric_count = 1};

	if (ring_segment_create(&segment, &options) != 0) {
		fprintf(stderr, "states_writer: %s: %s\n", argv[2], ring_error());
		return 1;
	}
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	say("up");
	const int result = follow(writer, &thread);
	/* relaxed: the join below orders everything else. */
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	if (spinning.key != 0)
		pthread_join(thread, NULL);
	ring_segment_close(segment);
	return result;
}

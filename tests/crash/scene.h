/* SPDX-License-Identifier: MIT */
/*
 * Where a crash is played: a segment of one core in a directory of its own, with one series of
 * each kind, and the process that owns it.
 *
 * Nothing in this directory's helpers asserts. Half of their callers are forked children, and a
 * failed assertion there would go on with the parent's tests in the child.
 */
#ifndef CRASH_SCENE_H
#define CRASH_SCENE_H

#include <stdbool.h>

#include <ring/read.h>
#include <ring/segment.h>

#define SCENE_NAME   "crash"
#define SCENE_BOUNDS 10u
#define SCENE_CELLS  (SCENE_BOUNDS + 2) /* of the largest series: sum, buckets, the last bucket */

extern const double scene_bounds[SCENE_BOUNDS];

struct scene {
	char dir[32];
	unsigned slot_count;
	unsigned burst_max;
};

/* Makes the directory. Returns 0 or a negative errno. */
int scene_begin(struct scene *scene, unsigned slot_count, unsigned burst_max);

/* Removes it with all that is in it; once is enough, twice is harmless. */
void scene_end(struct scene *scene);

/* The owning process's side. */
struct owner {
	struct ring_segment *segment;
	struct ring_writer *writer;
	struct ring_counter counter;
	struct ring_gauge gauge;
	struct ring_histogram histogram;
};

/* Creates or adopts the scene's segment and claims its core. Returns 0 or a negative errno. */
int owner_open(struct owner *owner, const struct scene *scene);

/* Gives it up; twice is harmless. */
void owner_close(struct owner *owner);

/* Opens the segment for reading. Returns NULL where it is not sound. */
struct ring_reader *scene_read(const struct scene *scene);

/* Whether the scene's name still leads to the file that `reader` has open. */
bool scene_is_current(const struct scene *scene, const struct ring_reader *reader);

/* Copies the tallies of the one series of that kind. Returns how many cells it has, or 0 when
 * they cannot be had. */
unsigned scene_tallies(struct ring_reader *reader, enum ring_kind kind,
		       uint64_t cells[SCENE_CELLS]);

/* A word that parent and child share. Returns NULL without memory. */
struct ring_word *scene_share(void);
void scene_unshare(struct ring_word *word);

/* Waits until `*word` is at least `bits`. Returns whether it came to be within ten seconds. */
bool scene_await(const struct ring_word *word, uint64_t bits);

/* Where the randomness of this run begins: RING_SEED, or another one each time. Prints it. */
uint64_t scene_seed(void);

/* The next of a sequence of well mixed words. */
uint64_t scene_random(uint64_t *state);

/* CLOCK_MONOTONIC */
uint64_t scene_now_ns(void);

#endif

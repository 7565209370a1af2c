/* SPDX-License-Identifier: MIT */
/*
 * The owner's handle of a segment, shared by the files that create it, define in it and give
 * out its writers. Internal to libring.
 */
#ifndef RING_INTERNAL_OWNER_H
#define RING_INTERNAL_OWNER_H

#include <stdbool.h>

#include "ring/segment.h"

struct ring_registry;

/* A segment mapped for writing. Where things are in it is taken from the private copy of its
 * header, which this process has planned or judged: in the mapping others might change it. */
struct ring_mapping {
	struct ring_header *live; /* NULL: none */
	struct ring_header shape; /* of which the immutable part counts */
};

struct ring_segment {
	struct ring_mapping map; /* none in a no-op handle, nor any of what follows */
	struct ring_registry *registry;
	int fd;                    /* holds the lock */
	struct ring_segment *next; /* in the list of this process's segments */
	char path[RING_PATH_BYTES];
};

static inline struct ring_core *ring_core_of(const struct ring_mapping *map, uint32_t core)
{
	return (struct ring_core *)((uint8_t *)map->live + map->shape.cores_offset +
				    core * map->shape.core_stride + map->shape.control_offset);
}

static inline struct ring_word *ring_tallies_of(const struct ring_mapping *map, uint32_t core)
{
	return (struct ring_word *)ring_core_of(map, core) - map->shape.cell_capacity;
}

/* Between these a fork waits: a segment's descriptor, and with it the lock, is either on the list
 * that the fork's child clears or not open. */
void ring_life_lock(void);
void ring_life_unlock(void);

/* Maps private memory over the page of each core block that is for that, so that writers can stand
 * there. Returns 0 or a negative errno. */
int ring_writers_place(const struct ring_mapping *map);

/* Whether some ring has a sample with that key, apart from its tag. */
bool ring_rings_have(const struct ring_mapping *map, uint64_t key);

/* Puts a live segment on the process's list, for the handlers of fork and thread end. Returns 0
 * or a negative errno. */
int ring_claims_open(struct ring_segment *segment);

/* As ring_writer_claim; returns 0 or a negative errno: -ENOENT for no ring, -EBUSY for a taken one,
 * -ENOMEM, -ENODEV for a no-op. */
int ring_claim(struct ring_segment *segment, unsigned core, struct ring_writer **writer);

/* Takes it off the list and releases every claim. */
void ring_claims_close(struct ring_segment *segment);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The segment under attack: made by libring, filled, and given up by its owner; then mapped
 * writable, which is what every process may do that has the file. In a directory of its own on
 * tmpfs, with metrics of every kind, labels, bounds, and samples of two cores.
 */
#ifndef HOSTILE_VICTIM_H
#define HOSTILE_VICTIM_H

#include <stddef.h>
#include <stdint.h>

#include "fields.h"
#include "ring/layout.h"

#define VICTIM_NAME  "victim"
#define VICTIM_CORES 2u
#define VICTIM_SLOTS 64u
#define VICTIM_BURST 4u

/* Its metrics, by index. */
enum {
	VICTIM_PACKETS,  /* counter with two labels */
	VICTIM_BACKLOG,  /* gauge with a unit, one label and an overflow series */
	VICTIM_SESSIONS, /* gauge without labels */
	VICTIM_RESTARTS, /* counter without labels */
	VICTIM_DURATION, /* histogram with a unit, one label */
	VICTIM_MODE,     /* state set with one label */
	VICTIM_METRICS
};

#define VICTIM_FIRST_GAUGE 3 /* the series of VICTIM_SESSIONS */

struct victim {
	char dir[64];
	int dir_fd;
	int fd;
	size_t bytes;
	uint8_t *map;   /* the file, writable and shared */
	uint8_t *sound; /* a private copy of it, as its owner left it */
};

/* Makes it. Returns 0 or a negative errno. */
int victim_open(struct victim *victim);

/* Removes its directory and all in it. */
void victim_close(struct victim *victim);

/* Makes the file what it was: its size, its blocks, every byte. */
void victim_restore(struct victim *victim);

/* Writes the first `bytes` of the sound segment to a new file of its directory. Returns its
 * descriptor or a negative errno. */
int victim_copy(const struct victim *victim, const char *name, size_t bytes);

/* The header as it was, whatever the file says now. */
const struct ring_header *victim_sound(const struct victim *victim);

/* How many structs of that part are in use, and the writable bytes of one. */
size_t victim_count(const struct victim *victim, enum part part);
uint8_t *victim_at(const struct victim *victim, enum part part, size_t index);

/* The writable bytes at an offset into the heap. */
uint8_t *victim_heap(const struct victim *victim, uint32_t offset);

#endif

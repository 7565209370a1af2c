/* SPDX-License-Identifier: MIT */
/*
 * Every field of the four structs that a segment is made of, as data: what a mutation test
 * walks over. fields_cover says whether a table leaves out a single byte.
 */
#ifndef HOSTILE_FIELDS_H
#define HOSTILE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum part { PART_HEADER, PART_METRIC, PART_SERIES, PART_CORE, PART_COUNT };

struct field {
	const char *name;
	size_t offset;
	size_t bytes;
	size_t unit; /* bytes of one number: less than `bytes` in an array */
};

struct fields {
	const char *name;
	size_t bytes; /* of the struct */
	const struct field *list;
	size_t count;
};

extern const struct fields fields_of[PART_COUNT];

/* Whether the fields follow each other without a gap from the struct's first byte to its last. */
bool fields_cover(const struct fields *fields);

/* One number of `unit` bytes, in this machine's order. */
uint64_t field_get(const uint8_t *at, size_t unit);
void field_set(uint8_t *at, size_t unit, uint64_t number);

#endif

/* SPDX-License-Identifier: MIT */
#include "geometry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "names.h"

#define SLOTS_DEFAULT    16384u
#define BURST_DEFAULT    64u
#define SPARE_SERIES     4096u
#define SPARE_METRICS    64u
#define SPARE_CELLS      8u   /* per spare series */
#define SPARE_HEAP       64u  /* bytes per spare series */
#define SPARE_DEFINITION 512u /* bytes of heap per spare metric */

static uint64_t align_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static uint32_t power_of_two_from(uint32_t n)
{
	uint32_t power = RING_SLOTS_MIN;

	while (power < n)
		power *= 2;
	return power;
}

static uint32_t power_of_two_to(uint32_t n)
{
	uint32_t power = 1;

	while (power <= n / 2)
		power *= 2;
	return power;
}

/* The kernel's boot id as 16 bytes; zeros where it cannot be read, which equal themselves. */
static void read_boot_id(uint8_t id[16])
{
	char text[37] = "";
	unsigned nibbles = 0;
	const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(id, 0, 16);
	if (fd < 0)
		return;
	if (read(fd, text, sizeof text - 1) > 0) {
		for (const char *c = text; *c && nibbles < 32; c++) {
			const char *digits = "0123456789abcdef", *digit = strchr(digits, *c);
			if (!digit)
				continue;
			id[nibbles / 2] = (uint8_t)(id[nibbles / 2] << 4 | (digit - digits));
			nibbles++;
		}
	}
	close(fd);
}

int ring_geometry_judge(const struct ring_options *o)
{
	if (!o->name || !ring_segment_name_ok(o->name, strlen(o->name)))
		return ring_fail(
			EINVAL,
			"segment name '%s': 1 to %u of A-Z a-z 0-9 . _ -, not starting with a dot",
			o->name ? o->name : "", RING_NAME_MAX);
	if (o->core_count < 1 || o->core_count > RING_CORES_MAX)
		return ring_fail(EINVAL, "%s: core_count is 1 to %u", o->name, RING_CORES_MAX);
	if (o->slot_count > RING_SLOTS_MAX)
		return ring_fail(EINVAL, "%s: slot_count is at most %u", o->name, RING_SLOTS_MAX);
	const uint32_t slots = o->slot_count ? power_of_two_from(o->slot_count) : SLOTS_DEFAULT;
	if (o->burst_max > slots / 2)
		return ring_fail(EINVAL, "%s: burst_max is at most half the %u slots", o->name,
				 slots);
	for (size_t i = 0; i < o->metric_count; i++) {
		const char *broken = ring_definition_fault(&o->metrics[i]);
		if (broken)
			return ring_fail(EINVAL, "metric %s: %s",
					 o->metrics[i].name ? o->metrics[i].name : "?", broken);
	}
	return 0;
}

uint64_t ring_geometry_spare(const struct ring_demand *demand)
{
	uint64_t series = demand->series;

	if (series < demand->cells / SPARE_CELLS + 1)
		series = demand->cells / SPARE_CELLS + 1;
	if (series < demand->heap_bytes / SPARE_HEAP + 1)
		series = demand->heap_bytes / SPARE_HEAP + 1;
	return series;
}

/* What all declared metrics and the spare room need together. */
static struct ring_demand total_demand(const struct ring_options *o)
{
	const uint64_t series = o->series_spare ? o->series_spare : SPARE_SERIES;
	const uint64_t metrics = o->metrics_spare ? o->metrics_spare : SPARE_METRICS;
	struct ring_demand total = {
		.series = series,
		.cells = 1 + series * SPARE_CELLS,
		.heap_bytes = series * SPARE_HEAP + metrics * SPARE_DEFINITION,
	};

	for (size_t i = 0; i < o->metric_count; i++) {
		const struct ring_demand one = ring_definition_demand(&o->metrics[i]);
		total.series += one.series;
		total.cells += one.cells;
		total.heap_bytes += one.heap_bytes;
	}
	return total;
}

/* Lays the parts out one behind the other. */
static void place_parts(struct ring_header *h)
{
	const uint64_t tallies_bytes = (uint64_t)h->cell_capacity * sizeof(struct ring_word);
	const uint64_t slots_bytes = (uint64_t)h->slot_count * sizeof(struct ring_slot);

	h->metrics_offset = align_up(h->header_bytes, RING_LINE);
	h->series_offset = align_up(h->metrics_offset +
					    h->metric_capacity * sizeof(struct ring_metric_entry),
				    RING_LINE);
	h->heap_offset = align_up(h->series_offset + (uint64_t)h->series_capacity *
							     sizeof(struct ring_series_entry),
				  RING_LINE);
	h->cores_offset = align_up(h->heap_offset + h->heap_bytes, RING_PAGE);
	h->control_offset = align_up(tallies_bytes, RING_PAGE);
	h->core_stride = align_up(h->control_offset + RING_SLOTS_OFFSET + slots_bytes, RING_PAGE);
	h->segment_bytes = h->cores_offset + h->core_count * h->core_stride;
}

static int set_identity(struct ring_header *header, const char *name)
{
	if (getrandom(header->uuid, sizeof header->uuid, 0) != (ssize_t)sizeof header->uuid)
		return ring_fail(errno, "%s: no random bytes for the uuid: %s", name,
				 strerror(errno));
	read_boot_id(header->boot_id);
	header->created_realtime_ns = ring_clock_ns(CLOCK_REALTIME);
	header->created_monotonic_ns = ring_clock_ns(CLOCK_MONOTONIC);
	memcpy(header->name, name, strlen(name));
	return 0;
}

int ring_geometry_plan(const struct ring_options *o, struct ring_header *header)
{
	const struct ring_demand total = total_demand(o);
	const uint64_t metrics = o->metric_count +
				 (o->metrics_spare ? o->metrics_spare : SPARE_METRICS);
	if (metrics > RING_METRICS_MAX || total.series > RING_SERIES_MAX ||
	    total.cells > RING_CELLS_MAX || total.heap_bytes > RING_HEAP_MAX)
		return ring_fail(EINVAL,
				 "%s: budgets need together more than %u metrics, %u series, %u "
				 "cells or %u bytes of text",
				 o->name, RING_METRICS_MAX, RING_SERIES_MAX, RING_CELLS_MAX,
				 RING_HEAP_MAX);
	*header = (struct ring_header){
		.endian_mark = RING_ENDIAN_MARK,
		.version_major = RING_VERSION_MAJOR,
		.version_minor = RING_VERSION_MINOR,
		.header_bytes = sizeof(struct ring_header),
		.features_required = RING_FEATURE_STATESET | RING_FEATURE_REUSE,
		.core_count = o->core_count,
		.slot_count = o->slot_count ? power_of_two_from(o->slot_count) : SLOTS_DEFAULT,
		.metric_capacity = (uint32_t)metrics,
		.series_capacity = (uint32_t)total.series,
		.cell_capacity = (uint32_t)total.cells,
		.heap_bytes = align_up(total.heap_bytes, RING_LINE),
		.schema_hash = ring_schema_hash(o->metrics, o->metric_count),
	};
	memcpy(header->magic, RING_MAGIC, sizeof header->magic);
	header->burst_max = o->burst_max ? power_of_two_to(o->burst_max) : BURST_DEFAULT;
	if (header->burst_max > header->slot_count / 2)
		header->burst_max = header->slot_count / 2;
	place_parts(header);
	if (header->segment_bytes > RING_SEGMENT_MAX)
		return ring_fail(EINVAL, "%s: the segment would be larger than the format allows",
				 o->name);
	return set_identity(header, o->name);
}

bool ring_geometry_equal(const struct ring_header *a, const struct ring_header *b)
{
	/* From the version to the schema every field is shape; the identity behind it is not. */
	const size_t begin = offsetof(struct ring_header, version_major);
	const size_t end = offsetof(struct ring_header, uuid);
	RING_STATIC_ASSERT(offsetof(struct ring_header, version_major) == 12 &&
				   offsetof(struct ring_header, uuid) ==
					   offsetof(struct ring_header, schema_hash) + 8,
			   "the shape stands together");

	return memcmp((const char *)a + begin, (const char *)b + begin, end - begin) == 0 &&
	       memcmp(a->boot_id, b->boot_id, sizeof a->boot_id) == 0 &&
	       memcmp(a->name, b->name, sizeof a->name) == 0;
}

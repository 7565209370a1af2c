/* SPDX-License-Identifier: MIT */
#include "fields.h"

#include <string.h>

#include "ring/layout.h"

#define BYTES(type, member) sizeof(((struct type *)0)->member)
#define NUMBER(type, member)                                                                     \
	{                                                                                        \
#member, offsetof(struct type, member), BYTES(type, member), BYTES(type, member) \
	}
#define ARRAY(type, member)                                                    \
	{                                                                      \
#member, offsetof(struct type, member), BYTES(type, member), 1 \
	}
#define SPAN(type, member) NUMBER(type, member.offset), NUMBER(type, member.bytes)

static const struct field header_fields[] = {
	ARRAY(ring_header, magic),
	NUMBER(ring_header, endian_mark),
	NUMBER(ring_header, version_major),
	NUMBER(ring_header, version_minor),
	NUMBER(ring_header, header_bytes),
	NUMBER(ring_header, features_required),
	NUMBER(ring_header, features_optional),
	NUMBER(ring_header, core_count),
	NUMBER(ring_header, slot_count),
	NUMBER(ring_header, burst_max),
	NUMBER(ring_header, metric_capacity),
	NUMBER(ring_header, series_capacity),
	NUMBER(ring_header, cell_capacity),
	NUMBER(ring_header, reserved_a),
	NUMBER(ring_header, segment_bytes),
	NUMBER(ring_header, heap_bytes),
	NUMBER(ring_header, metrics_offset),
	NUMBER(ring_header, series_offset),
	NUMBER(ring_header, heap_offset),
	NUMBER(ring_header, cores_offset),
	NUMBER(ring_header, core_stride),
	NUMBER(ring_header, control_offset),
	NUMBER(ring_header, schema_hash),
	ARRAY(ring_header, uuid),
	ARRAY(ring_header, predecessor),
	ARRAY(ring_header, boot_id),
	NUMBER(ring_header, created_realtime_ns),
	NUMBER(ring_header, created_monotonic_ns),
	ARRAY(ring_header, name),
	NUMBER(ring_header, metric_count),
	NUMBER(ring_header, series_count),
	NUMBER(ring_header, heap_used),
	NUMBER(ring_header, owner_pid),
	NUMBER(ring_header, owner_started_realtime_ns),
	NUMBER(ring_header, owner_count),
	NUMBER(ring_header, definitions_refused),
	NUMBER(ring_header, labels_refused),
	NUMBER(ring_header, claims_refused),
	NUMBER(ring_header, overflowed),
	NUMBER(ring_header, series_changes),
	ARRAY(ring_header, reserved_b),
};

static const struct field metric_fields[] = {
	SPAN(ring_metric_entry, name),
	SPAN(ring_metric_entry, help),
	SPAN(ring_metric_entry, unit),
	SPAN(ring_metric_entry, label_keys),
	NUMBER(ring_metric_entry, bounds_offset),
	NUMBER(ring_metric_entry, bound_count),
	NUMBER(ring_metric_entry, kind),
	NUMBER(ring_metric_entry, merge),
	NUMBER(ring_metric_entry, label_count),
	NUMBER(ring_metric_entry, flags),
	NUMBER(ring_metric_entry, state_default),
	NUMBER(ring_metric_entry, series_max),
	NUMBER(ring_metric_entry, cell_first),
	NUMBER(ring_metric_entry, series_cells),
	NUMBER(ring_metric_entry, overflow_max),
	SPAN(ring_metric_entry, overflow_labels),
	NUMBER(ring_metric_entry, named_count),
	NUMBER(ring_metric_entry, overflowed),
	NUMBER(ring_metric_entry, refused_count),
	SPAN(ring_metric_entry, refused[0]),
	SPAN(ring_metric_entry, refused[1]),
	SPAN(ring_metric_entry, refused[2]),
	SPAN(ring_metric_entry, refused[3]),
	SPAN(ring_metric_entry, refused[4]),
};

static const struct field series_fields[] = {
	NUMBER(ring_series_entry, generation), SPAN(ring_series_entry, labels),
	NUMBER(ring_series_entry, metric),     NUMBER(ring_series_entry, cell),
	NUMBER(ring_series_entry, flags),      NUMBER(ring_series_entry, labels_room),
};

static const struct field core_fields[] = {
	NUMBER(ring_core, write_pos),   ARRAY(ring_core, padding_a),   NUMBER(ring_core, first_pos),
	NUMBER(ring_core, claim_count), NUMBER(ring_core, writer_tid), ARRAY(ring_core, padding_b),
};

#define FIELDS(type, list)                                                       \
	{                                                                        \
#type, sizeof(struct type), list, sizeof(list) / sizeof(list)[0] \
	}

const struct fields fields_of[PART_COUNT] = {
	[PART_HEADER] = FIELDS(ring_header, header_fields),
	[PART_METRIC] = FIELDS(ring_metric_entry, metric_fields),
	[PART_SERIES] = FIELDS(ring_series_entry, series_fields),
	[PART_CORE] = FIELDS(ring_core, core_fields),
};

bool fields_cover(const struct fields *fields)
{
	size_t end = 0;

	for (size_t i = 0; i < fields->count; i++) {
		if (fields->list[i].offset != end)
			return false;
		end += fields->list[i].bytes;
	}
	return end == fields->bytes;
}

uint64_t field_get(const uint8_t *at, size_t unit)
{
	uint64_t n8;
	uint32_t n4;
	uint16_t n2;

	switch (unit) {
	case 8:
		memcpy(&n8, at, sizeof n8);
		return n8;
	case 4:
		memcpy(&n4, at, sizeof n4);
		return n4;
	case 2:
		memcpy(&n2, at, sizeof n2);
		return n2;
	default:
		return *at;
	}
}

void field_set(uint8_t *at, size_t unit, uint64_t number)
{
	const uint32_t n4 = (uint32_t)number;
	const uint16_t n2 = (uint16_t)number;

	switch (unit) {
	case 8:
		memcpy(at, &number, sizeof number);
		break;
	case 4:
		memcpy(at, &n4, sizeof n4);
		break;
	case 2:
		memcpy(at, &n2, sizeof n2);
		break;
	default:
		*at = (uint8_t)number;
	}
}

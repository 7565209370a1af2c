/* SPDX-License-Identifier: MIT */
/*
 * Holds docs/segment-format.md against layout.h: every field of every struct is in the page's
 * table at its offset and with its size, in order, and the page knows no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/layout.h>

struct field {
	const char *name;
	size_t offset;
	size_t bytes;
};

struct layout {
	const char *name;
	size_t bytes;
	const struct field *fields;
	size_t field_count;
};

#define FIELD(type, field)                                                              \
	{                                                                               \
#field, offsetof(struct type, field), sizeof(((struct type *)0)->field) \
	}
#define LAYOUT(type)                                                   \
	{                                                              \
#type, sizeof(struct type), type##_fields,             \
			sizeof type##_fields / sizeof type##_fields[0] \
	}

static const struct field ring_header_fields[] = {
	FIELD(ring_header, magic),
	FIELD(ring_header, endian_mark),
	FIELD(ring_header, version_major),
	FIELD(ring_header, version_minor),
	FIELD(ring_header, header_bytes),
	FIELD(ring_header, features_required),
	FIELD(ring_header, features_optional),
	FIELD(ring_header, core_count),
	FIELD(ring_header, slot_count),
	FIELD(ring_header, burst_max),
	FIELD(ring_header, metric_capacity),
	FIELD(ring_header, series_capacity),
	FIELD(ring_header, cell_capacity),
	FIELD(ring_header, reserved_a),
	FIELD(ring_header, segment_bytes),
	FIELD(ring_header, heap_bytes),
	FIELD(ring_header, metrics_offset),
	FIELD(ring_header, series_offset),
	FIELD(ring_header, heap_offset),
	FIELD(ring_header, cores_offset),
	FIELD(ring_header, core_stride),
	FIELD(ring_header, control_offset),
	FIELD(ring_header, schema_hash),
	FIELD(ring_header, uuid),
	FIELD(ring_header, predecessor),
	FIELD(ring_header, boot_id),
	FIELD(ring_header, created_realtime_ns),
	FIELD(ring_header, created_monotonic_ns),
	FIELD(ring_header, name),
	FIELD(ring_header, metric_count),
	FIELD(ring_header, series_count),
	FIELD(ring_header, heap_used),
	FIELD(ring_header, owner_pid),
	FIELD(ring_header, owner_started_realtime_ns),
	FIELD(ring_header, owner_count),
	FIELD(ring_header, definitions_refused),
	FIELD(ring_header, labels_refused),
	FIELD(ring_header, claims_refused),
	FIELD(ring_header, overflowed),
	FIELD(ring_header, series_changes),
	FIELD(ring_header, reserved_b),
};

static const struct field ring_metric_entry_fields[] = {
	FIELD(ring_metric_entry, name),          FIELD(ring_metric_entry, help),
	FIELD(ring_metric_entry, unit),          FIELD(ring_metric_entry, label_keys),
	FIELD(ring_metric_entry, bounds_offset), FIELD(ring_metric_entry, bound_count),
	FIELD(ring_metric_entry, kind),          FIELD(ring_metric_entry, merge),
	FIELD(ring_metric_entry, label_count),   FIELD(ring_metric_entry, flags),
	FIELD(ring_metric_entry, state_default), FIELD(ring_metric_entry, series_max),
	FIELD(ring_metric_entry, cell_first),    FIELD(ring_metric_entry, series_cells),
	FIELD(ring_metric_entry, overflow_max),  FIELD(ring_metric_entry, overflow_labels),
	FIELD(ring_metric_entry, named_count),   FIELD(ring_metric_entry, overflowed),
	FIELD(ring_metric_entry, refused_count), FIELD(ring_metric_entry, refused),
};

static const struct field ring_series_entry_fields[] = {
	FIELD(ring_series_entry, generation), FIELD(ring_series_entry, labels),
	FIELD(ring_series_entry, metric),     FIELD(ring_series_entry, cell),
	FIELD(ring_series_entry, flags),      FIELD(ring_series_entry, labels_room),
};

static const struct field ring_core_fields[] = {
	FIELD(ring_core, write_pos),   FIELD(ring_core, padding_a),  FIELD(ring_core, first_pos),
	FIELD(ring_core, claim_count), FIELD(ring_core, writer_tid), FIELD(ring_core, padding_b),
};

static const struct field ring_slot_fields[] = {
	FIELD(ring_slot, timestamp_ns),
	FIELD(ring_slot, value),
	FIELD(ring_slot, key),
};

static const struct field ring_span_fields[] = {
	FIELD(ring_span, offset),
	FIELD(ring_span, bytes),
};

static const struct layout layouts[] = {
	LAYOUT(ring_header), LAYOUT(ring_metric_entry), LAYOUT(ring_series_entry),
	LAYOUT(ring_span),   LAYOUT(ring_core),         LAYOUT(ring_slot),
};

static void fields_above_cover_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
		size_t end = 0;
		for (size_t f = 0; f < layouts[i].field_count; f++) {
			assert_int_equal(layouts[i].fields[f].offset, end);
			end += layouts[i].fields[f].bytes;
		}
		assert_int_equal(layouts[i].bytes, end);
	}
}

static FILE *open_page(void)
{
	char path[4096];
	const char *docs = getenv("DOCS");

	snprintf(path, sizeof path, "%s/segment-format.md", docs ? docs : "docs");
	FILE *page = fopen(path, "r");
	if (!page)
		fail_msg("%s: cannot be read", path);
	return page;
}

/* Table rows read `| 0 | 8 | `field` | ...`; a struct's table follows its name in a heading. */
static size_t check_struct(FILE *page, const struct layout *layout)
{
	char line[512], name[64];
	size_t offset, bytes, count = 0;

	while (fgets(line, sizeof line, page) && line[0] != '#') {
		if (sscanf(line, "| %zu | %zu | `%63[a-z0-9_]`", &offset, &bytes, name) != 3)
			continue;
		if (count == layout->field_count)
			fail_msg("%s: the page has one more: %s", layout->name, name);
		const struct field *field = &layout->fields[count++];
		if (strcmp(name, field->name) != 0 || offset != field->offset ||
		    bytes != field->bytes)
			fail_msg("%s: the page says %zu %zu %s, the header %zu %zu %s",
				 layout->name, offset, bytes, name, field->offset, field->bytes,
				 field->name);
	}
	if (line[0] == '#')
		fseek(page, -(long)strlen(line), SEEK_CUR);
	return count;
}

static void format_page_agrees_with_the_header(void **state)
{
	FILE *page = open_page();
	char line[512], name[64];
	size_t size, found = 0;

	(void)state;
	while (fgets(line, sizeof line, page)) {
		if (sscanf(line, "## `struct %63[a-z_]`, %zu bytes", name, &size) != 2)
			continue;
		for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
			if (strcmp(layouts[i].name, name) != 0)
				continue;
			assert_int_equal(size, layouts[i].bytes);
			assert_int_equal(check_struct(page, &layouts[i]), layouts[i].field_count);
			found++;
		}
	}
	fclose(page);
	assert_int_equal(found, sizeof layouts / sizeof layouts[0]);
}

/* Every limit of layout.h that the page names stands there with its value. */
static void format_page_states_the_limits(void **state)
{
	static const struct {
		const char *name;
		unsigned long value;
	} limits[] = {
		{"RING_NAME_MAX", RING_NAME_MAX},
		{"RING_CORES_MAX", RING_CORES_MAX},
		{"RING_SLOTS_MAX", RING_SLOTS_MAX},
		{"RING_METRICS_MAX", RING_METRICS_MAX},
		{"RING_SERIES_MAX", RING_SERIES_MAX},
		{"RING_CELLS_MAX", RING_CELLS_MAX},
		{"RING_HEAP_MAX", RING_HEAP_MAX},
		{"RING_SEGMENT_MAX", RING_SEGMENT_MAX},
		{"RING_METRIC_NAME_MAX", RING_METRIC_NAME_MAX},
		{"RING_LABEL_KEY_MAX", RING_LABEL_KEY_MAX},
		{"RING_LABEL_VALUE_MAX", RING_LABEL_VALUE_MAX},
		{"RING_HELP_MAX", RING_HELP_MAX},
		{"RING_LABELS_MAX", RING_LABELS_MAX},
		{"RING_BOUNDS_MAX", RING_BOUNDS_MAX},
	};
	FILE *page = open_page();
	char line[512], name[64];
	unsigned long value;
	size_t found = 0;

	(void)state;
	while (fgets(line, sizeof line, page)) {
		if (sscanf(line, "| `%63[A-Z_]` | %lu |", name, &value) != 2)
			continue;
		for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
			if (strcmp(limits[i].name, name) == 0) {
				assert_int_equal(limits[i].value, value);
				found++;
			}
	}
	fclose(page);
	assert_int_equal(found, sizeof limits / sizeof limits[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_above_cover_every_byte),
		cmocka_unit_test(format_page_agrees_with_the_header),
		cmocka_unit_test(format_page_states_the_limits),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}

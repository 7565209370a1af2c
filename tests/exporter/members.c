/* SPDX-License-Identifier: MIT */
/* Members of thin air; see members.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ring/record.h>

#include "aggregate/snapshot.h"
#include "members.h"
#include "render/render.h"

int members_make(void **state)
{
	*state = aggregate_create();
	return *state ? 0 : -1;
}

int members_unmake(void **state)
{
	aggregate_destroy(*state);
	return 0;
}

static struct ring_text text_of(const char *string)
{
	return (struct ring_text){string, (uint32_t)strlen(string)};
}

struct ring_metric_info members_metric(enum ring_kind kind, enum ring_merge merge, const char *name,
				       const char *key_a, const char *key_b)
{
	struct ring_metric_info metric = {
		.name = text_of(name),
		.help = text_of("Help."),
		.unit = text_of(""),
		.kind = kind,
		.merge = merge,
		.series_cells = kind == RING_COUNTER ? 1 : 2,
	};

	if (key_a)
		metric.label_keys[metric.label_count++] = text_of(key_a);
	if (key_b)
		metric.label_keys[metric.label_count++] = text_of(key_b);
	metric.overflow_max = metric.label_count > 0;
	return metric;
}

struct ring_metric_info members_histogram(const char *name, const char *key)
{
	static const double bounds[] = {1, 2.5};
	struct ring_metric_info metric = members_metric(RING_HISTOGRAM, RING_SUM, name, key, NULL);

	metric.bounds = bounds;
	metric.bound_count = 2;
	metric.series_cells = 4;
	return metric;
}

struct ring_metric_info members_stateset(const char *name, const char *key)
{
	struct ring_metric_info metric = members_metric(RING_STATESET, RING_LAST, name, key, NULL);

	metric.states = text_of("\4idle\5ready\1\"");
	metric.state_count = 3;
	metric.state_default = 1;
	return metric;
}

struct aggregate_member *members_join(struct aggregate *aggregate, const char *name, uint8_t uuid,
				      uint8_t predecessor, uint32_t core_count)
{
	struct identity identity = {.uuid = {uuid}, .predecessor = {predecessor}};
	struct aggregate_member *member;

	assert_true(strlen(name) < sizeof identity.name);
	memcpy(identity.name, name, strlen(name) + 1);
	assert_int_equal(aggregate_join(aggregate, &member, &identity, core_count), 0);
	return member;
}

void members_add_metric(struct aggregate_member *member, struct ring_metric_info metric)
{
	assert_int_equal(aggregate_add_metric(member, &metric), 0);
}

void members_add_series(struct aggregate_member *member, uint32_t metric, const char *value_a,
			const char *value_b)
{
	const char *const values[] = {value_a, value_b};
	char packed[512];
	uint32_t bytes = 0;

	for (int i = 0; i < 2 && values[i]; i++) {
		const size_t length = strlen(values[i]);
		packed[bytes++] = (char)length;
		memcpy(packed + bytes, values[i], length);
		bytes += (uint32_t)length;
	}
	assert_int_equal(aggregate_add_series(member, metric, (struct ring_text){packed, bytes}),
			 0);
}

void members_count(struct aggregate_member *member, uint32_t series, uint32_t core, uint64_t total)
{
	aggregate_set(member, series, core, &total);
}

void members_gauge(struct aggregate_member *member, uint32_t series, uint32_t core, double value,
		   uint64_t time_ns)
{
	aggregate_set(member, series, core, (uint64_t[]){ring_bits_of(value), time_ns});
}

static char *page(struct aggregate *aggregate, enum format format, size_t bytes_max)
{
	const uint64_t *cells;
	struct catalog *catalog;
	struct text text;

	assert_int_equal(aggregate_view(aggregate, &catalog, &cells), 0);
	text_init(&text, bytes_max);
	struct lines *lines = lines_create(catalog, bytes_max, true);
	assert_non_null(lines);
	assert_int_equal(lines->left_out_count, 0);
	render_lines(&text, format, lines, cells);
	lines_destroy(lines);
	text_append(&text, "", 1);
	assert_int_equal(text.error, 0);
	return text.data;
}

char *members_page(struct aggregate *aggregate)
{
	return members_page_of(aggregate, 1u << 20);
}

char *members_page_of(struct aggregate *aggregate, size_t bytes_max)
{
	return page(aggregate, FORMAT_TEXT, bytes_max);
}

char *members_page_in(struct aggregate *aggregate, enum format format)
{
	return page(aggregate, format, 1u << 20);
}

static int page_has(const char *page, const char *line)
{
	const size_t bytes = strlen(line);

	for (const char *at = page; (at = strstr(at, line)); at++)
		if ((at == page || at[-1] == '\n') && at[bytes] == '\n')
			return 1;
	return 0;
}

static void check(struct aggregate *aggregate, const char *line, int wanted)
{
	char *page = members_page(aggregate);

	if (page_has(page, line) != wanted)
		fail_msg("%s: %s\n%s", wanted ? "missing" : "unwanted", line, page);
	free(page);
}

void members_expect(struct aggregate *aggregate, const char *line)
{
	check(aggregate, line, 1);
}

void members_expect_not(struct aggregate *aggregate, const char *line)
{
	check(aggregate, line, 0);
}

void members_publish(struct aggregate *data, struct aggregate *self)
{
	struct aggregate *const parts[] = {[SNAPSHOT_SELF] = self, [SNAPSHOT_DATA] = data};
	struct snapshot_values values[SNAPSHOT_PART_COUNT];

	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++) {
		struct snapshot_values *shown = &values[part];
		assert_int_equal(aggregate_view(parts[part], &shown->catalog, &shown->cells), 0);
		shown->observed = aggregate_observed(parts[part], &shown->observed_count);
	}
	assert_int_equal(snapshot_publish(values), 0);
}

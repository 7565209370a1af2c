/* SPDX-License-Identifier: MIT */
/* Metrics of the exporter's own; see own.h. */
#include <string.h>

#include <ring/record.h>

#include "own.h"

#define OWN_PACKED_MAX (OWN_LABELS_MAX * (1 + RING_LABEL_VALUE_MAX))

static struct ring_text text_of(const char *string)
{
	return (struct ring_text){string, (uint32_t)strlen(string)};
}

int own_reserve(struct aggregate *data, const struct own_metric *metrics, uint32_t count)
{
	int error = 0;

	for (uint32_t i = 0; i < count && error == 0; i++)
		error = aggregate_reserve(data, text_of(metrics[i].name));
	return error;
}

bool own_uses_label(const struct own_metric *metrics, uint32_t count, struct ring_text key)
{
	for (uint32_t i = 0; i < count; i++) {
		for (unsigned label = 0; label < OWN_LABELS_MAX; label++) {
			const char *used = metrics[i].label_keys[label];
			if (used && strlen(used) == key.bytes &&
			    memcmp(used, key.data, key.bytes) == 0)
				return true;
		}
	}
	return false;
}

/* The unit at the end of a name; none is none. */
static struct ring_text unit_of(const char *name)
{
	static const char *const units[] = {"seconds", "bytes"};
	const char *total = strstr(name, "_total");
	const size_t bytes = total ? (size_t)(total - name) : strlen(name);

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		const size_t unit_bytes = strlen(units[i]);
		if (bytes > unit_bytes && name[bytes - unit_bytes - 1] == '_' &&
		    memcmp(name + bytes - unit_bytes, units[i], unit_bytes) == 0)
			return text_of(units[i]);
	}
	return text_of("");
}

static int add_metric(struct aggregate_member *member, const struct own_metric *from)
{
	struct ring_metric_info metric = {
		.name = text_of(from->name),
		.help = text_of(from->help),
		.unit = unit_of(from->name),
		.kind = from->kind,
		/* Labels of refused names may be shown alike. */
		.merge = from->kind == RING_GAUGE ? RING_MAX : RING_SUM,
		.series_cells = from->kind == RING_COUNTER ? 1 : 2,
	};

	for (unsigned i = 0; i < OWN_LABELS_MAX && from->label_keys[i]; i++)
		metric.label_keys[metric.label_count++] = text_of(from->label_keys[i]);
	return aggregate_add_metric(member, &metric);
}

int own_join(struct aggregate *aggregate, struct aggregate_member **member,
	     const struct own_metric *metrics, uint32_t count)
{
	const struct identity nobody = {.name = ""};
	int error = aggregate_join(aggregate, member, &nobody, 1);

	if (error) {
		*member = NULL;
		return error;
	}
	for (uint32_t i = 0; i < count && error == 0; i++)
		error = add_metric(*member, &metrics[i]);
	if (error)
		own_leave(member);
	return error;
}

void own_leave(struct aggregate_member **member)
{
	if (*member)
		aggregate_drop(*member);
	*member = NULL;
}

/* Packs label values, cut where they are too long. */
static struct ring_text pack(char packed[OWN_PACKED_MAX], const struct ring_text *values,
			     unsigned count)
{
	struct ring_text labels = {packed, 0};

	for (unsigned i = 0; i < count; i++) {
		const uint32_t bytes = values[i].bytes < RING_LABEL_VALUE_MAX
					       ? values[i].bytes
					       : RING_LABEL_VALUE_MAX;
		packed[labels.bytes++] = (char)bytes;
		memcpy(packed + labels.bytes, values[i].data, bytes);
		labels.bytes += bytes;
	}
	return labels;
}

int own_add_series(struct aggregate_member *member, uint32_t metric, const char *value_a,
		   const char *value_b)
{
	const struct ring_text values[] = {text_of(value_a ? value_a : ""),
					   text_of(value_b ? value_b : "")};
	const unsigned count = value_b ? 2 : value_a ? 1 : 0;
	char packed[OWN_PACKED_MAX];

	return aggregate_add_series(member, metric, pack(packed, values, count));
}

int own_name_series(struct aggregate_member *member, uint32_t series, uint32_t metric,
		    const struct ring_text *values, unsigned count)
{
	char packed[OWN_PACKED_MAX];

	return aggregate_name_series(member, series, metric, pack(packed, values, count));
}

void own_set_counter(struct aggregate_member *member, uint32_t series, uint64_t total)
{
	aggregate_set(member, series, 0, &total);
}

static void set_bits(struct aggregate_member *member, uint32_t series, uint64_t bits)
{
	const uint64_t cells[2] = {bits, 0};

	aggregate_set(member, series, 0, cells);
}

void own_set_gauge(struct aggregate_member *member, uint32_t series, double value)
{
	set_bits(member, series, ring_bits_of(value));
}

void own_unset_gauge(struct aggregate_member *member, uint32_t series)
{
	set_bits(member, series, RING_GAUGE_UNSET);
}

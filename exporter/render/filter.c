/* SPDX-License-Identifier: MIT */
/* Words and what they match; see filter.h. */
#include <string.h>

#include "filter.h"

/* The letters of parameters in `words`. */
enum { NAME = 'n', SEGMENT = 's', CORE = 'c', COLLECT = '+', EXCLUDE = '-' };

static const struct {
	const char *name;
	char letter;
} parameters[] = {
	{"name[]", NAME},       {"segment", SEGMENT},   {"core", CORE},
	{"collect[]", COLLECT}, {"exclude[]", EXCLUDE},
};

enum part { PART_PROCESS, PART_EXPORTER, PART_REPLICATION, PART_SEGMENTS, PART_DATA, PART_COUNT };

/* A metric of the exporter's own is of the first part whose prefix it has. */
static const struct {
	const char *name, *prefix;
} parts[PART_COUNT] = {
	[PART_PROCESS] = {"process", "process_"},
	[PART_EXPORTER] = {"exporter", "ring_exporter_"},
	[PART_REPLICATION] = {"replication", "replication_"},
	[PART_SEGMENTS] = {"segments", ""},
	[PART_DATA] = {"data", NULL},
};

static enum filter_fault add_part(unsigned *chosen, const char *name)
{
	for (unsigned part = 0; part < PART_COUNT; part++) {
		if (strcmp(name, parts[part].name) != 0)
			continue;
		*chosen |= 1u << part;
		return FILTER_FINE;
	}
	return FILTER_NO_PART;
}

static enum filter_fault add_word(struct filter *filter, char letter, const char *value)
{
	const size_t bytes = strlen(value) + 1;

	if (bytes + 1 > sizeof filter->words - filter->bytes)
		return FILTER_TOO_LONG;
	filter->words[filter->bytes++] = letter;
	memcpy(filter->words + filter->bytes, value, bytes);
	filter->bytes += bytes;
	if (letter == COLLECT)
		return add_part(&filter->collected, value);
	return letter == EXCLUDE ? add_part(&filter->excluded, value) : FILTER_FINE;
}

enum filter_fault filter_add(struct filter *filter, const char *parameter, const char *value)
{
	enum filter_fault fault = FILTER_FINE;

	for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
		if (strcmp(parameter, parameters[i].name) == 0)
			fault = add_word(filter, parameters[i].letter, value);
	return fault == FILTER_FINE && filter->collected && filter->excluded ? FILTER_CONTRADICTORY
									     : fault;
}

/* The next value of the parameter after `value`, the first one after NULL; NULL: no more. */
static const char *next_value(const struct filter *filter, char letter, const char *value)
{
	const char *word = value ? value + strlen(value) + 1 : filter->words;

	for (; word < filter->words + filter->bytes; word += strlen(word) + 1)
		if (*word == letter)
			return word + 1;
	return NULL;
}

static bool has_name(const struct ring_metric_info *metric, const char *name)
{
	static const char *const suffixes[] = {"", "_bucket", "_sum", "_count"};
	const size_t suffix_count = metric->kind == RING_HISTOGRAM ? 4 : 1;

	if (strncmp(name, metric->name.data, metric->name.bytes) != 0)
		return false;
	for (size_t i = 0; i < suffix_count; i++)
		if (strcmp(name + metric->name.bytes, suffixes[i]) == 0)
			return true;
	return false;
}

static bool begins_with(struct ring_text name, const char *prefix)
{
	const size_t bytes = strlen(prefix);

	return name.bytes >= bytes && memcmp(name.data, prefix, bytes) == 0;
}

static unsigned part_of(const struct ring_metric_info *metric, bool is_data)
{
	unsigned part = 0;

	if (is_data)
		return PART_DATA;
	while (!begins_with(metric->name, parts[part].prefix))
		part++;
	return part;
}

bool filter_takes_metric(const struct filter *filter, const struct ring_metric_info *metric,
			 bool is_data)
{
	const unsigned part = 1u << part_of(metric, is_data);
	const char *name = NULL;

	if ((filter->collected && !(filter->collected & part)) || (filter->excluded & part))
		return false;
	while ((name = next_value(filter, NAME, name)))
		if (has_name(metric, name))
			return true;
	return !next_value(filter, NAME, NULL);
}

/* The value of the label with that key, or NULL. */
static const char *label_of(const struct ring_metric_info *metric, const char *labels,
			    const char *key)
{
	const size_t bytes = strlen(key);

	for (uint32_t i = 0; i < metric->label_count; i++) {
		const struct ring_text have = metric->label_keys[i];
		if (have.bytes == bytes && memcmp(have.data, key, bytes) == 0)
			return labels;
		labels += strlen(labels) + 1;
	}
	return NULL;
}

bool filter_takes_series(const struct filter *filter, const struct ring_metric_info *metric,
			 const char *labels)
{
	static const struct {
		char letter;
		const char *key;
	} wanted[] = {{SEGMENT, "segment"}, {CORE, "core"}};

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		const char *value = next_value(filter, wanted[i].letter, NULL);
		if (!value)
			continue;
		const char *label = label_of(metric, labels, wanted[i].key);
		while (label && value && strcmp(value, label) != 0)
			value = next_value(filter, wanted[i].letter, value);
		if (!label || !value)
			return false;
	}
	return true;
}

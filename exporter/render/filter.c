/* SPDX-License-Identifier: MIT */
/* Words and what they match; see filter.h. Of many series each is looked up among the words, so
 * these are found by halves. */
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

/* How many words come before this one. */
static unsigned place_of(const struct filter *filter, char letter, const char *value)
{
	unsigned low = 0, high = filter->word_count;

	while (low < high) {
		const unsigned middle = (low + high) / 2;
		const char *word = filter->words + filter->sorted[middle];
		const int order = *word == letter ? strcmp(word + 1, value) : *word - letter;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The value of the word there, or NULL if it is none of this parameter. */
static const char *value_at(const struct filter *filter, char letter, unsigned place)
{
	if (place == filter->word_count || filter->words[filter->sorted[place]] != letter)
		return NULL;
	return filter->words + filter->sorted[place] + 1;
}

static bool has_any(const struct filter *filter, char letter)
{
	return value_at(filter, letter, place_of(filter, letter, "")) != NULL;
}

static bool has_value(const struct filter *filter, char letter, const char *value)
{
	const char *found = value_at(filter, letter, place_of(filter, letter, value));

	return found && strcmp(found, value) == 0;
}

static enum filter_fault add_word(struct filter *filter, char letter, const char *value)
{
	const unsigned place = place_of(filter, letter, value);
	uint16_t *sorted = filter->sorted + place;
	const size_t bytes = strlen(value) + 1;

	if (bytes + 1 > sizeof filter->words - filter->bytes)
		return FILTER_TOO_LONG;
	memmove(sorted + 1, sorted, (filter->word_count++ - place) * sizeof *sorted);
	*sorted = (uint16_t)filter->bytes;
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
	unsigned place = place_of(filter, NAME, "");
	const char *name;

	if ((filter->collected && !(filter->collected & part)) || (filter->excluded & part))
		return false;
	if (!has_any(filter, NAME))
		return true;
	for (; (name = value_at(filter, NAME, place)); place++)
		if (has_name(metric, name))
			return true;
	return false;
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
		if (!has_any(filter, wanted[i].letter))
			continue;
		const char *label = label_of(metric, labels, wanted[i].key);
		if (!label || !has_value(filter, wanted[i].letter, label))
			return false;
	}
	return true;
}

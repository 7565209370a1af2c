/* SPDX-License-Identifier: MIT */
/*
 * The rules are those of promlint, client_golang v1.14, which `promtool check metrics` 2.42
 * runs: base units, reserved suffixes and labels, no type in the name, no colon, snake_case, no
 * abbreviated unit. Stricter here, so that no name passes that any version of it refuses: the
 * reserved suffixes and labels for every kind, every unit in a name, and "untyped". The suffix
 * _created is OpenMetrics' own. Names of the exporter's own families are taken.
 */
#include "names.h"

#include <string.h>
#include <strings.h>

#include "export.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_lower(c) || is_upper(c) || is_digit(c) || c == '_';
}

static bool starts_with(const char *text, size_t bytes, const char *prefix)
{
	const size_t length = strlen(prefix);

	return bytes >= length && memcmp(text, prefix, length) == 0;
}

static bool ends_with(const char *text, size_t bytes, const char *suffix)
{
	const size_t length = strlen(suffix);

	return bytes >= length && memcmp(text + bytes - length, suffix, length) == 0;
}

static bool equals(const char *text, size_t bytes, const char *other)
{
	return bytes == strlen(other) && memcmp(text, other, bytes) == 0;
}

RING_EXPORT int ring_segment_name_ok(const char *name, size_t bytes)
{
	if (bytes == 0 || bytes > RING_NAME_MAX || name[0] == '.')
		return false;
	for (size_t i = 0; i < bytes; i++)
		if (!is_word(name[i]) && name[i] != '.' && name[i] != '-')
			return false;
	return true;
}

static bool is_identifier(const char *text, size_t bytes)
{
	if (bytes == 0 || is_digit(text[0]))
		return false;
	for (size_t i = 0; i < bytes; i++)
		if (!is_word(text[i]))
			return false;
	return true;
}

static bool is_camel(const char *text, size_t bytes)
{
	for (size_t i = 1; i < bytes; i++)
		if (is_lower(text[i - 1]) && is_upper(text[i]))
			return true;
	return false;
}

const char *ring_metric_name_fault(const char *name, size_t bytes, enum ring_kind kind)
{
	static const char *const reserved_suffixes[] = {"_bucket", "_count", "_sum", "_created"};

	if (bytes > RING_METRIC_NAME_MAX)
		return "a metric name has at most 200 bytes";
	if (memchr(name, ':', bytes))
		return "metric names should not contain ':', which is for recording rules";
	if (!is_identifier(name, bytes))
		return "a metric name is letters, digits and '_', not starting with a digit";
	if (starts_with(name, bytes, "ring_") || starts_with(name, bytes, "process_"))
		return "names that begin with 'ring_' or 'process_' are the exporter's own";
	if (kind == RING_COUNTER && !ends_with(name, bytes, "_total"))
		return "counter metrics should have \"_total\" suffix";
	if (kind != RING_COUNTER && ends_with(name, bytes, "_total"))
		return "non-counter metrics should not have \"_total\" suffix";
	for (size_t i = 0; i < COUNT(reserved_suffixes); i++)
		if (ends_with(name, bytes, reserved_suffixes[i]))
			return "_bucket, _count, _sum and _created belong to the exposition";
	return NULL;
}

/* A unit that is not the base one, with or without a metric or binary prefix. */
static bool is_foreign_unit(const char *token, size_t bytes)
{
	static const char *const prefixes[] = {
		"",     "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo",
		"kibi", "mega", "mibi", "giga",  "gibi",  "tera",  "tebi", "peta", "pebi",
	};
	static const char *const base_units[] = {
		"amperes", "bytes",  "celsius", "grams",   "joules",
		"kelvin",  "meters", "metres",  "seconds", "volts",
	};
	static const char *const other_units[] = {
		"minutes", "hours", "days",  "weeks", "kelvins",  "fahrenheit", "rankine",
		"inches",  "yards", "miles", "bits",  "calories", "pounds",     "ounces",
	};

	for (size_t p = 0; p < COUNT(prefixes); p++) {
		if (!starts_with(token, bytes, prefixes[p]))
			continue;
		const char *unit = token + strlen(prefixes[p]);
		const size_t unit_bytes = bytes - strlen(prefixes[p]);
		for (size_t u = 0; u < COUNT(base_units) && p > 0; u++)
			if (equals(unit, unit_bytes, base_units[u]))
				return true;
		for (size_t u = 0; u < COUNT(other_units); u++)
			if (equals(unit, unit_bytes, other_units[u]))
				return true;
	}
	return false;
}

/* Whatever the case, as in promlint. */
static bool is_one_of(const char *token, size_t bytes, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes == strlen(words[i]) && strncasecmp(token, words[i], bytes) == 0)
			return true;
	return false;
}

/* Judges the part of the name that starts at `begin`, up to the next '_'. */
static const char *token_lint(const char *name, size_t begin, size_t end)
{
	static const char *const types[] = {"counter", "gauge", "summary", "untyped", "histogram"};
	static const char *const abbreviations[] = {
		"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d",
	};
	const char *token = name + begin;
	const size_t bytes = end - begin;

	if (is_foreign_unit(token, bytes))
		return "use a base unit, as seconds or bytes, without a prefix";
	if (begin == 0)
		return NULL;
	if (is_one_of(token, bytes, types, COUNT(types)))
		return "metric name should not include type";
	if (is_one_of(token, bytes, abbreviations, COUNT(abbreviations)))
		return "metric names should not contain abbreviated units";
	return NULL;
}

const char *ring_metric_name_lint(const char *name, size_t bytes)
{
	if (is_camel(name, bytes))
		return "metric names should be written in 'snake_case' not 'camelCase'";
	for (size_t begin = 0; begin <= bytes;) {
		const char *stop = memchr(name + begin, '_', bytes - begin);
		const size_t end = stop ? (size_t)(stop - name) : bytes;
		const char *broken = token_lint(name, begin, end);
		if (broken)
			return broken;
		begin = end + 1;
	}
	return NULL;
}

const char *ring_label_key_fault(const char *key, size_t bytes)
{
	if (bytes > RING_LABEL_KEY_MAX)
		return "a label name has at most 100 bytes";
	if (!is_identifier(key, bytes))
		return "a label name is letters, digits and '_', not starting with a digit";
	if (starts_with(key, bytes, "__"))
		return "label names with '__' in front are Prometheus' own";
	if (equals(key, bytes, "le") || equals(key, bytes, "quantile"))
		return "the labels \"le\" and \"quantile\" are made by the exposition";
	return NULL;
}

const char *ring_label_key_lint(const char *key, size_t bytes)
{
	if (is_camel(key, bytes))
		return "label names should be written in 'snake_case' not 'camelCase'";
	return NULL;
}

bool ring_metric_name_has_unit(const char *name, size_t bytes, const char *unit, size_t unit_bytes)
{
	if (ends_with(name, bytes, "_total"))
		bytes -= strlen("_total");
	return bytes > unit_bytes && name[bytes - unit_bytes - 1] == '_' &&
	       memcmp(name + bytes - unit_bytes, unit, unit_bytes) == 0;
}

RING_EXPORT const char *ring_metric_name_judge(struct ring_text name, enum ring_kind kind,
					       struct ring_text unit)
{
	const char *broken = ring_metric_name_fault(name.data, name.bytes, kind);

	if (!broken)
		broken = ring_metric_name_lint(name.data, name.bytes);
	if (!broken && unit.bytes > 0 &&
	    !ring_metric_name_has_unit(name.data, name.bytes, unit.data, unit.bytes))
		broken = "the name should end with the unit, before any \"_total\"";
	/* The states' label has the metric's name. */
	if (!broken && kind == RING_STATESET)
		broken = ring_label_key_fault(name.data, name.bytes);
	return broken;
}

RING_EXPORT const char *ring_label_key_judge(struct ring_text key)
{
	return ring_label_key_fault(key.data, key.bytes);
}

/* Length of the well-formed sequence at `text` (Unicode table 3-7), or 0. */
static size_t utf8_sequence(const unsigned char *text, size_t bytes)
{
	const unsigned char lead = text[0];
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		length = 2;
	else if (lead >= 0xe0 && lead <= 0xef)
		length = 3;
	else if (lead >= 0xf0 && lead <= 0xf4)
		length = 4;
	else
		return 0;
	if (lead == 0xe0)
		low = 0xa0; /* no overlong form */
	if (lead == 0xed)
		high = 0x9f; /* no surrogate */
	if (lead == 0xf0)
		low = 0x90;
	if (lead == 0xf4)
		high = 0x8f; /* nothing beyond U+10FFFF */
	if (bytes < length || text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return length;
}

bool ring_utf8_ok(const char *text, size_t bytes)
{
	while (bytes > 0) {
		const size_t length = utf8_sequence((const unsigned char *)text, bytes);
		if (length == 0)
			return false;
		text += length;
		bytes -= length;
	}
	return true;
}

const char *ring_state_fault(const char *name, size_t bytes)
{
	if (bytes == 0)
		return "a state has a name"; /* an empty label would be none */
	if (bytes > RING_LABEL_VALUE_MAX)
		return "a state's name has at most 255 bytes";
	/* Elsewhere both would be made valid, and two of one name by it. */
	if (memchr(name, 0, bytes) || !ring_utf8_ok(name, bytes))
		return "a state's name is not UTF-8";
	return NULL;
}

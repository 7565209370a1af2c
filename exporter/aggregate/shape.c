/* SPDX-License-Identifier: MIT */
/* What is shown instead of what there is; see shape.h. */
#include <assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ring/metric.h>

#include "base/pattern.h"
#include "base/text.h"
#include "shape.h"

#define WILDCARDS "*?[\\"

static_assert(RING_LABELS_MAX + 2 + SHAPE_LABELS_MAX <= RING_INFO_LABELS_MAX, "there is room");

static struct ring_text text_of(const char *string)
{
	return (struct ring_text){string, (uint32_t)strlen(string)};
}

static bool is_same(struct ring_text a, struct ring_text b)
{
	return a.bytes == b.bytes && memcmp(a.data, b.data, a.bytes) == 0;
}

/* Whether every byte of it would be shown as it is. */
static bool is_utf8(const char *value)
{
	struct text shown;

	text_init(&shown, 3 * RING_LABEL_VALUE_MAX);
	text_utf8(&shown, value, strlen(value));
	const bool same = !shown.error && shown.bytes == strlen(value) &&
			  memcmp(shown.data, value, shown.bytes) == 0;
	text_release(&shown);
	return same;
}

const char *shape_label_parse(const char *text, struct shape_labels *labels)
{
	const char *equals = strchr(text, '=');
	const struct ring_text name = {text, equals ? (uint32_t)(equals - text) : 0};

	if (name.bytes == 0 || equals[1] == '\0')
		return "must be NAME=VALUE";
	if (strlen(equals + 1) > RING_LABEL_VALUE_MAX)
		return "has a value of more than 255 bytes";
	if (!is_utf8(equals + 1))
		return "has a value that is not UTF-8";
	if (labels->count == SHAPE_LABELS_MAX)
		return "given too often";
	for (uint32_t i = 0; i < labels->count; i++)
		if (is_same(labels->names[i], name))
			return "has a name that is there already";
	labels->names[labels->count] = name;
	labels->values[labels->count++] = text_of(equals + 1);
	return ring_label_key_judge(name);
}

static const char *take_merge(struct shape_rule *rule, const char *value)
{
	static const char *const words[] = {
		[RING_SUM] = "sum", [RING_LAST] = "last", [RING_MIN] = "min", [RING_MAX] = "max"};

	for (unsigned merge = 0; merge < sizeof words / sizeof *words; merge++) {
		if (strcmp(value, words[merge]) != 0)
			continue;
		rule->merge = (enum ring_merge)merge;
		rule->merges = true;
		return NULL;
	}
	return "merge must be sum, last, min or max";
}

static const char *take_labels(struct shape_rule *rule, const char *value)
{
	rule->split.by_segment = strcmp(value, "segment") == 0;
	rule->split.by_core = strcmp(value, "core") == 0;
	if (strcmp(value, "core+segment") == 0 || strcmp(value, "segment+core") == 0)
		rule->split = (struct shape_split){true, true};
	return rule->split.by_segment || rule->split.by_core
		       ? NULL
		       : "labels must be core, segment or core+segment";
}

/* What it makes of a name is judged for each metric; this cannot be the beginning of any. */
static const char *take_rename(struct shape_rule *rule, const char *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	const size_t bytes = strlen(value);
	const size_t sound = strspn(value, letters);

	if (bytes >= sizeof rule->rename || sound == 0 ||
	    bytes != sound + strspn(value + sound, "0123456789abcdefghijklmnopqrstuvwxyz"
						   "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"))
		return "rename must be the beginning of a metric name";
	memcpy(rule->rename, value, bytes + 1);
	rule->renames = true;
	return NULL;
}

static const char *take_series(struct shape_rule *rule, const char *value)
{
	const size_t digits = strspn(value, "0123456789");

	if (digits > 0 && digits <= 7 && value[digits] == '\0')
		rule->series_max = (uint32_t)atoi(value);
	return rule->series_max > 0 && rule->series_max <= RING_SERIES_MAX
		       ? NULL
		       : "series must be a number from 1 to 1048576";
}

static const char *take_pair(void *subject, const char *key, const char *value)
{
	struct shape_rule *rule = subject;
	const bool is_twice = (rule->merges && strcmp(key, "merge") == 0) ||
			      (rule->renames && strcmp(key, "rename") == 0) ||
			      (rule->series_max > 0 && strcmp(key, "series") == 0) ||
			      ((rule->split.by_segment || rule->split.by_core) &&
			       strcmp(key, "labels") == 0);

	if (is_twice)
		return "has a key twice";
	if (strcmp(key, "merge") == 0)
		return take_merge(rule, value);
	if (strcmp(key, "labels") == 0)
		return take_labels(rule, value);
	if (strcmp(key, "rename") == 0)
		return take_rename(rule, value);
	if (strcmp(key, "series") == 0)
		return take_series(rule, value);
	return "has a key other than merge, labels, rename and series";
}

const char *shape_rule_parse(const char *text, struct shape_rule *rule)
{
	*rule = (struct shape_rule){.merges = false};
	return pattern_parse(text, rule->pattern, sizeof rule->pattern, take_pair, rule);
}

static uint32_t label_count(const struct shape *shape)
{
	return shape->labels ? shape->labels->count : 0;
}

/* NULL: the metric is shown as it is. */
static const struct shape_rule *rule_of(const struct shape *shape, struct ring_text name)
{
	char terminated[RING_METRIC_NAME_MAX + 1] = "";

	if (shape->rule_count == 0)
		return NULL;
	memcpy(terminated, name.data, name.bytes);
	for (size_t i = 0; i < shape->rule_count; i++)
		if (fnmatch(shape->rules[i].pattern, terminated, 0) == 0)
			return &shape->rules[i];
	return NULL;
}

/* Puts the new beginning in place of what the pattern has before its first wildcard. Returns
 * whether that makes a sound name. */
static bool rename_metric(const struct shape_rule *rule, struct shape_metric *shown)
{
	struct ring_text *name = &shown->metric.name;
	const size_t head_bytes = strcspn(rule->pattern, WILDCARDS);
	const int bytes = snprintf(shown->name, sizeof shown->name, "%s%.*s", rule->rename,
				   (int)(name->bytes - head_bytes), name->data + head_bytes);

	if (bytes >= (int)sizeof shown->name)
		return false;
	*name = (struct ring_text){shown->name, (uint32_t)bytes};
	return ring_metric_name_judge(*name, shown->metric.kind, shown->metric.unit) == NULL;
}

/* Each segment keeps to the budget by itself, and then has its overflow series. Kept apart, that is
 * what each core has. */
static uint32_t budget_of(const struct shape_rule *rule, const struct ring_metric_info *metric,
			  uint32_t core_count)
{
	const uint32_t each = metric->series_max + metric->overflow_max;
	uint32_t product = metric->series_max;

	if (rule->series_max > 0)
		return rule->series_max;
	if (rule->split.by_segment ||
	    (rule->split.by_core && __builtin_mul_overflow(each, core_count, &product)))
		return UINT32_MAX;
	return product;
}

static bool has_key(const struct ring_metric_info *metric, struct ring_text key)
{
	for (uint32_t i = 0; i < metric->label_count; i++)
		if (is_same(metric->label_keys[i], key))
			return true;
	return false;
}

static bool add_key(struct ring_metric_info *metric, struct ring_text key)
{
	if (has_key(metric, key))
		return false;
	metric->label_keys[metric->label_count++] = key;
	return true;
}

static bool can_merge(enum ring_kind kind, enum ring_merge merge)
{
	return kind == RING_GAUGE || (kind == RING_STATESET && merge != RING_SUM);
}

static bool apply_rule(const struct shape_rule *rule, uint32_t core_count,
		       struct shape_metric *shown)
{
	struct ring_metric_info *metric = &shown->metric;

	if (rule->merges && can_merge(metric->kind, rule->merge))
		metric->merge = rule->merge;
	metric->series_max = budget_of(rule, metric, core_count);
	if (metric->label_count == 0) {
		metric->overflow_label = text_of(RING_OVERFLOW_LABEL);
		metric->overflow_max = 1;
	}
	shown->split = rule->split;
	return (!rule->split.by_segment || add_key(metric, text_of("segment"))) &&
	       (!rule->split.by_core || add_key(metric, text_of("core"))) &&
	       (!rule->renames || rename_metric(rule, shown));
}

bool shape_metric(const struct shape *shape, const struct ring_metric_info *metric,
		  uint32_t core_count, struct shape_metric *shown)
{
	const struct shape_rule *rule = rule_of(shape, metric->name);
	bool fits = true;

	shown->metric = *metric;
	shown->split = (struct shape_split){false, false};
	if (rule)
		fits = apply_rule(rule, core_count, shown);
	for (uint32_t i = 0; fits && i < label_count(shape); i++)
		fits = add_key(&shown->metric, shape->labels->names[i]);
	/* The states' label has the metric's name. */
	return fits &&
	       !(metric->kind == RING_STATESET && has_key(&shown->metric, shown->metric.name));
}

static void pack(struct ring_text *into, char *packed, struct ring_text value)
{
	packed[into->bytes++] = (char)value.bytes;
	memcpy(packed + into->bytes, value.data, value.bytes);
	into->bytes += value.bytes;
}

struct ring_text shape_series(const struct shape *shape, struct shape_split split,
			      struct ring_text own, const char *segment, uint32_t core,
			      char packed[SHAPE_PACKED_MAX])
{
	struct ring_text all = {packed, own.bytes};
	char number[16];

	if (label_count(shape) == 0 && !split.by_segment && !split.by_core)
		return own;
	memcpy(packed, own.data, own.bytes);
	if (split.by_segment)
		pack(&all, packed, text_of(segment));
	if (split.by_core) {
		snprintf(number, sizeof number, "%u", core);
		pack(&all, packed, text_of(number));
	}
	for (uint32_t i = 0; i < label_count(shape); i++)
		pack(&all, packed, shape->labels->values[i]);
	return all;
}

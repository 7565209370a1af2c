/* SPDX-License-Identifier: MIT */
#include "definition.h"

#include <string.h>

#include "check.h"
#include "hash.h"
#include "names.h"
#include "text.h"

unsigned ring_label_count(const struct ring_metric_def *def)
{
	unsigned count = 0;

	while (count < RING_LABELS_MAX && def->label_keys[count])
		count++;
	return count;
}

unsigned ring_state_count(const struct ring_metric_def *def)
{
	return ring_strings_count(def->states);
}

unsigned ring_bound_count(const struct ring_metric_def *def)
{
	return def->kind == RING_STATESET ? ring_state_count(def) : def->bound_count;
}

unsigned ring_series_max(const struct ring_metric_def *def)
{
	if (ring_label_count(def) == 0)
		return 1;
	return def->series_max ? def->series_max : RING_SERIES_BUDGET;
}

const char *ring_overflow_label(const struct ring_metric_def *def)
{
	return def->overflow_label ? def->overflow_label : RING_OVERFLOW_LABEL;
}

unsigned ring_overflow_max(const struct ring_metric_def *def)
{
	if (ring_label_count(def) == 0)
		return 0;
	/* Beside those that keep labels, the one that keeps none. */
	return def->kept_labels == 0 ? 1 : (def->overflow_max ? def->overflow_max : 1) + 1;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return ring_hash(hash, text ? text : "", (text ? strlen(text) : 0) + 1);
}

uint64_t ring_schema_hash(const struct ring_metric_def *defs, size_t count)
{
	uint64_t hash = RING_HASH_START;

	for (size_t i = 0; i < count; i++) {
		const struct ring_metric_def *def = &defs[i];
		const uint32_t numbers[] = {def->kind,
					    def->merge,
					    ring_label_count(def),
					    ring_bound_count(def),
					    ring_series_max(def),
					    ring_overflow_max(def),
					    def->kept_labels,
					    def->state_default};
		hash = hash_text(hash_text(hash_text(hash, def->name), def->help), def->unit);
		hash = ring_hash(hash, numbers, sizeof numbers);
		for (unsigned k = 0; k < ring_label_count(def); k++)
			hash = hash_text(hash, def->label_keys[k]);
		hash = ring_hash(hash, def->bounds, def->bound_count * sizeof *def->bounds);
		for (unsigned k = 0; k < ring_state_count(def); k++)
			hash = hash_text(hash, def->states[k]);
		hash = hash_text(hash, ring_overflow_label(def));
	}
	return hash;
}

static const char *label_keys_fault(const struct ring_metric_def *def)
{
	for (unsigned i = 0; i < ring_label_count(def); i++) {
		const char *key = def->label_keys[i];
		const char *broken = ring_label_key_fault(key, strlen(key));
		if (!broken)
			broken = ring_label_key_lint(key, strlen(key));
		if (!broken && def->kind == RING_STATESET && strcmp(key, def->name) == 0)
			broken = "the label of the metric's name is for the states";
		for (unsigned j = 0; j < i && !broken; j++)
			if (strcmp(key, def->label_keys[j]) == 0)
				broken = "two labels of one name";
		if (broken)
			return broken;
	}
	return NULL;
}

static const char *states_fault(const struct ring_metric_def *def)
{
	const unsigned count = ring_state_count(def);

	if ((def->kind == RING_STATESET) != (count > 0))
		return "state sets have states, and nothing else has";
	if (count > RING_STATES_MAX)
		return "a state set has at most 64 states";
	if (count > 0 ? def->state_default >= count : def->state_default != 0)
		return "the default is one of the states";
	if (count > 0 && def->merge == RING_SUM)
		return "states cannot be added up: merge by RING_LAST, RING_MIN or RING_MAX";
	for (unsigned i = 0; i < count; i++) {
		const char *broken = ring_state_fault(def->states[i], strlen(def->states[i]));
		for (unsigned j = 0; j < i && !broken; j++)
			if (strcmp(def->states[i], def->states[j]) == 0)
				broken = "two states of one name";
		if (broken)
			return broken;
	}
	return NULL;
}

static const char *texts_fault(const struct ring_metric_def *def)
{
	if (!def->help || !*def->help)
		return "no help text";
	if (strlen(def->help) > RING_HELP_MAX)
		return "a help text has at most 1000 bytes";
	if (!ring_utf8_ok(def->help, strlen(def->help)))
		return "the help text is not UTF-8";
	if (def->kind == RING_STATESET && def->unit && *def->unit)
		return "a state set has no unit";
	const size_t overflow_bytes = strlen(ring_overflow_label(def));
	if (overflow_bytes < 1 || overflow_bytes > RING_LABEL_VALUE_MAX)
		return "the overflow label has 1 to 255 bytes";
	if (!ring_utf8_ok(ring_overflow_label(def), strlen(ring_overflow_label(def))))
		return "the overflow label is not UTF-8";
	return NULL;
}

static const char *numbers_fault(const struct ring_metric_def *def)
{
	if (def->kind < RING_COUNTER || def->kind > RING_STATESET)
		return "unknown kind";
	if (def->merge < RING_SUM || def->merge > RING_MAX)
		return "unknown merge rule";
	if (def->merge != RING_SUM && ring_kind_is_total(def->kind))
		return "only gauges and state sets have a merge rule other than the sum";
	if ((def->kind == RING_HISTOGRAM) != (def->bound_count > 0))
		return "histograms have upper bounds, and nothing else has";
	if (def->bound_count > 0 && !def->bounds)
		return "upper bounds are missing";
	if (def->bound_count > RING_BOUNDS_MAX)
		return "a histogram has at most 64 upper bounds";
	for (unsigned i = 0; i < def->bound_count; i++)
		if (!__builtin_isfinite(def->bounds[i]) ||
		    (i > 0 && !(def->bounds[i - 1] < def->bounds[i])))
			return "upper bounds are finite and ascending";
	if (def->series_max > RING_SERIES_MAX)
		return "a budget has at most 1048576 series";
	if (ring_label_count(def) == 0 && def->series_max > 1)
		return "a metric without labels has one series";
	if (def->kept_labels > 0 && def->kept_labels >= ring_label_count(def))
		return "one label at least is not kept past the budget";
	if (def->kept_labels == 0 && def->overflow_max > 1)
		return "without labels that are kept there is one overflow series";
	if (def->overflow_max >= RING_OVERFLOW_MAX)
		return "a metric has less than 1024 combinations of labels that are kept";
	return NULL;
}

static struct ring_text text_of(const char *string)
{
	return (struct ring_text){string, (uint32_t)strlen(string)};
}

const char *ring_definition_fault(const struct ring_metric_def *def)
{
	const char *broken = !def->name ? "a metric has a name" : numbers_fault(def);

	if (!broken)
		broken = ring_metric_name_judge(text_of(def->name), def->kind,
						text_of(def->unit ? def->unit : ""));
	if (!broken)
		broken = states_fault(def);
	if (!broken)
		broken = texts_fault(def);
	return broken ? broken : label_keys_fault(def);
}

struct ring_demand ring_definition_demand(const struct ring_metric_def *def)
{
	const uint32_t labels = ring_label_count(def);
	const uint32_t overflow_max = ring_overflow_max(def);
	const uint64_t room = (uint64_t)ring_series_max(def) + overflow_max;
	/* Of the metric, then of its overflow series. */
	const uint64_t overflow = (1 + (uint64_t)overflow_max) *
				  ring_overflow_bytes(labels,
						      (uint32_t)strlen(ring_overflow_label(def)),
						      def->kept_labels);
	struct ring_demand demand = {
		.series = room,
		.cells = room * ring_series_cells(def->kind, ring_bound_count(def)),
		.heap_bytes = strlen(def->name) + strlen(def->help) +
			      (def->unit ? strlen(def->unit) : 0),
	};

	for (unsigned i = 0; i < labels; i++)
		demand.heap_bytes += 1 + strlen(def->label_keys[i]);
	for (unsigned i = 0; i < ring_state_count(def); i++)
		demand.heap_bytes += 1 + strlen(def->states[i]);
	/* Bounds begin aligned, hence the 8 more. */
	demand.heap_bytes += def->bound_count * sizeof(double) + 8 + overflow;
	demand.heap_bytes += (ring_series_max(def) + RING_REFUSED_MAX) * (uint64_t)labels *
			     RING_LABEL_ROOM;
	return demand;
}

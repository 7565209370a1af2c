/* SPDX-License-Identifier: MIT */
/*
 * What the headers of sets declare becomes definitions, and a name the handles of a bundle.
 *
 * All metrics of a bundle have room for the same number of names, a closed label taking as many
 * series for each as it has values, in the overflow too. They are resolved under one lock
 * (ring_registry_resolve_together), so that they run out of room at the same name.
 */
#include "ring/set.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "definition.h"
#include "error.h"
#include "export.h"
#include "geometry.h"
#include "names.h"
#include "owner.h"
#include "poller.h"
#include "registry.h"
#include "text.h"

static const struct ring_set_options no_options;

static const char *prefix_of(const struct ring_set_spec *spec,
			     const struct ring_set_options *options)
{
	return options->prefix ? options->prefix : spec->prefix;
}

/* Series of the metric under one name. */
static unsigned series_of(const struct ring_set_metric *metric)
{
	return metric->closed ? ring_strings_count(metric->closed->values) : 1;
}

static void name_metric(const struct ring_set_bundle *bundle, const struct ring_set_metric *metric,
			const char *prefix, char name[RING_METRIC_NAME_MAX + 1])
{
	snprintf(name, RING_METRIC_NAME_MAX + 1, "%s%s", bundle->is_bare ? "" : prefix,
		 metric->name);
}

static struct ring_metric_def define(const struct ring_set_bundle *bundle,
				     const struct ring_set_metric *metric, unsigned budget)
{
	const unsigned open = ring_strings_count(bundle->labels), values = series_of(metric);
	struct ring_metric_def def = {
		.help = metric->help,
		.unit = metric->unit,
		.kind = metric->kind,
		.merge = metric->merge,
		.bounds = metric->bounds,
		.bound_count = metric->bound_count,
		.overflow_label = bundle->overflow_label,
		.states = metric->states,
	};

	for (unsigned i = 0; i < open; i++)
		def.label_keys[i] = bundle->labels[i];
	if (metric->closed)
		def.label_keys[open] = metric->closed->key;
	if (open > 0)
		/* What is too much stays too much, and is refused. */
		def.series_max = budget > RING_SERIES_MAX ? budget : budget * values;
	else if (metric->closed)
		def.series_max = values;
	if (open > 0 && metric->closed) {
		def.kept_labels = 1;
		def.overflow_max = values;
	}
	return def;
}

static unsigned count_metrics(const struct ring_set_spec *spec)
{
	unsigned count = 0;

	for (unsigned b = 0; spec->bundles[b]; b++)
		count += spec->bundles[b]->metric_count;
	return count;
}

/* Returns 0 or, for what there is no room for in a schema, -EINVAL; then it stays empty. */
static int declare(struct ring_set_schema *schema, const struct ring_set_spec *spec,
		   const struct ring_set_options *options)
{
	const char *prefix = prefix_of(spec, options);

	schema->metric_count = 0;
	if (strlen(prefix) > RING_SET_PREFIX_MAX)
		return ring_fail(EINVAL, "prefix %s: has more than %u bytes", prefix,
				 RING_SET_PREFIX_MAX);
	if (count_metrics(spec) > RING_SET_METRICS_MAX)
		return ring_fail(EINVAL, "a set has at most %u metrics", RING_SET_METRICS_MAX);
	for (unsigned b = 0; spec->bundles[b]; b++) {
		const struct ring_set_bundle *bundle = spec->bundles[b];
		const unsigned budget = options->budgets[b] ? options->budgets[b] : bundle->budget;
		for (unsigned i = 0; i < bundle->metric_count; i++) {
			char *name = schema->names[schema->metric_count];
			struct ring_metric_def *def = &schema->metrics[schema->metric_count++];
			name_metric(bundle, &bundle->metrics[i], prefix, name);
			*def = define(bundle, &bundle->metrics[i], budget);
			def->name = name;
		}
	}
	return 0;
}

RING_EXPORT void ring_set_declare(struct ring_set_schema *schema, const struct ring_set_spec *spec,
				  const struct ring_set_options *options)
{
	declare(schema, spec, options ? options : &no_options);
}

RING_EXPORT unsigned ring_set_series(const struct ring_set_spec *spec,
				     const struct ring_set_options *options)
{
	struct ring_set_schema schema;
	struct ring_demand sum = {0, 0, 0};

	ring_set_declare(&schema, spec, options);
	for (unsigned i = 0; i < schema.metric_count; i++) {
		const struct ring_demand one = ring_definition_demand(&schema.metrics[i]);
		sum.series += one.series;
		sum.cells += one.cells;
		sum.heap_bytes += one.heap_bytes;
	}
	return (unsigned)ring_geometry_spare(&sum);
}

RING_EXPORT int ring_set_define(struct ring_set *set, struct ring_segment *segment,
				const struct ring_set_spec *spec,
				const struct ring_set_options *options)
{
	struct ring_set_schema schema;
	int result;

	if (!options)
		options = &no_options;
	*set = (struct ring_set){.segment = NULL};
	result = declare(&schema, spec, options);
	for (unsigned i = 0; i < schema.metric_count && result == 0; i++)
		result = ring_metric_define(segment, &schema.metrics[i]);
	if (result != 0)
		return result;
	strcpy(set->prefix, prefix_of(spec, options));
	set->segment = segment;
	return 0;
}

/* All series of a bundle under one name, metric by metric. */
struct request {
	struct ring_wanted wanted[RING_SET_SERIES_MAX];
	unsigned count;
	const char *labels[RING_SET_SERIES_MAX][RING_SET_LABELS_MAX + 2];
	char names[RING_SET_METRICS_MAX][RING_METRIC_NAME_MAX + 1];
};

static void request_fill(struct request *request, const struct ring_set *set,
			 const struct ring_set_bundle *bundle, const char *const *label_values)
{
	/* One too many is one too many for the registry, too. */
	const unsigned given = ring_strings_count(label_values);
	const unsigned open = given < RING_SET_LABELS_MAX ? given : RING_SET_LABELS_MAX;

	request->count = 0;
	for (unsigned m = 0; m < bundle->metric_count; m++) {
		const struct ring_set_metric *metric = &bundle->metrics[m];
		const unsigned values = series_of(metric);
		name_metric(bundle, metric, set->prefix, request->names[m]);
		for (unsigned v = 0; v < values; v++) {
			const char **labels = request->labels[request->count];
			for (unsigned i = 0; i < open; i++)
				labels[i] = label_values[i];
			labels[open] = metric->closed ? metric->closed->values[v] : NULL;
			labels[open + 1] = NULL;
			request->wanted[request->count++] = (struct ring_wanted){
				request->names[m], metric->kind, labels};
		}
	}
}

static size_t handle_bytes(enum ring_kind kind)
{
	return kind == RING_HISTOGRAM ? sizeof(struct ring_histogram) : sizeof(struct ring_counter);
}

static void put_handle(void *handle, enum ring_kind kind, const struct ring_resolved *resolved)
{
	const struct ring_histogram histogram = {resolved->key, resolved->bounds,
						 resolved->bound_count, 0};

	/* Those of counters and gauges are what a histogram's begins with. */
	memcpy(handle, &histogram, handle_bytes(kind));
}

RING_EXPORT void ring_set_resolve(const struct ring_set *set, const struct ring_set_bundle *bundle,
				  const char *const *label_values, void *handles)
{
	struct ring_resolved resolved[RING_SET_SERIES_MAX];
	struct request request;
	unsigned next = 0;

	memset(handles, 0, bundle->bytes);
	if (!set || !set->segment || !set->segment->map.live)
		return;
	struct ring_registry *registry = set->segment->registry;
	request_fill(&request, set, bundle, label_values);
	if (ring_registry_resolve_together(registry, request.wanted, request.count, resolved) !=
	    0) {
		ring_registry_count(registry, &set->segment->map.live->labels_refused);
		return;
	}
	for (unsigned m = 0; m < bundle->metric_count; m++) {
		const struct ring_set_metric *metric = &bundle->metrics[m];
		char *handle = (char *)handles + metric->at;
		for (unsigned v = 0; v < series_of(metric); v++)
			put_handle(handle + v * handle_bytes(metric->kind), metric->kind,
				   &resolved[next++]);
	}
}

RING_EXPORT int ring_set_forget(const struct ring_set *set, const struct ring_set_bundle *bundle,
				const char *const *label_values)
{
	struct request request;
	int result = 0;

	if (!set || !set->segment || !set->segment->map.live)
		return 0;
	request_fill(&request, set, bundle, label_values);
	for (unsigned i = 0; i < request.count; i++) {
		if (ring_kind_is_total(request.wanted[i].kind))
			continue;
		const int error = ring_registry_forget(set->segment->registry, &request.wanted[i]);
		result = result == 0 ? error : result;
	}
	return result;
}

/* Says one value of a polled bundle. */
static int say(struct ring_poll *poll, const struct ring_set_metric *metric,
	       const struct ring_wanted *wanted, const void *value)
{
	uint64_t bits = 0;
	unsigned state;

	if (metric->kind == RING_STATESET) {
		memcpy(&state, value, sizeof state);
		return ring_poll_state(poll, wanted->metric, wanted->label_values, state);
	}
	memcpy(&bits, value, sizeof bits);
	if (metric->kind == RING_COUNTER)
		return ring_poll_counter(poll, wanted->metric, wanted->label_values, bits);
	if (metric->value == RING_SET_DOUBLE)
		return ring_poll_gauge(poll, wanted->metric, wanted->label_values,
				       ring_double_of(bits));
	if (metric->value == RING_SET_KNOWN && (int64_t)bits <= 0)
		return ring_poll_keep(poll, wanted->metric, wanted->label_values);
	return ring_poll_depth(poll, wanted->metric, wanted->label_values, (int64_t)bits);
}

RING_EXPORT int ring_set_observe(struct ring_poll *poll, const struct ring_set *set,
				 const struct ring_set_bundle *bundle,
				 const char *const *label_values, const void *values)
{
	struct request request;
	unsigned next = 0;
	int result = 0;

	if (!set || !set->segment)
		return 0;
	request_fill(&request, set, bundle, label_values);
	for (unsigned m = 0; m < bundle->metric_count; m++) {
		const struct ring_set_metric *metric = &bundle->metrics[m];
		for (unsigned v = 0; v < series_of(metric); v++) {
			const int error = say(poll, metric, &request.wanted[next++],
					      (const char *)values + metric->at +
						      v * sizeof(uint64_t));
			result = result == 0 ? error : result;
		}
	}
	return result;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

RING_EXPORT void ring_set_word(const char *name, size_t bytes, char word[RING_SET_WORD_BYTES])
{
	while (bytes > 0 && is_blank(*name))
		name++, bytes--;
	if (bytes >= RING_SET_WORD_BYTES)
		/* Before a byte that begins a character, of which none has more than four. */
		for (bytes = RING_SET_WORD_BYTES - 1;
		     bytes > RING_SET_WORD_BYTES - 4 && (name[bytes] & 0xc0) == 0x80;)
			bytes--;
	while (bytes > 0 && is_blank(name[bytes - 1]))
		bytes--;
	if (bytes == 0 || memchr(name, 0, bytes) || !ring_utf8_ok(name, bytes)) {
		strcpy(word, bytes == 0 ? "unknown" : "invalid_utf8");
		return;
	}
	for (size_t i = 0; i < bytes; i++)
		word[i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
	word[bytes] = 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The public calls on metrics: judge, ask the registry, count what was refused.
 */
#include "definition.h"
#include "error.h"
#include "export.h"
#include "owner.h"
#include "registry.h"

#include <errno.h>

RING_EXPORT int ring_metric_define(struct ring_segment *segment, const struct ring_metric_def *def)
{
	const char *broken = ring_definition_fault(def);
	int result = 0;

	if (broken)
		result = ring_fail(EINVAL, "metric %s: %s", def->name ? def->name : "?", broken);
	else if (segment->map.live)
		result = ring_registry_define(segment->registry, def, 0);
	if (result != 0 && segment->map.live)
		ring_registry_count(segment->registry, &segment->map.live->definitions_refused);
	return result;
}

static struct ring_resolved resolve(struct ring_segment *segment, const char *metric,
				    enum ring_kind kind, const char *const *label_values)
{
	const struct ring_wanted wanted = {metric, kind, label_values};
	struct ring_resolved resolved = {.key = 0};

	if (segment->map.live && ring_registry_resolve(segment->registry, &wanted, &resolved) != 0)
		ring_registry_count(segment->registry, &segment->map.live->labels_refused);
	return resolved;
}

RING_EXPORT struct ring_counter ring_counter_resolve(struct ring_segment *segment,
						     const char *metric,
						     const char *const *label_values)
{
	const struct ring_resolved of = resolve(segment, metric, RING_COUNTER, label_values);

	return (struct ring_counter){.key = of.key};
}

RING_EXPORT struct ring_gauge ring_gauge_resolve(struct ring_segment *segment, const char *metric,
						 const char *const *label_values)
{
	const struct ring_resolved of = resolve(segment, metric, RING_GAUGE, label_values);

	return (struct ring_gauge){.key = of.key};
}

RING_EXPORT struct ring_histogram ring_histogram_resolve(struct ring_segment *segment,
							 const char *metric,
							 const char *const *label_values)
{
	const struct ring_resolved of = resolve(segment, metric, RING_HISTOGRAM, label_values);

	return (struct ring_histogram){
		.key = of.key, .bounds = of.bounds, .bound_count = of.bound_count};
}

RING_EXPORT struct ring_state ring_state_resolve(struct ring_segment *segment, const char *metric,
						 const char *const *label_values)
{
	const struct ring_resolved of = resolve(segment, metric, RING_STATESET, label_values);

	return (struct ring_state){
		.key = of.key, .state_count = of.bound_count, .state_default = of.state_default};
}

RING_EXPORT int ring_series_forget(struct ring_segment *segment, const char *metric,
				   const char *const *label_values)
{
	struct ring_wanted wanted = {metric, RING_GAUGE, label_values};

	if (!segment->map.live)
		return 0;
	const int result = ring_registry_kind(segment->registry, metric, &wanted.kind);
	if (result != 0)
		return result;
	if (ring_kind_is_total(wanted.kind))
		return ring_fail(EINVAL, "metric %s: totals stay for ever", metric);
	return ring_registry_forget(segment->registry, &wanted);
}

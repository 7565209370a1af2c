/* SPDX-License-Identifier: MIT */
/* Families, by name; see family.h. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "family.h"

int text_order(struct ring_text a, struct ring_text b)
{
	const uint32_t common = a.bytes < b.bytes ? a.bytes : b.bytes;
	const int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

	return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

int family_compare(const void *a, const void *b)
{
	const struct family *x = a, *y = b;

	return text_order(x->metric.name, y->metric.name);
}

static struct family *family_create(const struct ring_metric_info *metric, uint32_t split_count)
{
	struct ring_metric_info sound = *metric;
	struct family *family = NULL;
	struct text help;

	text_init(&help, 3 * RING_HELP_MAX);
	text_utf8(&help, metric->help.data, metric->help.bytes);
	if (!help.error) {
		sound.help = (struct ring_text){help.data, (uint32_t)help.bytes};
		family = calloc(1, sizeof *family + catalog_metric_bytes(&sound));
	}
	if (family) {
		char *bytes = family->bytes;
		family->metric = catalog_copy_metric(&sound, &bytes);
		family->split_count = split_count;
		LIST_INIT(&family->series);
	}
	text_release(&help);
	return family;
}

struct family *family_find(void *const *families, struct ring_text name)
{
	const struct family wanted = {.metric.name = name};
	void *const *node = tfind(&wanted, families, family_compare);

	return node ? *node : NULL;
}

struct family *family_get(void **families, const struct ring_metric_info *metric,
			  uint32_t split_count)
{
	struct family *found = family_find(families, metric->name);
	struct family *family = found ? found : family_create(metric, split_count);

	if (family && !found && !tsearch(family, families, family_compare)) {
		free(family);
		return NULL;
	}
	return family;
}

bool family_agrees(const struct family *family, const struct ring_metric_info *metric)
{
	const struct ring_metric_info *own = &family->metric;

	if (own->kind != metric->kind || own->merge != metric->merge ||
	    own->label_count != metric->label_count || own->bound_count != metric->bound_count ||
	    own->state_default != metric->state_default ||
	    text_order(own->states, metric->states) != 0)
		return false;
	for (uint32_t i = 0; i < own->label_count; i++)
		if (text_order(own->label_keys[i], metric->label_keys[i]) != 0)
			return false;
	return own->bound_count == 0 ||
	       memcmp(own->bounds, metric->bounds, own->bound_count * sizeof *own->bounds) == 0;
}

void family_declare(struct family *family, const struct ring_metric_info *metric)
{
	family->declared_count++;
	if (metric->series_max > family->metric.series_max)
		family->metric.series_max = metric->series_max;
	if (metric->overflow_max > family->metric.overflow_max)
		family->metric.overflow_max = metric->overflow_max;
}

void family_release(void **families, struct family *family)
{
	if (family->declared_count > 0 || !LIST_EMPTY(&family->series))
		return;
	tdelete(family, families, family_compare);
	free(family);
}

/* SPDX-License-Identifier: MIT */
/* Headings of families; see format.h. */
#include <string.h>

#include "format.h"

#define TOTAL "_total"

const char *const format_ends[FORMAT_LINES_COUNT] = {
	[FORMAT_TEXT] = "",
	[FORMAT_OPENMETRICS] = "# EOF\n",
};

/* The name without the suffix; all zero if it has another end. */
static struct ring_text stem_of(struct ring_text name, const char *suffix)
{
	const uint32_t bytes = (uint32_t)strlen(suffix);

	if (name.bytes <= bytes || memcmp(name.data + name.bytes - bytes, suffix, bytes) != 0)
		return (struct ring_text){NULL, 0};
	return (struct ring_text){name.data, name.bytes - bytes};
}

/* A gauge named _total is a total in doubles, such as seconds: the exporter has some, segments
 * are not allowed any. */
bool format_is_counter(const struct ring_metric_info *metric)
{
	return metric->kind == RING_COUNTER ||
	       (metric->kind == RING_GAUGE && stem_of(metric->name, TOTAL).bytes > 0);
}

/* A gauge whose labels are the message. Only the exporter's own are known to be always 1. */
static bool is_info(const struct ring_metric_info *metric)
{
	return metric->kind == RING_GAUGE && stem_of(metric->name, "_info").bytes > 0 &&
	       memcmp(metric->name.data, "ring_", strlen("ring_")) == 0;
}

/* The family of this name with that at its end, or NULL. Families are sorted by name. */
static const struct catalog_family *find(const struct catalog *catalog, struct ring_text name,
					 const char *suffix)
{
	const size_t suffix_bytes = strlen(suffix), bytes = name.bytes + suffix_bytes;
	size_t low = 0, high = catalog->family_count;
	char wanted[RING_METRIC_NAME_MAX];

	if (name.bytes == 0 || bytes > sizeof wanted)
		return NULL;
	memcpy(wanted, name.data, name.bytes);
	memcpy(wanted + name.bytes, suffix, suffix_bytes);
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const struct ring_text other = catalog->families[middle].metric.name;
		const size_t common = bytes < other.bytes ? bytes : other.bytes;
		int order = memcmp(wanted, other.data, common);
		if (order == 0)
			order = (bytes > other.bytes) - (bytes < other.bytes);
		if (order == 0)
			return &catalog->families[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Whether somebody else in OpenMetrics has the name that a counter would. */
static bool is_taken(const struct catalog *catalog, struct ring_text name)
{
	static const char *const suffixes[] = {"_bucket", "_count", "_sum", "_created"};

	if (find(catalog, name, "") || find(catalog, stem_of(name, "_created"), TOTAL))
		return true;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		const struct catalog_family *family = find(catalog, stem_of(name, suffixes[i]), "");
		if (family && family->metric.kind == RING_HISTOGRAM)
			return true;
	}
	return false;
}

struct ring_text format_openmetrics_name(const struct ring_metric_info *metric)
{
	return format_is_counter(metric) ? stem_of(metric->name, TOTAL) : metric->name;
}

bool format_has_created(const struct catalog *catalog, const struct ring_metric_info *metric)
{
	const struct ring_text name = format_openmetrics_name(metric);

	if (metric->kind != RING_HISTOGRAM && !format_is_counter(metric))
		return false;
	return !find(catalog, name, "_created") &&
	       (metric->kind == RING_HISTOGRAM || !is_taken(catalog, name));
}

static void put_name(struct text *text, const char *before, struct ring_text name)
{
	text_string(text, before);
	text_append(text, name.data, name.bytes);
	text_string(text, " ");
}

static void heading_text(struct text *text, const struct ring_metric_info *metric)
{
	put_name(text, "# HELP ", metric->name);
	text_help(text, metric->help.data, metric->help.bytes);
	put_name(text, "\n# TYPE ", metric->name);
	text_string(text, metric->kind == RING_HISTOGRAM ? "histogram\n"
			  : format_is_counter(metric)    ? "counter\n"
							 : "gauge\n");
}

static void heading_openmetrics(struct text *text, const struct catalog *catalog,
				const struct ring_metric_info *metric)
{
	const char *word = metric->kind == RING_HISTOGRAM  ? "histogram"
			   : metric->kind == RING_STATESET ? "stateset"
							   : "gauge";
	struct ring_text name = metric->name;
	bool has_unit = metric->unit.bytes > 0;

	if (is_info(metric)) {
		word = "info";
		name = stem_of(name, "_info");
	} else if (format_is_counter(metric) && catalog &&
		   is_taken(catalog, stem_of(name, TOTAL))) {
		word = "unknown";
		has_unit = false; /* which a name would have to end with */
	} else if (format_is_counter(metric)) {
		word = "counter";
		name = stem_of(name, TOTAL);
	}
	put_name(text, "# TYPE ", name);
	text_string(text, word);
	if (has_unit) {
		put_name(text, "\n# UNIT ", name);
		text_append(text, metric->unit.data, metric->unit.bytes);
	}
	put_name(text, "\n# HELP ", name);
	/* Unlike text, it has quotes escaped here as well. */
	text_label_value(text, metric->help.data, metric->help.bytes);
	text_string(text, "\n");
}

void format_heading(struct text *text, enum format format, const struct catalog *catalog,
		    const struct ring_metric_info *metric)
{
	if (format == FORMAT_TEXT)
		heading_text(text, metric);
	else
		heading_openmetrics(text, catalog, metric);
}

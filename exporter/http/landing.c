/* SPDX-License-Identifier: MIT */
/* Links and segments; see landing.h. */
#include <string.h>

#include <ring/record.h>

#include "landing.h"
#include "render/html.h"

/* A metric whose series are by segment first, and are sorted so, on the way through them. */
struct column {
	const struct catalog_family *family; /* NULL: there is none */
	const uint64_t *cells;
	size_t at;
};

static struct column column_of(const struct snapshot_values *values, const char *name)
{
	struct column column = {.cells = values->cells};
	const size_t bytes = strlen(name);

	for (size_t i = 0; i < values->catalog->family_count; i++) {
		const struct catalog_family *family = &values->catalog->families[i];
		if (family->metric.name.bytes == bytes &&
		    memcmp(family->metric.name.data, name, bytes) == 0)
			column.family = family;
	}
	return column;
}

/* The segment that comes next, or NULL. */
static const char *next_segment(const struct column *column)
{
	if (!column->family || column->at == column->family->series_count)
		return NULL;
	return column->family->series[column->at].labels;
}

static double value_of(const struct column *column)
{
	const uint64_t bits = column->cells[column->family->series[column->at].cell];

	return column->family->metric.kind == RING_COUNTER ? (double)bits : ring_double_of(bits);
}

/* Goes on behind the segment's series. Returns their sum, and how many they were. */
static double take(struct column *column, const char *segment, uint64_t *count)
{
	const char *next;
	double sum = 0;

	*count = 0;
	for (; (next = next_segment(column)) && strcmp(next, segment) <= 0; column->at++) {
		if (strcmp(next, segment) < 0)
			continue;
		sum += value_of(column);
		++*count;
	}
	return sum;
}

enum { UP, QUARANTINED, WRITTEN, DROPPED, SERIES, LAST_DRAIN, COLUMN_COUNT };

static const char *const metrics[COLUMN_COUNT] = {
	[UP] = "ring_segment_up",
	[QUARANTINED] = "ring_segment_quarantined",
	[WRITTEN] = "ring_samples_written_total",
	[DROPPED] = "ring_samples_dropped_total",
	[SERIES] = "ring_segment_series",
	[LAST_DRAIN] = "ring_segment_last_drain_timestamp_seconds",
};

static void begin_row(struct text *text, const char *state, const char *segment)
{
	text_string(text, "<tr class=\"");
	text_string(text, state);
	text_string(text, "\"><td>");
	html_name(text, segment);
	text_string(text, "</td><td>");
	text_string(text, state);
}

static void put_segment(struct text *text, struct column columns[COLUMN_COUNT], const char *segment)
{
	uint64_t count, core_count;
	const double up = take(&columns[UP], segment, &count);
	const uint64_t written = (uint64_t)take(&columns[WRITTEN], segment, &core_count);

	begin_row(text, up > 0 ? "live" : "dead", segment);
	text_string(text, "</td>");
	html_count(text, core_count);
	html_count(text, (uint64_t)take(&columns[SERIES], segment, &count));
	html_count(text, written);
	html_count(text, (uint64_t)take(&columns[DROPPED], segment, &count));
	text_string(text, "<td>");
	text_time(text, (uint64_t)(take(&columns[LAST_DRAIN], segment, &count) * 1e3) * 1000000);
	text_string(text, "</td></tr>\n");
}

static void put_quarantined(struct text *text, struct column *column)
{
	const char *segment = next_segment(column), *reason = segment + strlen(segment) + 1;

	begin_row(text, "quarantined", segment);
	text_string(text, ": ");
	text_html(text, reason, strlen(reason));
	text_string(text, "</td>" HTML_UNKNOWN HTML_UNKNOWN HTML_UNKNOWN HTML_UNKNOWN);
	text_string(text, "<td></td></tr>\n");
	column->at++;
}

/* Both kinds in the order of their names. Returns whether there was one. */
static bool put_row(struct text *text, struct column columns[COLUMN_COUNT])
{
	const char *up = next_segment(&columns[UP]);
	const char *quarantined = next_segment(&columns[QUARANTINED]);

	if (quarantined && (!up || strcmp(quarantined, up) < 0))
		put_quarantined(text, &columns[QUARANTINED]);
	else if (up)
		put_segment(text, columns, up);
	return up || quarantined;
}

static size_t rows_left(const struct column columns[COLUMN_COUNT])
{
	size_t count = 0;

	for (unsigned i = UP; i <= QUARANTINED; i++)
		if (columns[i].family)
			count += columns[i].family->series_count - columns[i].at;
	return count;
}

static void put_segments(struct text *text, const struct landing_link *all,
			 const struct snapshot_values *values)
{
	static const char *const headings[] = {"Segment", "State",   "Cores",      "Series",
					       "Written", "Dropped", "Last drain", NULL};
	struct column columns[COLUMN_COUNT];
	unsigned row_count = 0;

	for (unsigned i = 0; i < COLUMN_COUNT; i++)
		columns[i] = column_of(values, metrics[i]);
	if (rows_left(columns) == 0) {
		text_string(text, "<p>There is no segment.</p>\n");
		return;
	}
	html_table(text, headings);
	while (row_count < LANDING_ROWS_MAX && put_row(text, columns))
		row_count++;
	html_table_end(text);
	if (rows_left(columns) == 0)
		return;
	text_string(text, "<p>And ");
	text_u64(text, rows_left(columns));
	text_string(text, " more, <a href=\".");
	text_string(text, all->path);
	text_string(text, "?collect[]=segments\">all as metrics</a>.</p>\n");
}

static void put_links(struct text *text, const struct landing_link *links, size_t link_count)
{
	text_string(text, "<ul>\n");
	for (size_t i = 0; i < link_count; i++) {
		/* Relative, for proxies that put a prefix before all paths. */
		text_string(text, "<li><a href=\".");
		text_html(text, links[i].path, strlen(links[i].path));
		text_string(text, "\">");
		text_string(text, links[i].title);
		text_string(text, "</a></li>\n");
	}
	text_string(text, "</ul>\n");
}

void landing_html(struct text *text, const struct landing_link *links, size_t link_count,
		  const struct snapshot *snapshot)
{
	html_begin(text, "ring-exporter " RING_VERSION);
	put_links(text, links, link_count);
	if (snapshot)
		put_segments(text, links, &snapshot->parts[SNAPSHOT_SELF]);
	else
		text_string(text, "<p>Not all segments have been read yet.</p>\n");
	html_end(text);
}

/* SPDX-License-Identifier: MIT */
/*
 * A data plane for the end-to-end tests whose metrics are as odd as they may be: names, help,
 * labels, bounds and values by chance, in a way that can be repeated.
 *
 *   odd_writer DIR NAME SEED
 *
 * Defines and records, and ends. What libring does not let pass is left out.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ring/record.h>
#include <ring/segment.h>

#include "dice.h"

#define METRICS_MAX      40
#define BOUNDS_MAX       6
#define STATES_MAX       4
#define TEXT_BYTES       256
#define PICK(dice, pool) ((pool)[dice_roll(dice) % (sizeof(pool) / sizeof *(pool))])

static const double values[] = {0,
				-0.0,
				1,
				-1,
				0.1,
				1e-5,
				1e6,
				1e300,
				1.5e-300,
				5e-324,
				1048576,
				2.5,
				1e15 + 1,
				(double)NAN,
				1e15,
				1e21,
				-123456,
				1234567,
				1e9,
				-(double)INFINITY,
				(double)INFINITY};

/* So many pieces, or fewer. */
static void put_pieces(char *text, uint64_t *dice, const char *const *pieces, size_t piece_count,
		       size_t count_max)
{
	*text = '\0';
	for (size_t count = dice_roll(dice) % (count_max + 1); count > 0; count--)
		strcat(text, pieces[dice_roll(dice) % piece_count]);
}

static void name_oddly(char name[TEXT_BYTES], uint64_t *dice, enum ring_kind kind)
{
	static const char *const parts[] = {"_a",       "_b",    "_seconds", "_bytes",
					    "_created", "_info", "_ratio",   "_total",
					    "_count",   "_sum",  "_bucket"};

	put_pieces(name + strlen("odd"), dice, parts, sizeof parts / sizeof *parts, 3);
	memcpy(name, "odd", strlen("odd"));
	if (kind == RING_COUNTER)
		strcat(name, "_total");
}

static void help_oddly(char help[TEXT_BYTES], uint64_t *dice)
{
	static const char *const pieces[] = {"Help", " ",    "\"", "\\", "\\n",      "\n",     "\r",
					     "\t",   "\x01", "#",  "{",  "\xc3\xa4", "# EOF\n"};

	put_pieces(help, dice, pieces, sizeof pieces / sizeof *pieces, 8);
	strcat(help, "x");
}

static void label_oddly(char label[TEXT_BYTES], uint64_t *dice)
{
	/* Blanks and line ends of others, and UTF-8 in ways that it is and is not. */
	static const char *const pieces[] = {"a",
					     "\"",
					     "\\",
					     "\\n",
					     "\n",
					     "\r",
					     ",",
					     "=",
					     "{",
					     "}",
					     " ",
					     "#",
					     "\t",
					     "\v",
					     "\x1c",
					     "\x7f",
					     "le",
					     "\xff",
					     "\xc3",
					     "\xc3\xa4",
					     "\xc2\x85",
					     "\xe2\x80\xa8",
					     "\xe2\x82",
					     "\xc0\xaf",
					     "\xed\xa0\x80",
					     "\xef\xbb\xbf",
					     "\xf0\x9f\x98\x80",
					     "\xf4\x90\x80\x80"};

	put_pieces(label, dice, pieces, sizeof pieces / sizeof *pieces, 6);
	if (dice_roll(dice) % 4 == 0) /* any bytes but the one that ends it */
		for (char *c = label; *c; c++)
			*c = (char)(1 + dice_roll(dice) % 255);
}

/* One that is known for trouble, or any at all. */
static double value_oddly(uint64_t *dice)
{
	const uint64_t bits = dice_roll(dice);
	double value;

	memcpy(&value, &bits, sizeof value);
	return dice_roll(dice) % 4 ? PICK(dice, values) : value;
}

/* The unit that the name has, if there is one. */
static const char *unit_of(const char *name)
{
	static const char *const units[] = {"seconds", "bytes", "ratio"};
	const size_t bytes = strlen(name) - (strlen(name) > 6 && strstr(name, "_total") ? 6 : 0);

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		const size_t unit_bytes = strlen(units[i]);
		if (bytes > unit_bytes &&
		    memcmp(name + bytes - unit_bytes, units[i], unit_bytes) == 0)
			return units[i];
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Ascending and finite, some below zero. Returns how many there are. */
static unsigned bounds_oddly(double bounds[BOUNDS_MAX], uint64_t *dice)
{
	unsigned count = 0, kept = 0;

	for (uint64_t tries = 1 + dice_roll(dice) % BOUNDS_MAX; tries > 0; tries--) {
		const double value = PICK(dice, values);
		/* Of subnormals the shortest spelling is not looked for. */
		if (isfinite(value) && value != 5e-324)
			bounds[count++] = dice_roll(dice) % 4 == 0 ? value : fabs(value);
	}
	qsort(bounds, count, sizeof *bounds, compare);
	for (unsigned i = 0; i < count; i++)
		if (kept == 0 || bounds[i] > bounds[kept - 1])
			bounds[kept++] = bounds[i];
	return kept;
}

/* None twice, as they count themselves. */
static void states_oddly(char states[STATES_MAX][TEXT_BYTES], const char *list[STATES_MAX + 1],
			 uint64_t *dice)
{
	const uint64_t count = 1 + dice_roll(dice) % STATES_MAX;

	for (uint64_t i = 0; i < count; i++) {
		label_oddly(states[i], dice);
		strcat(states[i], (const char[]){(char)('0' + i), '\0'});
		list[i] = states[i];
	}
	list[count] = NULL;
}

static void record_oddly(struct ring_segment *segment, struct ring_writer *writer,
			 const struct ring_metric_def *def, uint64_t *dice)
{
	char labels[2][TEXT_BYTES];
	const char *chosen[3] = {NULL};

	for (unsigned i = 0; i < 2 && def->label_keys[i]; i++) {
		label_oddly(labels[i], dice);
		chosen[i] = labels[i];
	}
	if (def->kind == RING_COUNTER) {
		ring_counter_add(writer, ring_counter_resolve(segment, def->name, chosen),
				 dice_roll(dice) >> dice_roll(dice) % 64);
	} else if (def->kind == RING_GAUGE) {
		const struct ring_gauge gauge = ring_gauge_resolve(segment, def->name, chosen);
		if (dice_roll(dice) % 4 > 0)
			ring_gauge_set(writer, gauge, value_oddly(dice));
	} else if (def->kind == RING_STATESET) {
		const struct ring_state set = ring_state_resolve(segment, def->name, chosen);
		if (dice_roll(dice) % 4 > 0)
			ring_state_set(writer, set, dice_roll(dice) % (STATES_MAX + 2));
	} else {
		const struct ring_histogram histogram = ring_histogram_resolve(segment, def->name,
									       chosen);
		for (uint64_t count = dice_roll(dice) % 4; count > 0; count--)
			ring_histogram_observe(writer, histogram, value_oddly(dice));
	}
}

static void define_oddly(struct ring_segment *segment, struct ring_writer *writer, uint64_t *dice)
{
	static const enum ring_kind kinds[] = {RING_COUNTER, RING_GAUGE, RING_HISTOGRAM,
					       RING_STATESET};
	char name[TEXT_BYTES], help[TEXT_BYTES], states[STATES_MAX][TEXT_BYTES];
	const char *list[STATES_MAX + 1];
	double bounds[BOUNDS_MAX];
	struct ring_metric_def def = {
		.name = name, .help = help, .kind = PICK(dice, kinds), .bounds = bounds};

	name_oddly(name, dice, def.kind);
	help_oddly(help, dice);
	def.unit = dice_roll(dice) % 2 ? unit_of(name) : NULL;
	for (uint64_t i = 0; i < dice_roll(dice) % 3; i++)
		def.label_keys[i] = i == 0 ? "key" : "Other_2";
	def.series_max = def.label_keys[0] ? 3 : 0;
	if (def.kind == RING_HISTOGRAM)
		def.bound_count = bounds_oddly(bounds, dice);
	if (def.kind == RING_STATESET) {
		def.merge = RING_MAX;
		def.unit = NULL;
		states_oddly(states, list, dice);
		def.states = list;
	}
	if (ring_metric_define(segment, &def) != 0)
		return;
	for (uint64_t count = dice_roll(dice) % 6; count > 0; count--)
		record_oddly(segment, writer, &def, dice);
}

int main(int argc, char **argv)
{
	struct ring_segment *segment;

	if (argc != 4)
		return 2;
	const struct ring_options options = {.name = argv[2], .dir = argv[1], .core_count = 1};
	uint64_t dice = strtoull(argv[3], NULL, 10);

	if (ring_segment_create(&segment, &options) != 0) {
		fprintf(stderr, "odd_writer: %s: %s\n", argv[2], ring_error());
		return 1;
	}
	struct ring_writer *writer = ring_writer_claim(segment, 0);
	for (int i = 0; i < METRICS_MAX; i++)
		define_oddly(segment, writer, &dice);
	ring_segment_close(segment);
	return 0;
}

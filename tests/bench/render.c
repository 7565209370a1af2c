/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as text, beside a copy of the finished page, beside the same put together piece by
 * piece and beside what somebody might use instead.
 */
#include <stdlib.h>
#include <string.h>

#include <ring/record.h>

#include "contest.h"
#include "machine.h"
#include "pages.h"
#include "peers.h"
#include "plain.h"
#include "render/render.h"

#define PAGE_STRETCHES   5u /* in one round, of a page that fits a cache */
#define CACHED_SERIES    10000u
#define PAGE_BYTES_LIMIT ((size_t)1 << 30)

struct scene {
	struct pages wanted;
	struct catalog *catalog;
	uint64_t *cells;
	struct lines *lines;
	struct text text;
	char *copy; /* of the finished page */
};

static struct ring_text text_of(const char *string)
{
	return (struct ring_text){string, (uint32_t)strlen(string)};
}

static struct ring_metric_info metric_of(const struct pages *pages, const struct page_line *line)
{
	static const char *const keys[] = PAGES_KEYS;
	const bool gauges = pages->kind == PAGES_DOUBLES;

	return (struct ring_metric_info){
		.name = text_of(line->name),
		.help = text_of(PAGES_HELP),
		.kind = gauges ? RING_GAUGE : RING_COUNTER,
		.series_cells = gauges ? 2 : 1,
		.label_count = 2,
		.label_keys = {text_of(keys[0]), text_of(keys[1])},
	};
}

/* Both values, each with its terminator. */
static size_t pack(char labels[64], const struct page_line *line)
{
	const size_t first = strlen(line->values[0]) + 1, second = strlen(line->values[1]) + 1;

	memcpy(labels, line->values[0], first);
	memcpy(labels + first, line->values[1], second);
	return first + second;
}

/* Counts everything, or adds it if there is a catalog. */
static void list(struct scene *scene, struct catalog_size *size)
{
	const struct pages *wanted = &scene->wanted;
	char labels[64];

	for (size_t i = 0; i < wanted->series_count; i++) {
		struct page_line line;
		pages_line(&line, wanted, i);
		const struct ring_metric_info metric = metric_of(wanted, &line);
		const size_t bytes = pack(labels, &line);
		const bool is_first = i % (wanted->series_count / PAGES_FAMILIES) == 0;
		if (!scene->catalog) {
			if (is_first)
				catalog_size_family(size, &metric);
			catalog_size_series(size, &metric, bytes);
			continue;
		}
		if (is_first)
			catalog_add_family(scene->catalog, &metric);
		catalog_add_series(scene->catalog, labels, bytes, 0);
	}
}

static void scene_close(struct scene *scene)
{
	text_release(&scene->text);
	lines_destroy(scene->lines);
	catalog_release(scene->catalog);
	free(scene->cells);
	free(scene->copy);
	free(scene);
}

static struct scene *scene_open(const struct pages *pages)
{
	struct scene *scene = calloc(1, sizeof *scene);
	struct catalog_size size = {0};

	if (!scene)
		return NULL;
	scene->wanted = *pages;
	text_init(&scene->text, PAGE_BYTES_LIMIT);
	list(scene, &size);
	scene->catalog = catalog_create(&size);
	scene->cells = calloc(size.cell_count, sizeof *scene->cells);
	if (scene->catalog && scene->cells) {
		list(scene, &size);
		scene->lines = lines_create(scene->catalog, PAGE_BYTES_LIMIT, false);
	}
	if (scene->lines && scene->lines->left_out_count == 0)
		scene->copy = malloc(scene->lines->page_bytes_max);
	if (scene->copy)
		return scene;
	bench_fail("there is no page to render");
	scene_close(scene);
	return NULL;
}

/* New values. */
static bool refresh(void *state)
{
	struct scene *scene = state;
	uint64_t count;

	scene->wanted.edition++;
	for (size_t i = 0; i < scene->wanted.series_count; i++) {
		const double value = pages_value(&scene->wanted, i, &count);
		scene->cells[scene->catalog->series[i].cell] = scene->wanted.kind == PAGES_DOUBLES
								       ? ring_bits_of(value)
								       : count;
	}
	return true;
}

static void render(void *state, uint64_t count)
{
	struct scene *scene = state;

	(void)count;
	text_clear(&scene->text);
	render_lines(&scene->text, FORMAT_TEXT, scene->lines, scene->cells);
}

/* As it is while somebody still reads the page before. */
static void render_anew(void *state, uint64_t count)
{
	struct scene *scene = state;

	text_release(&scene->text);
	text_init(&scene->text, PAGE_BYTES_LIMIT);
	render(state, count);
}

static void append(void *state, uint64_t count)
{
	struct scene *scene = state;

	(void)count;
	text_clear(&scene->text);
	plain_page(&scene->text, &(struct snapshot_values){scene->catalog, scene->cells});
}

static bool check(void *state, uint64_t count)
{
	struct scene *scene = state;

	(void)count;
	return scene->text.error
		       ? bench_fail("there is no page")
		       : pages_check(&scene->wanted, scene->text.data, scene->text.bytes, 0);
}

/* Spells the lines anew, which is done when series have come or gone. */
static void spell(void *state, uint64_t count)
{
	struct scene *scene = state;

	(void)count;
	lines_destroy(scene->lines);
	scene->lines = lines_create(scene->catalog, PAGE_BYTES_LIMIT, false);
}

static bool check_spelled(void *state, uint64_t count)
{
	struct scene *scene = state;

	if (!scene->lines)
		return bench_fail("there are no lines");
	render(scene, count);
	return check(scene, count);
}

static bool finish(void *state)
{
	refresh(state);
	render(state, 0);
	return true;
}

static void copy(void *state, uint64_t count)
{
	struct scene *scene = state;

	(void)count;
	memcpy(scene->copy, scene->text.data, scene->text.bytes);
	BENCH_USE(scene->copy);
}

static bool check_copy(void *state, uint64_t count)
{
	struct scene *scene = state;

	(void)count;
	return pages_check(&scene->wanted, scene->copy, scene->text.bytes, 0);
}

/* Ours share a scene; whoever opens something has that. */
static const struct contender ready = {
	.who = "ring", .prepare = refresh, .check = check, .loops = {render}};
static const struct contender anew = {
	.who = "ring, new memory", .prepare = refresh, .check = check, .loops = {render_anew}};
static const struct contender pieces = {
	.who = "piece by piece", .prepare = refresh, .check = check, .loops = {append}};
static const struct contender spelling = {
	.who = "spelling the lines", .prepare = refresh, .check = check_spelled, .loops = {spell}};
static const struct contender copying = {
	.who = "memcpy", .prepare = finish, .check = check_copy, .loops = {copy}};

static const struct contender *const contenders[] = {
	&ready, &copying, &anew, &pieces, &spelling, &prometheus_text,
};

#define CONTENDER_COUNT (sizeof contenders / sizeof contenders[0])

/* Nanoseconds a series: the median of a few stretches, each of them checked. */
static double time_page(const struct contender *contender, void *state, size_t series_count)
{
	const size_t stretches = series_count > CACHED_SERIES ? 1 : PAGE_STRETCHES;
	double ns[PAGE_STRETCHES];

	for (size_t i = 0; i < stretches; i++) {
		contender->prepare(state);
		const uint64_t start = bench_now_ns();
		contender->loops[0](state, series_count);
		ns[i] = (double)(bench_now_ns() - start) / (double)series_count;
		if (!contender->check(state, series_count))
			bench_fail("%s: a page failed its check", contender->who);
	}
	return bench_median(ns, stretches);
}

static void run_page(const char *name, const struct pages *pages, unsigned rounds)
{
	static double ns[CONTENDER_COUNT][BENCH_ROUNDS_MAX];
	void *states[CONTENDER_COUNT] = {NULL};
	struct scene *scene = scene_open(pages);

	if (!scene)
		return;
	for (size_t i = 0; i < CONTENDER_COUNT; i++) {
		if (!contenders[i])
			continue;
		states[i] = contenders[i]->open ? contenders[i]->open(pages) : scene;
		time_page(contenders[i], states[i], pages->series_count); /* the warm-up */
	}
	for (unsigned round = 0; round < rounds; round++) {
		machine_look();
		for (size_t i = 0; i < CONTENDER_COUNT; i++)
			if (states[i])
				ns[i][round] = time_page(contenders[i], states[i],
							 pages->series_count);
	}
	for (size_t i = 0; i < CONTENDER_COUNT; i++) {
		if (!states[i])
			continue;
		bench_report(name, contenders[i]->who, "ns", ns[i], rounds);
		if (contenders[i]->close)
			contenders[i]->close(states[i]);
	}
	scene_close(scene);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		struct pages pages;
	} pages[] = {
		{"10 k counters", {PAGES_COUNTS, CACHED_SERIES, 0}},
		{"10 k counters, 1 to 16 digits", {PAGES_MIXED, CACHED_SERIES, 0}},
		{"10 k gauges", {PAGES_DOUBLES, CACHED_SERIES, 0}},
		{"1 M counters", {PAGES_COUNTS, 1000000, 0}},
		{"1 M counters, 1 to 16 digits", {PAGES_MIXED, 1000000, 0}},
		{"1 M gauges", {PAGES_DOUBLES, 1000000, 0}},
	};
	const struct bench_options options = bench_begin("render", argc, argv);

	for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
		struct pages of_case = pages[i].pages;
		if (options.brief)
			of_case.series_count /= 100;
		/* To check a million lines takes longer than anything else here. */
		const bool is_long = of_case.series_count > CACHED_SERIES;
		run_page(pages[i].name, &of_case,
			 is_long ? (options.rounds + 4) / 5 : options.rounds);
	}
	return bench_end();
}

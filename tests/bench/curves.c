/* SPDX-License-Identifier: MIT */
/*
 * What the exporter's drain thread and page cost by size: one more ring, one more segment, one more
 * series. The exporter's own code on real segments, on one thread, without its clock; figures are
 * per ring, segment or series.
 *
 * Each round makes and follows every size anew. A figure counts only if the aggregate then has
 * what was recorded and every ring's account holds.
 */
#include <ftw.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <urcu/urcu-bp.h>

#include "aggregate/snapshot.h"
#include "base/log.h"
#include "bench.h"
#include "drain/attach.h"
#include "drain/drain.h"
#include "machine.h"
#include "plane.h"
#include "render/render.h"

#define POINTS_MAX   32u
#define PASS_SAMPLES 256u  /* per ring and pass */
#define PASS_COUNT   64u   /* a lap */
#define OTHER_SERIES 1000u /* where rings or segments are what grows */
#define BRIEF_MAX    10000u

enum measure {
	ATTACH,     /* open, judge, join, read all tallies */
	LIST,       /* the first snapshot, with a catalog of everything */
	IDLE,       /* a pass after nothing was recorded */
	PASS,       /* a pass over PASS_SAMPLES in every ring */
	TALLIES,    /* reading all of them, as every second */
	SNAPSHOT,   /* when every series has changed */
	FIRST_PAGE, /* with the lines of a new catalog */
	PAGE,       /* the same lines, new values */
	LEAVE,      /* the segments go */
	HEAP,       /* what all of it takes */
	MEASURE_COUNT
};

static const char *const names[MEASURE_COUNT] = {
	[ATTACH] = "attach",         [LIST] = "first snapshot",
	[IDLE] = "idle pass",        [PASS] = "pass",
	[TALLIES] = "all tallies",   [SNAPSHOT] = "snapshot",
	[FIRST_PAGE] = "first page", [PAGE] = "page",
	[LEAVE] = "leave",           [HEAP] = "heap",
};

struct point {
	const char *curve;
	uint32_t count; /* of what grows */
	struct plane_size size;
	double figures[MEASURE_COUNT][BENCH_ROUNDS_MAX];
};

static struct aggregate *self, *empty; /* the snapshot's other part; one without values */

static char root[] = "/dev/shm/ring-bench-XXXXXX";
static char dir[sizeof root + 8]; /* of the segments */

/* How long ago `*since` was, which is now from now on. */
static double lap(uint64_t *since)
{
	const uint64_t before = *since;

	*since = bench_now_ns();
	return (double)(*since - before);
}

static double heap_bytes(void)
{
	const struct mallinfo2 info = mallinfo2();

	return (double)(info.uordblks + info.hblkhd);
}

/* Ends the program, without its figures, if that does not hold. */
static void demand(bool holds, const char *what)
{
	if (holds)
		return;
	bench_fail("%s", what);
	exit(EXIT_FAILURE);
}

static void pass(struct attach *attach)
{
	uint64_t fill_ns = DRAIN_INTERVAL_NS_MAX;

	for (size_t i = 0; i < attach->source_count; i++)
		demand(drain_source(attach->sources[i], 1, &fill_ns) == 0, "a pass failed");
}

static void read_all(struct attach *attach)
{
	for (size_t i = 0; i < attach->source_count; i++)
		demand(source_read_all(attach->sources[i]) == 0, "a reading failed");
}

static void publish(struct aggregate *aggregate)
{
	struct snapshot_values parts[SNAPSHOT_PART_COUNT] = {{.catalog = NULL}};
	struct snapshot_values *own = &parts[SNAPSHOT_SELF], *data = &parts[SNAPSHOT_DATA];

	demand(aggregate_view(self, &own->catalog, &own->cells) == 0 &&
		       aggregate_view(aggregate, &data->catalog, &data->cells) == 0 &&
		       snapshot_publish(parts) == 0,
	       "no snapshot");
}

/* So that no memory of the last point's is left: what is replaced expires, its memory is kept for
 * the next publication, and that one does not want it. */
static void forget_the_last(void)
{
	for (unsigned i = 0; i < 3; i++) {
		publish(empty);
		urcu_bp_barrier();
	}
	malloc_trim(0);
}

static void check_accounts(const struct attach *attach, const struct plane *plane)
{
	uint64_t written = 0;

	for (size_t i = 0; i < attach->source_count; i++) {
		const struct source *source = attach->sources[i];
		for (uint32_t ring = 0; ring < source->core_count; ring++) {
			const struct ring_account *account = &source->rings[ring].account;
			demand(account->written ==
				       account->drained + account->dropped + account->pending,
			       "an account does not hold");
			written += account->written;
		}
	}
	demand(written == plane->totals.written, "samples are missing");
}

/* Of what was published. */
static void check_values(const struct plane *plane)
{
	const struct snapshot_values *values = &snapshot_borrow()->parts[SNAPSHOT_DATA];
	struct plane_totals found = {0};

	for (size_t i = 0; i < values->catalog->family_count; i++) {
		const struct catalog_family *family = &values->catalog->families[i];
		for (size_t k = 0; k < family->series_count; k++) {
			const uint64_t *cells = &values->cells[family->series[k].cell];
			if (family->metric.kind == RING_COUNTER)
				found.counted += cells[0];
			for (uint32_t bucket = 0; family->metric.kind == RING_HISTOGRAM &&
						  bucket <= family->metric.bound_count;
			     bucket++)
				found.observed += cells[1 + bucket];
		}
	}
	demand(found.counted == plane->totals.counted && found.observed == plane->totals.observed,
	       "totals are wrong");
	snapshot_return();
}

/* Renders what was published. */
static double time_page(struct render *render)
{
	const struct snapshot *snapshot = snapshot_borrow();
	struct text text;

	text_init(&text, RENDER_BYTES_MAX);
	uint64_t since = bench_now_ns();
	render_snapshot(render, &text, FORMAT_TEXT, snapshot);
	const double ns = lap(&since);
	demand(!text.error, "no page");
	text_release(&text);
	snapshot_return();
	return ns;
}

static double time_passes(struct attach *attach, struct plane *plane, unsigned samples)
{
	double sum = 0;

	for (unsigned i = 0; i < PASS_COUNT; i++) {
		plane_record(plane, samples);
		uint64_t since = bench_now_ns();
		pass(attach);
		sum += lap(&since);
	}
	return sum / PASS_COUNT;
}

static void measure(struct point *point, unsigned round, struct plane *plane)
{
	static struct attach attach; /* large */
	const double heap_before = heap_bytes();
	struct aggregate *aggregate = aggregate_create();
	struct render render;

	demand(aggregate != NULL, "no memory");
	uint64_t since = bench_now_ns();
	demand(attach_open(&attach, dir, aggregate, NULL, ATTACH_FOLLOWED_MAX, 0) == 0,
	       "no directory");
	point->figures[ATTACH][round] = lap(&since);
	publish(aggregate);
	point->figures[LIST][round] = lap(&since);
	point->figures[IDLE][round] = time_passes(&attach, plane, 0);
	time_passes(&attach, plane, PASS_SAMPLES); /* the first lap, which maps the pages */
	point->figures[PASS][round] = time_passes(&attach, plane, PASS_SAMPLES);
	plane_record_each(plane);
	pass(&attach); /* or its losses would be part of what is timed next */
	since = bench_now_ns();
	read_all(&attach);
	point->figures[TALLIES][round] = lap(&since);
	publish(aggregate);
	point->figures[SNAPSHOT][round] = lap(&since);
	check_values(plane);
	check_accounts(&attach, plane);
	render_init(&render, NULL);
	point->figures[FIRST_PAGE][round] = time_page(&render);
	point->figures[PAGE][round] = time_page(&render);
	point->figures[HEAP][round] = heap_bytes() - heap_before;
	render_release(&render);
	since = bench_now_ns();
	for (size_t i = 0; i < attach.source_count; i++)
		source_close(attach.sources[i]);
	point->figures[LEAVE][round] = lap(&since);
	attach_close(&attach); /* takes long, waiting for the kernel to let go of the watch */
	aggregate_destroy(aggregate);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void remove_all(void)
{
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void run(struct point *point, unsigned round)
{
	struct plane plane;

	forget_the_last();
	demand(plane_open(&plane, dir, &point->size) == 0, ring_error());
	plane_record_each(&plane);
	measure(point, round, &plane);
	plane_close(&plane);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void report(struct point *point, unsigned round_count)
{
	char name[64], who[32];

	for (unsigned i = 0; i < MEASURE_COUNT; i++) {
		for (unsigned round = 0; round < round_count; round++)
			point->figures[i][round] /= point->count;
		snprintf(name, sizeof name, "%s by %s", names[i], point->curve);
		snprintf(who, sizeof who, "%u", point->count);
		bench_report(name, who, i == HEAP ? "bytes" : "ns", point->figures[i], round_count);
	}
}

/* The sizes, smallest first. */
static unsigned plan(struct point *points)
{
	static const uint32_t series[] = {1000, 3000, 10000, 30000, 100000, 300000, 1000000};
	unsigned count = 0;

	for (uint32_t i = 1; i <= 64; i *= 2)
		points[count++] = (struct point){"rings", i, {1, i, OTHER_SERIES, false}};
	for (uint32_t i = 1; i <= 64; i *= 2)
		points[count++] = (struct point){"segments", i, {i, 1, OTHER_SERIES, false}};
	for (unsigned i = 0; i < sizeof series / sizeof series[0]; i++)
		points[count++] = (struct point){"series", series[i], {1, 1, series[i], false}};
	return count;
}

int main(int argc, char **argv)
{
	static struct point points[POINTS_MAX]; /* large */
	const struct bench_options options = bench_begin("curves", argc, argv);
	unsigned count = plan(points);

	demand(mkdtemp(root) != NULL, "no directory on /dev/shm");
	snprintf(dir, sizeof dir, "%s/ring", root);
	atexit(remove_all);
	log_init(LOG_ERROR, LOG_LOGFMT);
	self = aggregate_create();
	empty = aggregate_create();
	while (options.brief && points[count - 1].count > BRIEF_MAX)
		count--;
	for (unsigned round = 0; round < options.rounds; round++) {
		machine_look();
		for (unsigned i = 0; i < count; i++)
			run(&points[i], round);
	}
	for (unsigned i = 0; i < count; i++)
		report(&points[i], options.rounds);
	for (unsigned i = 0; i < MEASURE_COUNT && options.brief; i++) {
		char name[64];
		snprintf(name, sizeof name, "%s by series", names[i]);
		bench_skip(name, "too long");
	}
	return bench_end();
}

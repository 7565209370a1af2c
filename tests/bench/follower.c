/* SPDX-License-Identifier: MIT */
/* Drains as the exporter does; see follower.h. */
#include "follower.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "drain/drain.h"

#define ELAPSED_NS UINT64_C(1000000) /* only for the drain's idea of when to come again */

static bool join(struct follower *follower)
{
	const int dir_fd = open(follower->mixture->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return bench_fail("%s: cannot be opened", follower->mixture->dir);
	log_init(LOG_ERROR, LOG_LOGFMT);
	const bool joined = source_open(follower->source, dir_fd) == 0 &&
			    source_join(follower->source, follower->aggregate) == 0 &&
			    source_refresh(follower->source) == 0;
	close(dir_fd);
	return joined || bench_fail("the exporter refuses the segment");
}

struct follower *follower_open(const struct mixture *mixture, bool observes)
{
	struct follower *follower = calloc(1, sizeof *follower);

	if (!follower)
		return NULL;
	follower->mixture = mixture;
	follower->aggregate = aggregate_create();
	if (follower->aggregate && observes)
		aggregate_observe_all(follower->aggregate);
	follower->source = source_create("bench", NULL);
	if (follower->aggregate && follower->source && join(follower))
		return follower;
	follower_close(follower);
	bench_fail("the mixture cannot be followed");
	return NULL;
}

void follower_close(struct follower *follower)
{
	if (follower->source)
		source_destroy(follower->source);
	if (follower->aggregate)
		aggregate_destroy(follower->aggregate);
	free(follower);
}

void follower_pass(struct follower *follower)
{
	uint64_t fill_ns = DRAIN_INTERVAL_NS_MAX;

	if (drain_source(follower->source, ELAPSED_NS, &fill_ns) != 0)
		follower->broken = !bench_fail("a drain failed");
}

bool follower_finish(struct follower *follower)
{
	const struct source_ring *ring = &follower->source->rings[0];
	const uint64_t dropped_before = follower->dropped;

	do
		follower_pass(follower);
	while (ring->account.pending > 0 && !follower->broken);
	follower->dropped = ring->account.dropped;
	if (!follower->broken &&
	    (ring->account.written != follower->mixture->written ||
	     ring->account.written != ring->account.drained + ring->account.dropped ||
	     ring->rejected != 0))
		follower->broken = !bench_fail("the account is wrong");
	return !follower->broken && follower->dropped == dropped_before;
}

static bool is_right(const struct mixture_tally *tally, const struct ring_metric_info *metric,
		     const uint64_t *cells)
{
	uint64_t count = 0;

	switch (metric->kind) {
	case RING_COUNTER:
		return cells[0] == tally->count;
	case RING_GAUGE:
		return tally->count == 0 || cells[0] == ring_bits_of((double)tally->last);
	case RING_HISTOGRAM:
		for (uint32_t i = 0; i <= metric->bound_count; i++)
			count += cells[1 + i];
		return count == tally->count && cells[0] == ring_bits_of(tally->sum);
	case RING_STATESET:
		break; /* the mixture has none */
	}
	return false;
}

static bool check_family(const struct follower *follower, const struct catalog_family *family,
			 const uint64_t *cells, struct mixture_tally *tallies)
{
	if (family->series_count != follower->mixture->series_count)
		return bench_fail("series are missing");
	mixture_expect(follower->mixture, family->metric.kind, tallies);
	for (size_t i = 0; i < family->series_count; i++) {
		const struct catalog_series *series = &family->series[i];
		if (!is_right(&tallies[strtoul(series->labels, NULL, 10)], &family->metric,
			      cells + series->cell))
			return bench_fail("the aggregate of series %s is wrong", series->labels);
	}
	return true;
}

bool follower_check(struct follower *follower)
{
	struct mixture_tally *tallies = calloc(follower->mixture->series_count, sizeof *tallies);
	struct catalog *catalog;
	const uint64_t *cells;

	if (!tallies || aggregate_view(follower->aggregate, &catalog, &cells) != 0)
		return bench_fail("no memory for a view");
	bool right = catalog->family_count == follower->mixture->kind_count ||
		     bench_fail("metrics are missing");
	for (size_t i = 0; i < catalog->family_count && right; i++)
		right = check_family(follower, &catalog->families[i], cells, tallies);
	free(tallies);
	return right;
}

/* SPDX-License-Identifier: MIT */
/* Series and contributions; see series.h. */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <ring/record.h>

#include "account.h"
#include "base/text.h"

static int series_compare(const void *a, const void *b)
{
	const struct series *x = a, *y = b;

	if (x->family != y->family)
		return family_compare(x->family, y->family);
	/* The terminators sort first, so this goes by the first value, then by the second. */
	return text_order((struct ring_text){x->labels, (uint32_t)x->label_bytes},
			  (struct ring_text){y->labels, (uint32_t)y->label_bytes});
}

/* An invalid byte becomes three, and each value has its terminator. */
#define LABELS_BYTES_MAX (RING_INFO_LABELS_MAX * (3 * RING_LABEL_VALUE_MAX + 1))

static uint32_t foldable_labels(const struct series_set *set, const struct family *family)
{
	return family->metric.label_count - set->constant_count;
}

/* When the label is folded: the metric's own first, then what keeps segments and cores apart, then
 * the ones that overflow series keep; the constant ones never are. */
static uint32_t fold_rank(const struct series_set *set, const struct family *family, uint32_t label)
{
	const uint32_t foldable_count = foldable_labels(set, family);
	const uint32_t kept_count = family->metric.kept_labels;
	const uint32_t split_first = foldable_count - family->split_count;

	if (label < split_first - kept_count || label >= foldable_count)
		return label;
	return label < split_first ? label + family->split_count : label - kept_count;
}

/* Writes terminated, valid label values: a segment's packed ones, with the family's overflow label
 * for the first `folded` of them by rank. */
static int labels_write(struct text *into, const struct series_set *set,
			const struct family *family, struct ring_text packed, uint32_t folded)
{
	text_init(into, LABELS_BYTES_MAX);
	for (uint32_t i = 0; i < family->metric.label_count; i++) {
		struct ring_text value = {"", 0};
		ring_label_next(&packed, &value);
		if (fold_rank(set, family, i) < folded)
			value = family->metric.overflow_label;
		text_utf8(into, value.data, value.bytes);
		text_append(into, "", 1);
	}
	return into->error;
}

static struct series *series_find(const struct series_set *set, struct family *family,
				  const struct text *labels)
{
	const struct series wanted = {
		.family = family, .labels = labels->data, .label_bytes = labels->bytes};
	void *const *node = tfind(&wanted, &set->series, series_compare);

	return node ? *node : NULL;
}

static struct series *series_add(struct series_set *set, struct family *family,
				 const struct text *labels, bool is_overflow)
{
	struct series *series = calloc(1, sizeof *series + labels->bytes);

	if (!series)
		return NULL;
	series->family = family;
	series->is_overflow = is_overflow;
	if (set->observes && family->metric.kind == RING_HISTOGRAM) {
		series->observed = observed_create(&family->metric);
		if (!series->observed) {
			free(series);
			return NULL;
		}
	}
	series->labels = series->bytes;
	series->label_bytes = labels->bytes;
	if (labels->bytes > 0)
		memcpy(series->bytes, labels->data, labels->bytes);
	LIST_INIT(&series->contributions);
	if (!tsearch(series, &set->series, series_compare)) {
		observed_destroy(series->observed);
		free(series);
		return NULL;
	}
	LIST_INSERT_HEAD(&family->series, series, of_family);
	family->named_count += !is_overflow;
	family->overflow_count += is_overflow;
	set->named_count += !is_overflow;
	set->stale = true;
	return series;
}

/* The one of that heir, with as few labels folded as it may be; NULL: there is none. */
static struct series *series_inherit(struct series_set *set, struct family *family,
				     struct ring_text packed, uint64_t heir)
{
	struct series *series = NULL;
	struct text labels;

	for (uint32_t folded = 0; !series && folded <= foldable_labels(set, family); folded++) {
		if (labels_write(&labels, set, family, packed, folded) == 0)
			series = series_find(set, family, &labels);
		text_release(&labels);
		if (series && series->heir != heir)
			series = NULL;
		set->overflowed_count += series && folded > 0;
	}
	return series;
}

static bool texts_equal(const struct text *a, const struct text *b)
{
	return a->bytes == b->bytes && (a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0);
}

/* Finds the series, or adds it. Past the budget it is one that stands for many, told apart by as
 * many of the labels that are folded last as there is such a series for. One that has just the
 * labels that are kept is added as long as there is room for the last one of these, which has none,
 * and always is. */
static struct series *series_get(struct series_set *set, struct family *family,
				 struct ring_text packed)
{
	const struct ring_metric_info *metric = &family->metric;
	const uint32_t foldable_count = foldable_labels(set, family);
	const bool has_overflow = foldable_count > 0 && metric->series_max > 0;
	const bool is_full = set->series_max > 0 && set->named_count >= set->series_max;
	const bool has_room = !has_overflow ||
			      (family->named_count < metric->series_max && !is_full);
	const bool has_overflow_room = family->overflow_count + 1 < metric->overflow_max;
	struct series *series = NULL;
	struct text labels, kept, last;
	int error = labels_write(&kept, set, family, packed, foldable_count - metric->kept_labels);

	if (labels_write(&last, set, family, packed, foldable_count) != 0)
		error = last.error;
	for (uint32_t folded = 0; !error && !series && folded <= foldable_count; folded++) {
		error = labels_write(&labels, set, family, packed, folded);
		const bool is_last = has_overflow && texts_equal(&labels, &last);
		const bool is_overflow = is_last || (has_overflow && texts_equal(&labels, &kept));
		if (!error)
			series = series_find(set, family, &labels);
		if (!error && !series &&
		    (is_last || (is_overflow ? has_overflow_room : has_room))) {
			series = series_add(set, family, &labels, is_overflow);
			error = series ? 0 : -ENOMEM;
		}
		set->overflowed_count += series && folded > 0;
		text_release(&labels);
	}
	text_release(&kept);
	text_release(&last);
	return series;
}

/* Keeps the queue of those gone, after a change of who contributes. */
static void series_account(struct series_set *set, struct series *series)
{
	const bool gone = series->present_count == 0 && !LIST_EMPTY(&series->contributions);

	if (gone == series->gone)
		return;
	series->gone = gone;
	series->gone_ns = 0;
	if (gone) {
		TAILQ_INSERT_TAIL(&set->gone, series, of_gone);
		set->gone_count++;
	} else {
		TAILQ_REMOVE(&set->gone, series, of_gone);
		set->gone_count--;
	}
}

static void series_release(struct series_set *set, struct series *series)
{
	struct family *family = series->family;

	if (!LIST_EMPTY(&series->contributions))
		return;
	tdelete(series, &set->series, series_compare);
	LIST_REMOVE(series, of_family);
	family->named_count -= !series->is_overflow;
	family->overflow_count -= series->is_overflow;
	set->named_count -= !series->is_overflow;
	if (series->changed)
		LIST_REMOVE(series, of_changed);
	observed_destroy(series->observed);
	free(series);
	set->stale = true;
	family_release(&set->families, family);
}

void series_touch(struct series_set *set, struct series *series)
{
	if (series->changed)
		return;
	series->changed = true;
	LIST_INSERT_HEAD(&set->changed, series, of_changed);
}

struct contribution *contribution_add(struct series_set *set, struct family *family,
				      struct ring_text labels, uint64_t heir, uint32_t core_count)
{
	const bool is_accounted = set->observes && family->metric.kind == RING_HISTOGRAM;
	const size_t cell_count = (size_t)core_count * family->metric.series_cells *
				  (is_accounted ? 3 : 1);
	struct contribution *contribution = calloc(
		1, sizeof *contribution + cell_count * sizeof contribution->cells[0]);
	struct series *series = NULL;

	if (contribution && heir > 0)
		series = series_inherit(set, family, labels, heir);
	if (contribution && !series)
		series = series_get(set, family, labels);
	if (!series) {
		free(contribution);
		return NULL;
	}
	contribution->series = series;
	contribution->core_count = (uint16_t)core_count;
	contribution->series_cells = (uint16_t)family->metric.series_cells;
	contribution->is_accounted = is_accounted;
	for (uint32_t core = 0; core < core_count; core++)
		ring_cells_clear(&family->metric, core_cells(contribution, core));
	LIST_INSERT_HEAD(&series->contributions, contribution, of_series);
	series->present_count++;
	series_account(set, series);
	series_touch(set, series);
	return contribution;
}

void contribution_set(struct series_set *set, struct contribution *contribution, uint32_t core,
		      const uint64_t *cells)
{
	uint64_t *known = core_cells(contribution, core);
	uint64_t changed = 0;

	for (uint32_t i = 0; i < contribution->series_cells; i++) {
		changed |= known[i] ^ cells[i];
		known[i] = cells[i];
	}
	if (changed)
		series_touch(set, contribution->series);
}

void series_started(struct series_set *set, struct series *series, uint64_t start_ns)
{
	if (start_ns == 0 || (series->start_ns > 0 && series->start_ns <= start_ns))
		return;
	series->start_ns = start_ns;
	set->stale = true;
}

void series_merge(const struct series *series, const struct contribution *contribution,
		  uint64_t *cells)
{
	for (uint32_t core = 0; core < contribution->core_count; core++)
		ring_cells_merge(&series->family->metric, cells,
				 &contribution->cells[(size_t)core * contribution->series_cells]);
}

void contribution_remove(struct series_set *set, struct contribution *contribution)
{
	struct series *series = contribution->series;

	LIST_REMOVE(contribution, of_series);
	LIST_REMOVE(contribution, of_member);
	if (contribution->retired)
		set->retired_count--;
	else
		series->present_count--;
	if (series->retired == contribution)
		series->retired = NULL;
	free(contribution);
	series_account(set, series);
	series_touch(set, series);
	series_release(set, series);
}

void contribution_retire(struct series_set *set, struct contribution *contribution)
{
	struct series *series = contribution->series;

	account_close(set, contribution);
	/* Label values that print alike may have made several of one series. */
	if (series->retired && series->retired->member == contribution->member) {
		series_merge(series, contribution, series->retired->cells);
		contribution_remove(set, contribution);
		return;
	}
	for (uint32_t core = 1; core < contribution->core_count; core++)
		ring_cells_merge(&series->family->metric, contribution->cells,
				 core_cells(contribution, core));
	contribution->core_count = 1;
	contribution->retired = true;
	series->retired = contribution;
	set->retired_count++;
	series->present_count--;
	series_account(set, series);
}

void contribution_gather(struct series_set *set, struct contribution *contribution)
{
	struct series *series = contribution->series;
	struct contribution *other, *next;

	for (other = LIST_FIRST(&series->contributions); other; other = next) {
		next = LIST_NEXT(other, of_series);
		if (other == contribution || other->member != contribution->member)
			continue;
		series_merge(series, other, contribution->cells);
		contribution_remove(set, other);
	}
}

/* Writes the labels of its series with other values for what keeps it apart; an overflow label
 * stays. */
static int labels_rewrite(struct text *into, const struct series_set *set,
			  const struct contribution *contribution, const char *segment,
			  uint16_t core)
{
	const struct ring_metric_info *metric = &contribution->series->family->metric;
	const uint32_t core_index = metric->label_count - set->constant_count -
				    contribution->by_core;
	const uint32_t segment_index = core_index - contribution->by_segment;
	const char *value = contribution->series->labels;

	text_init(into, LABELS_BYTES_MAX);
	for (uint32_t i = 0; i < metric->label_count; i++) {
		const struct ring_text known = {value, (uint32_t)strlen(value)};
		if (text_order(known, metric->overflow_label) == 0)
			text_string(into, value);
		else if (contribution->by_segment && i == segment_index)
			text_string(into, segment);
		else if (contribution->by_core && i == core_index)
			text_u64(into, core);
		else
			text_string(into, value);
		text_append(into, "", 1);
		value += known.bytes + 1;
	}
	return into->error;
}

/* What the member contributes to the series; NULL: nothing. */
static struct contribution *contribution_of(const struct series *series,
					    const struct aggregate_member *member)
{
	struct contribution *contribution;

	LIST_FOREACH (contribution, &series->contributions, of_series)
		if (contribution->member == member)
			return contribution;
	return NULL;
}

int contribution_move(struct series_set *set, struct contribution *contribution,
		      const char *segment, uint16_t core)
{
	struct series *from = contribution->series, *to = NULL;
	struct text labels;

	if (labels_rewrite(&labels, set, contribution, segment, core) == 0) {
		to = series_find(set, from->family, &labels);
		if (!to)
			to = series_add(set, from->family, &labels, from->is_overflow);
	}
	text_release(&labels);
	if (!to || to == from)
		return to ? 0 : -ENOMEM;
	/* What was observed of it stays so there, beyond what segments have, and is not here. */
	if (from->observed) {
		from->observed->base_sum -= ring_double_of(contribution->cells[0]);
		to->observed->base_sum += ring_double_of(contribution->cells[0]);
	}
	series_started(set, to, from->start_ns);
	struct contribution *there = contribution_of(to, contribution->member);
	if (there) {
		series_merge(to, contribution, there->cells);
		contribution_remove(set, contribution);
	} else {
		LIST_REMOVE(contribution, of_series);
		if (from->retired == contribution)
			from->retired = NULL;
		LIST_INSERT_HEAD(&to->contributions, contribution, of_series);
		contribution->series = to;
		contribution->core = core;
		series_account(set, from);
		series_touch(set, from);
		series_release(set, from);
		series_account(set, to);
	}
	series_touch(set, to);
	return 0;
}

bool contribution_reduce(struct series_set *set, struct contribution *contribution,
			 const uint64_t *cells)
{
	const struct ring_metric_info *metric = &contribution->series->family->metric;
	/* The first cell of a histogram is its sum; it goes with the observations. */
	const uint32_t first = metric->kind == RING_HISTOGRAM ? 1 : 0;
	uint64_t *own = contribution->cells;
	bool any = false;

	if (metric->kind == RING_HISTOGRAM)
		own[0] = ring_bits_of(ring_double_of(own[0]) - ring_double_of(cells[0]));
	for (uint32_t i = first; i < metric->series_cells; i++) {
		own[i] -= own[i] < cells[i] ? own[i] : cells[i];
		any |= own[i] != 0;
	}
	series_touch(set, contribution->series);
	return any;
}

bool series_combine(const struct series *series, const struct aggregate_member *member,
		    uint64_t *cells)
{
	const struct contribution *contribution;
	bool any = false;

	ring_cells_clear(&series->family->metric, cells);
	LIST_FOREACH (contribution, &series->contributions, of_series) {
		if (contribution->member != member)
			continue;
		series_merge(series, contribution, cells);
		any = true;
	}
	return any;
}

static void series_free(void *datum)
{
	struct series *series = datum;
	struct contribution *contribution;

	while ((contribution = LIST_FIRST(&series->contributions))) {
		LIST_REMOVE(contribution, of_series);
		free(contribution);
	}
	observed_destroy(series->observed);
	free(series);
}

void series_set_init(struct series_set *set)
{
	*set = (struct series_set){.series = NULL};
	TAILQ_INIT(&set->gone);
}

void series_set_clear(struct series_set *set)
{
	tdestroy(set->series, series_free);
	tdestroy(set->families, free);
	free(set->cells);
	free(set->observed);
	catalog_release(set->catalog);
	series_set_init(set);
}

/* SPDX-License-Identifier: MIT */
/* Metrics and series of a segment, by index; see member.h. */
#include <errno.h>
#include <stdlib.h>

#include "member.h"

/* An array that has room for one entry more; it doubles when it is full. NULL: no memory. */
static void *array_room(void *array, uint32_t count, size_t entry_bytes)
{
	if (count > 0 && (count & (count - 1)) != 0)
		return array;
	return reallocarray(array, count == 0 ? 1 : 2 * (size_t)count, entry_bytes);
}

bool member_has(const struct aggregate_member *member, const struct family *family)
{
	for (uint32_t i = 0; i < member->metric_count; i++)
		if (member->metrics[i].family == family)
			return true;
	return false;
}

int member_add_metric(struct aggregate_member *member, struct family *family,
		      struct shape_split split)
{
	void *metrics = array_room(member->metrics, member->metric_count,
				   sizeof(struct member_metric));

	if (!metrics)
		return -ENOMEM;
	member->metrics = metrics;
	member->metrics[member->metric_count++] = (struct member_metric){family, split};
	member->conflict_count += !family;
	return 0;
}

/* What it contributes to one series: all cores together, or one of them. NULL: no memory. */
static struct contribution *contribute(struct aggregate_member *member,
				       const struct member_metric *metric, struct ring_text labels,
				       uint32_t core_count)
{
	struct contribution *contribution = contribution_add(member->set, metric->family, labels,
							     member->heir, core_count);

	if (!contribution)
		return NULL;
	contribution->member = member;
	series_started(member->set, contribution->series, member->start_ns);
	contribution->by_segment = metric->split.by_segment;
	contribution->by_core = metric->split.by_core;
	LIST_INSERT_HEAD(&member->contributions, contribution, of_member);
	return contribution;
}

/* Room for one series more, which is shown nowhere yet. */
static int grow(struct aggregate_member *member)
{
	const uint32_t count = member->series_count;
	void *by_index = array_room(member->by_index, count, sizeof(struct contribution *));

	if (!by_index)
		return -ENOMEM;
	member->by_index = by_index;
	member->by_index[count] = NULL;
	if (!member->splits_cores)
		return 0;
	void *apart = array_room(member->apart, count, sizeof(struct contribution **));
	if (!apart)
		return -ENOMEM;
	member->apart = apart;
	member->apart[count] = NULL;
	return 0;
}

/* The whole of it. */
static int show_together(struct aggregate_member *member, const struct shape *shape,
			 const struct member_series *series)
{
	const struct member_metric *metric = &member->metrics[series->metric];
	char packed[SHAPE_PACKED_MAX];
	const struct ring_text labels = shape_series(shape, metric->split, series->labels,
						     member->identity.name, 0, packed);
	struct contribution **shown = &member->by_index[series->index];

	*shown = contribute(member, metric, labels, member->core_count);
	return *shown ? 0 : -ENOMEM;
}

/* Core by core. */
static int show_apart(struct aggregate_member *member, const struct shape *shape,
		      const struct member_series *series)
{
	const struct member_metric *metric = &member->metrics[series->metric];
	struct contribution **shown = calloc(member->core_count, sizeof *shown);
	char packed[SHAPE_PACKED_MAX];

	member->apart[series->index] = shown;
	for (uint32_t core = 0; shown && core < member->core_count; core++) {
		const struct ring_text labels = shape_series(shape, metric->split, series->labels,
							     member->identity.name, core, packed);
		shown[core] = contribute(member, metric, labels, 1);
		if (!shown[core])
			return -ENOMEM;
		shown[core]->core = (uint16_t)core;
	}
	return shown ? 0 : -ENOMEM;
}

int member_add_place(struct aggregate_member *member)
{
	const int error = grow(member);

	member->series_count += error == 0;
	return error;
}

int member_name_series(struct aggregate_member *member, const struct shape *shape,
		       const struct member_series *series)
{
	const struct member_metric *metric = &member->metrics[series->metric];

	if (!metric->family)
		return 0;
	return metric->split.by_core ? show_apart(member, shape, series)
				     : show_together(member, shape, series);
}

void member_forget_series(struct aggregate_member *member, uint32_t series)
{
	struct contribution **apart = member->apart ? member->apart[series] : NULL;

	if (member->by_index[series])
		contribution_remove(member->set, member->by_index[series]);
	member->by_index[series] = NULL;
	if (!apart)
		return;
	for (uint32_t core = 0; core < member->core_count; core++)
		if (apart[core])
			contribution_remove(member->set, apart[core]);
	free(apart);
	member->apart[series] = NULL;
}

void member_retire(struct aggregate_member *member)
{
	for (uint32_t i = 0; member->apart && i < member->series_count; i++)
		free(member->apart[i]);
	free(member->apart);
	free(member->by_index);
	free(member->metrics);
	member->apart = NULL;
	member->by_index = NULL;
	member->metrics = NULL;
}

void member_free(struct aggregate_member *member)
{
	member_retire(member);
	free(member);
}

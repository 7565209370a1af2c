/* SPDX-License-Identifier: MIT */
/*
 * Publication through one pointer; RCU says when the memory of the old snapshot can go. What RCU
 * orders is stated once more in C11's words, because ThreadSanitizer does not see into liburcu:
 * every publication and every return is a step, and a free looks at the steps before it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-bp.h>

#include "snapshot.h"

/* A part's values; snapshots share them for as long as they do not change. */
struct values {
	struct catalog *catalog;
	size_t cell_count, observed_count;
	uint32_t holder_count;
	uint64_t words[]; /* the cells, and what was observed */
};

struct published {
	struct snapshot snapshot;
	struct values *parts[SNAPSHOT_PART_COUNT];
	struct rcu_head head;
};

static struct published *current;
static uint64_t step_count;

/* Memory of what has expired, for the next publication: as long as nothing grows, publishing
 * allocates nothing. */
static struct published *spare;
static struct values *spare_values[SNAPSHOT_PART_COUNT];

static void values_release(struct values *values, unsigned part)
{
	/* Release, and acquire for the last one: everybody's last look comes before the reuse. */
	if (!values || __atomic_sub_fetch(&values->holder_count, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	catalog_release(values->catalog);
	/* Release, to values_create; acquire, from who left what is freed now. */
	free(__atomic_exchange_n(&spare_values[part], values, __ATOMIC_ACQ_REL));
}

static void published_free(struct published *published)
{
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++)
		values_release(published->parts[part], part);
	/* Release, to published_create; acquire, from who left what is freed now. */
	free(__atomic_exchange_n(&spare, published, __ATOMIC_ACQ_REL));
}

static void published_expire(struct rcu_head *head)
{
	/* Acquire, from the steps: the publisher's last word and the readers' last looks come
	 * before the free. The queue and the grace period have seen to that already. */
	(void)__atomic_load_n(&step_count, __ATOMIC_ACQUIRE);
	published_free(caa_container_of(head, struct published, head));
}

static struct values *values_create(unsigned part, const struct snapshot_values *from)
{
	const size_t cell_count = from->catalog->cell_count;
	const size_t observed_count = from->observed_count;
	/* Acquire, from values_release: its last reader is done with it. */
	struct values *values = __atomic_exchange_n(&spare_values[part], NULL, __ATOMIC_ACQUIRE);

	if (!values || values->cell_count != cell_count ||
	    values->observed_count != observed_count) {
		free(values);
		values = malloc(sizeof *values +
				(cell_count + observed_count) * sizeof values->words[0]);
	}
	if (!values)
		return NULL;
	values->catalog = catalog_hold(from->catalog);
	values->cell_count = cell_count;
	values->observed_count = observed_count;
	values->holder_count = 1;
	memcpy(values->words, from->cells, cell_count * sizeof values->words[0]);
	if (observed_count > 0)
		memcpy(values->words + cell_count, from->observed,
		       observed_count * sizeof values->words[0]);
	return values;
}

/* What is published now stays so until this thread replaces it. */
static struct values *values_hold(unsigned part)
{
	/* relaxed: only this thread stores it. */
	struct values *values = __atomic_load_n(&current, __ATOMIC_RELAXED)->parts[part];

	/* relaxed: whoever holds one more has been given the values by a holder. */
	__atomic_fetch_add(&values->holder_count, 1, __ATOMIC_RELAXED);
	return values;
}

static struct published *published_create(void)
{
	/* Acquire, from published_free: its last reader is done with it. */
	struct published *published = __atomic_exchange_n(&spare, NULL, __ATOMIC_ACQUIRE);

	if (!published)
		published = malloc(sizeof *published);
	if (published)
		*published = (struct published){.parts = {NULL}};
	return published;
}

static int published_fill(struct published *published, const struct snapshot_values *parts)
{
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++) {
		struct values *values = parts[part].catalog ? values_create(part, &parts[part])
							    : values_hold(part);
		if (!values)
			return -ENOMEM;
		published->parts[part] = values;
		published->snapshot.parts[part] = (struct snapshot_values){
			values->catalog, values->words, values->words + values->cell_count,
			values->observed_count};
	}
	return 0;
}

static void step(void)
{
	/* Release, to published_expire. An addition, since several threads take steps. */
	__atomic_fetch_add(&step_count, 1, __ATOMIC_RELEASE);
}

static void published_replace(struct published *next)
{
	/* relaxed: only this thread stores it. */
	struct published *old = __atomic_load_n(&current, __ATOMIC_RELAXED);

	next->snapshot.sequence = old ? old->snapshot.sequence + 1 : 1;
	/* Release, to snapshot_borrow: whoever finds the snapshot finds it complete. */
	__atomic_store_n(&current, next, __ATOMIC_RELEASE);
	if (!old)
		return;
	step();
	urcu_bp_call_rcu(&old->head, published_expire);
}

int snapshot_publish(const struct snapshot_values parts[SNAPSHOT_PART_COUNT])
{
	struct published *next = published_create();

	if (!next)
		return -ENOMEM;
	if (published_fill(next, parts) != 0) {
		published_free(next);
		return -ENOMEM;
	}
	published_replace(next);
	return 0;
}

const struct snapshot *snapshot_borrow(void)
{
	urcu_bp_read_lock();
	/* Acquire, from published_replace: the snapshot's contents come with the pointer. */
	const struct published *published = __atomic_load_n(&current, __ATOMIC_ACQUIRE);
	return published ? &published->snapshot : NULL;
}

void snapshot_return(void)
{
	step();
	urcu_bp_read_unlock();
}

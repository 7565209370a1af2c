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

struct published {
	struct snapshot snapshot;
	struct catalog *catalogs[SNAPSHOT_PART_COUNT];
	uint64_t *cells[SNAPSHOT_PART_COUNT];
	struct rcu_head head;
};

static struct published *current;
static uint64_t step_count;

static void published_free(struct published *published)
{
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++) {
		free(published->cells[part]);
		catalog_release(published->catalogs[part]);
	}
	free(published);
}

static void published_expire(struct rcu_head *head)
{
	/* Acquire, from the steps: the publisher's last word and the readers' last looks come
	 * before the free. The queue and the grace period have seen to that already. */
	(void)__atomic_load_n(&step_count, __ATOMIC_ACQUIRE);
	published_free(caa_container_of(head, struct published, head));
}

static int published_fill(struct published *published, struct catalog *const *catalogs,
			  const uint64_t *const *cells)
{
	for (unsigned part = 0; part < SNAPSHOT_PART_COUNT; part++) {
		const size_t bytes = catalogs[part]->cell_count * sizeof cells[part][0];
		published->cells[part] = malloc(bytes + 1);
		if (!published->cells[part])
			return -ENOMEM;
		memcpy(published->cells[part], cells[part], bytes);
		published->catalogs[part] = catalog_hold(catalogs[part]);
		published->snapshot.parts[part] = (struct snapshot_values){catalogs[part],
									   published->cells[part]};
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

int snapshot_publish(struct catalog *const catalogs[SNAPSHOT_PART_COUNT],
		     const uint64_t *const cells[SNAPSHOT_PART_COUNT])
{
	struct published *next = calloc(1, sizeof *next);

	if (!next)
		return -ENOMEM;
	if (published_fill(next, catalogs, cells) != 0) {
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

/* SPDX-License-Identifier: MIT */
/*
 * Stores made as log-structured merge trees, the block cache that they share and how they are
 * synced: polled. A source observes each store that is open and answers RING_ANSWER_SOME: a store
 * that is closed for a while stays as it was. Its counters may begin anew when it is opened again.
 */
#ifndef RING_SET_LSM_H
#define RING_SET_LSM_H

#include "../set.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_LSM_SYNC_MODES(VALUE)   \
	VALUE(RING_LSM_SYNC, "sync") \
	VALUE(RING_LSM_NOSYNC, "nosync")

RING_SET_LABEL(ring_lsm_sync_mode, "mode", RING_LSM_SYNC_MODES);

#define RING_LSM_STORE(ONE, EACH, OF)                                                       \
	ONE(OF, SUM, l0_sublevels, "pebble_l0_sublevels", NULL,                             \
	    "Sublevels of L0; when they grow, writes are about to be held up.")             \
	ONE(OF, SUM, l0_files, "pebble_l0_num_files", NULL, "Files in L0.")                 \
	ONE(OF, SUM, compaction_debt_bytes, "pebble_compact_estimated_debt_bytes", "bytes", \
	    "What is still to be compacted, as far as the store can tell.")                 \
	ONE(OF, SUM, compactions_running, "pebble_compact_in_progress", NULL,               \
	    "Compactions under way.")                                                       \
	ONE(OF, COUNTER, compactions, "pebble_compact_count_total", NULL,                   \
	    "Compactions that have been done.")                                             \
	ONE(OF, SUM, memtables, "pebble_memtables", NULL,                                   \
	    "Memtables, those that wait to be flushed included.")                           \
	ONE(OF, SUM, memtable_bytes, "pebble_memtable_size_bytes", "bytes",                 \
	    "Memory of the memtables and of large batches to be flushed.")                  \
	ONE(OF, SUM, memtable_zombies, "pebble_memtable_zombies", NULL,                     \
	    "Memtables that only open iterators still need.")

#define RING_LSM_CACHE(ONE, EACH, OF)                                                \
	ONE(OF, LAST, size_bytes, "pebble_block_cache_size_bytes", "bytes",          \
	    "Memory that the block cache has in use.")                               \
	ONE(OF, KNOWN, capacity_bytes, "pebble_block_cache_capacity_bytes", "bytes", \
	    "Memory that the block cache may use.")                                  \
	ONE(OF, COUNTER, hits, "pebble_block_cache_hits_total", NULL,                \
	    "Blocks that were found in the cache.")                                  \
	ONE(OF, COUNTER, misses, "pebble_block_cache_misses_total", NULL,            \
	    "Blocks that were not found in the cache.")

#define RING_LSM_MODE(ONE, EACH, OF)                                           \
	ONE(OF, STATES(ring_lsm_sync_mode), mode, "fsm_apply_sync_mode", NULL, \
	    "Whether what is applied is synced to disk at once, or recovered from the log.")

RING_SET_POLLED(ring_lsm_store, RING_LSM_STORE);
RING_SET_POLLED(ring_lsm_cache, RING_LSM_CACHE);
RING_SET_POLLED(ring_lsm_mode, RING_LSM_MODE);

static const struct ring_set_bundle ring_lsm_store_bundle = {
	RING_SET_METRICS(ring_lsm_store), {"group"}, RING_SET_BUDGET, RING_SET_OVERFLOW, 0};
static const struct ring_set_bundle ring_lsm_cache_bundle = {
	RING_SET_METRICS(ring_lsm_cache), {NULL}, 0, RING_SET_OVERFLOW, 0};
static const struct ring_set_bundle ring_lsm_mode_bundle = {
	RING_SET_METRICS(ring_lsm_mode), {NULL}, 0, RING_SET_OVERFLOW, 0};
static const struct ring_set_spec ring_lsm = {
	RING_SET_PREFIX, {&ring_lsm_store_bundle, &ring_lsm_cache_bundle, &ring_lsm_mode_bundle}};

static inline int ring_lsm_observe(struct ring_poll *poll, const struct ring_set *set,
				   const char *group, const struct ring_lsm_store *store)
{
	const char *const labels[] = {group, NULL};

	return ring_set_observe(poll, set, &ring_lsm_store_bundle, labels, store);
}

/* A capacity of 0 is one that is not known now. */
static inline int ring_lsm_observe_cache(struct ring_poll *poll, const struct ring_set *set,
					 const struct ring_lsm_cache *cache)
{
	const char *const labels[] = {NULL};

	return ring_set_observe(poll, set, &ring_lsm_cache_bundle, labels, cache);
}

static inline int ring_lsm_observe_mode(struct ring_poll *poll, const struct ring_set *set,
					enum ring_lsm_sync_mode mode)
{
	const char *const labels[] = {NULL};
	const struct ring_lsm_mode values = {mode};

	return ring_set_observe(poll, set, &ring_lsm_mode_bundle, labels, &values);
}

#ifdef __cplusplus
}
#endif

#endif

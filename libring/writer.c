/* SPDX-License-Identifier: MIT */
/*
 * Who records into which ring: claims, and what ends them.
 *
 * A claim ends by release, by the end of its thread, by the closing of its segment, or in the
 * child of a fork. All four meet on one mutex, far from the hot path. The writer itself stays where
 * it is until the segment is closed.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "export.h"
#include "owner.h"
#include "registry.h"

/* What stands in a core's private page. All zeros until the first claim. */
struct ring_claim {
	struct ring_writer writer; /* first: a writer's address is its claim's */
	struct ring_segment *segment;
	struct ring_claim **list; /* of the claiming thread; NULL while nobody holds the claim */
	struct ring_claim *next;
};
RING_STATIC_ASSERT(RING_WRITER_OFFSET + sizeof(struct ring_claim) <=
			   RING_PRIVATE_OFFSET + RING_PAGE,
		   "a claim fits into the private page");

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t life_mutex = PTHREAD_MUTEX_INITIALIZER; /* taken before the other */
static struct ring_segment *segments;

/* What the calling thread holds. The key exists for its destructor. */
static _Thread_local struct ring_claim *held;
static pthread_key_t held_key;

/* Above which no cell is, so that every record ends at the first comparison. */
#define NO_CELLS UINT32_MAX

/* Returned where there is nothing to claim. One per thread, because ring_tick writes to it. */
static _Thread_local struct ring_writer noop_writer = {.cell_floor = NO_CELLS};

static struct ring_claim *claim_at(const struct ring_mapping *map, uint32_t core)
{
	return (struct ring_claim *)(void *)((char *)ring_core_of(map, core) + RING_WRITER_OFFSET);
}

static char *private_page_of(const struct ring_mapping *map, uint32_t core)
{
	return (char *)ring_core_of(map, core) + RING_PRIVATE_OFFSET;
}

bool ring_rings_have(const struct ring_mapping *map, uint64_t key)
{
	for (uint32_t core = 0; core < map->shape.core_count; core++) {
		const char *control = (const char *)ring_core_of(map, core);
		const struct ring_slot *slots = (const void *)(control + RING_SLOTS_OFFSET);
		for (uint32_t i = 0; i < map->shape.slot_count; i++)
			/* relaxed: whoever asks wants to know of samples long before this. */
			if (ring_key_tagged(ring_load_relaxed(&slots[i].key), 0) == key)
				return true;
	}
	return false;
}

int ring_writers_place(const struct ring_mapping *map)
{
	const char *name = map->shape.name;

	if (sysconf(_SC_PAGESIZE) != RING_PAGE)
		return ring_fail(ENOTSUP, "%s: needs pages of %u bytes, not %ld", name, RING_PAGE,
				 sysconf(_SC_PAGESIZE));
	for (uint32_t core = 0; core < map->shape.core_count; core++)
		if (mmap(private_page_of(map, core), RING_PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			return ring_fail(errno, "%s: cannot map a page for core %u: %s", name, core,
					 strerror(errno));
	return 0;
}

/* Makes a writer record nothing, whoever still holds it. */
static void disarm(struct ring_writer *writer)
{
	*writer = (struct ring_writer){.cell_floor = NO_CELLS};
}

/* With the mutex held. */
static void end_claim(struct ring_claim *claim)
{
	struct ring_claim **link = claim->list;

	while (*link != claim)
		link = &(*link)->next;
	*link = claim->next;
	claim->list = NULL;
	/* What a burst has put and not published yet. */
	ring_burst_end(&claim->writer);
	/* relaxed: for display. */
	ring_store_relaxed(&ring_core_of(&claim->segment->map, claim->writer.core)->writer_tid, 0);
	disarm(&claim->writer);
}

static void end_thread(void *list)
{
	struct ring_claim **claims = list;

	pthread_mutex_lock(&mutex);
	while (*claims)
		end_claim(*claims);
	pthread_mutex_unlock(&mutex);
}

static void before_fork(void)
{
	pthread_mutex_lock(&life_mutex);
	pthread_mutex_lock(&mutex);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&mutex);
	pthread_mutex_unlock(&life_mutex);
}

/* Unmaps all of the segment but the pages where writers stand. */
static void unmap_around_writers(const struct ring_mapping *map)
{
	const uint32_t core_count = map->shape.core_count;
	char *const end = (char *)map->live + map->shape.segment_bytes;
	char *begin = (char *)map->live;

	for (uint32_t core = 0; core < core_count; core++) {
		char *const page = private_page_of(map, core);
		munmap(begin, (size_t)(page - begin));
		begin = page + RING_PAGE;
	}
	munmap(begin, (size_t)(end - begin));
}

/* The child has a copy of every handle and of the lock's descriptor, and must keep neither:
 * records of both would meet in one ring, and the segment would look alive after its owner. Its
 * copies of the writers stay, and record nothing. */
static void after_fork_in_child(void)
{
	while (segments) {
		struct ring_segment *segment = segments;
		segments = segment->next;
		for (uint32_t core = 0; core < segment->map.shape.core_count; core++)
			if (claim_at(&segment->map, core)->list)
				disarm(&claim_at(&segment->map, core)->writer);
		unmap_around_writers(&segment->map);
		close(segment->fd);
		segment->fd = -1;
		segment->map.live = NULL;
		/* Left behind as it is: another thread may have been inside it at the fork. */
		segment->registry = NULL;
		segment->path[0] = 0;
	}
	held = NULL;
	pthread_mutex_unlock(&mutex);
	pthread_mutex_unlock(&life_mutex);
}

static int setup_result;

static void setup(void)
{
	setup_result = -pthread_key_create(&held_key, end_thread);
	if (setup_result == 0)
		setup_result = -pthread_atfork(before_fork, after_fork_in_parent,
					       after_fork_in_child);
}

void ring_life_lock(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, setup);
	pthread_mutex_lock(&life_mutex);
}

void ring_life_unlock(void)
{
	pthread_mutex_unlock(&life_mutex);
}

int ring_claims_open(struct ring_segment *segment)
{
	if (setup_result != 0)
		return ring_fail(ENOMEM, "%s: out of memory", segment->map.shape.name);
	pthread_mutex_lock(&mutex);
	segment->next = segments;
	segments = segment;
	pthread_mutex_unlock(&mutex);
	return 0;
}

void ring_claims_close(struct ring_segment *segment)
{
	pthread_mutex_lock(&mutex);
	struct ring_segment **link = &segments;
	while (*link != segment)
		link = &(*link)->next;
	*link = segment->next;
	for (uint32_t core = 0; core < segment->map.shape.core_count; core++) {
		struct ring_claim *claim = claim_at(&segment->map, core);
		if (claim->list)
			end_claim(claim);
	}
	pthread_mutex_unlock(&mutex);
}

static bool is_free(const struct ring_segment *segment, uint32_t core)
{
	return !claim_at(&segment->map, core)->list;
}

static void begin_claim(struct ring_claim *claim, struct ring_segment *segment, uint32_t core)
{
	const struct ring_header *shape = &segment->map.shape;
	struct ring_core *block = ring_core_of(&segment->map, core);

	*claim = (struct ring_claim){
		.writer =
			{
				.write_pos = ring_resume(&block->write_pos),
				.slot_mask = shape->slot_count - 1,
				.cell_floor = -shape->cell_capacity,
				.burst_mask_max = shape->burst_max - 1,
				.core = core,
			},
		.segment = segment,
		.list = &held,
		.next = held,
	};
	held = claim;
	ring_tick(&claim->writer);
	/* relaxed: for display. */
	ring_store_relaxed(&block->claim_count, ring_load_relaxed(&block->claim_count) + 1);
	ring_store_relaxed(&block->writer_tid, (uint64_t)gettid());
}

/* With the mutex held. Returns 0 or a negative errno. */
static int claim_core(struct ring_segment *segment, unsigned core, struct ring_claim **claimed)
{
	const uint32_t count = segment->map.shape.core_count;

	if (core == RING_CORE_ANY)
		for (core = 0; core < count && !is_free(segment, core);)
			core++;
	else if (core < count && !is_free(segment, core))
		return ring_fail(EBUSY, "core %u: its ring has a writer", core);
	if (core >= count)
		return ring_fail(ENOENT,
				 "no ring free: %u are claimed or out of range; raise core_count",
				 count);
	if (pthread_setspecific(held_key, &held) != 0)
		return ring_fail(ENOMEM, "core %u: out of memory", core);
	*claimed = claim_at(&segment->map, core);
	begin_claim(*claimed, segment, core);
	return 0;
}

int ring_claim(struct ring_segment *segment, unsigned core, struct ring_writer **writer)
{
	struct ring_claim *claim = NULL;

	disarm(&noop_writer);
	*writer = &noop_writer;
	if (!segment->map.live)
		return ring_fail(ENODEV, "the segment is a no-op");
	pthread_mutex_lock(&mutex);
	const int result = claim_core(segment, core, &claim);
	pthread_mutex_unlock(&mutex);
	if (result == 0)
		*writer = &claim->writer;
	else
		ring_registry_count(segment->registry, &segment->map.live->claims_refused);
	return result;
}

RING_EXPORT struct ring_writer *ring_writer_claim(struct ring_segment *segment, unsigned core)
{
	struct ring_writer *writer;

	ring_claim(segment, core, &writer);
	return writer;
}

RING_EXPORT int ring_writer_is_live(const struct ring_writer *writer)
{
	return writer->cell_floor != NO_CELLS;
}

RING_EXPORT void ring_writer_release(struct ring_writer *writer)
{
	if (!ring_writer_is_live(writer))
		return;
	pthread_mutex_lock(&mutex);
	end_claim((struct ring_claim *)writer);
	pthread_mutex_unlock(&mutex);
}

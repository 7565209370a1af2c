/* SPDX-License-Identifier: MIT */
/*
 * How a segment gets its name, and how it changes hands.
 *
 * A new file is made under a temporary name, allocated, filled and locked, and only then
 * renamed: nobody ever sees half a segment under its name. The owner's OFD lock on byte 0 is
 * the whole of liveness. Whoever wants a name that a file already has must get that file's
 * lock first and then find that the name still leads to it; so of any number of starters one
 * wins and the others are told that a live process owns the name.
 *
 *    none             make, publish; lost the race: begin again
 *    locked           refuse
 *    same geometry    adopt in place
 *    other geometry   make, inherit the totals, publish in its place while holding its lock
 *    no segment       make, publish in its place
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "export.h"
#include "file.h"
#include "geometry.h"
#include "inherit.h"
#include "owner.h"
#include "registry.h"

#define ATTEMPTS_MAX 16 /* each lost attempt is another starter's progress */

/* `shape` is the header that the file has or shall have. */
static int map_file(struct ring_segment *segment, const struct ring_header *shape)
{
	if ((size_t)shape->segment_bytes != shape->segment_bytes)
		return ring_fail(EFBIG, "%s: more bytes than there are addresses", shape->name);
	/* Populated now, so that no record ever meets a page fault. */
	void *map = mmap(NULL, shape->segment_bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, segment->fd, 0);

	if (map == MAP_FAILED)
		return ring_fail(errno, "%s: cannot map %llu bytes: %s", shape->name,
				 (unsigned long long)shape->segment_bytes, strerror(errno));
	segment->map = (struct ring_mapping){.live = map, .shape = *shape};
	return ring_writers_place(&segment->map);
}

static int define_all(struct ring_segment *segment, const struct ring_options *options)
{
	int error = ring_registry_open(&segment->registry, &segment->map, options->cool_down_ms);

	if (error)
		return ring_fail(-error, "%s: out of memory", options->name);
	for (size_t i = 0; i < options->metric_count && error == 0; i++)
		error = ring_registry_define(segment->registry, &options->metrics[i],
					     RING_METRIC_DECLARED);
	return error;
}

/* Writes who owns the segment from now on. Relaxed throughout: for display, and before this
 * owner's first sample. */
static void sign(struct ring_header *header)
{
	ring_store_relaxed(&header->owner_pid, (uint64_t)getpid());
	ring_store_relaxed(&header->owner_started_realtime_ns, ring_clock_ns(CLOCK_REALTIME));
	ring_store_relaxed(&header->owner_count, ring_load_relaxed(&header->owner_count) + 1);
}

/* Forgets what the dead owner left of its own besides its gauges: its refusals, its writers. */
static void forget_owner(struct ring_segment *segment)
{
	struct ring_header *header = segment->map.live;

	/* relaxed, as below: this process holds the lock and has no writer yet. */
	ring_store_relaxed(&header->definitions_refused, 0);
	ring_store_relaxed(&header->labels_refused, 0);
	ring_store_relaxed(&header->claims_refused, 0);
	ring_store_relaxed(&header->overflowed, 0);
	for (uint32_t core = 0; core < segment->map.shape.core_count; core++)
		/* relaxed, as above. */
		ring_store_relaxed(&ring_core_of(&segment->map, core)->writer_tid, 0);
}

/* Carries on the predecessor's file as it stands. Takes over `fd`, which holds its lock. */
static int adopt(struct ring_segment *segment, const struct ring_options *options, int fd,
		 const struct ring_reader *reader)
{
	const struct ring_header *shape = ring_reader_header(reader);

	segment->fd = fd;
	/* Off tmpfs a file can have lost its blocks in being copied. */
	int error = ring_file_allocate(fd, options->name, shape->segment_bytes);
	if (error == 0)
		error = map_file(segment, shape);
	if (error == 0)
		error = define_all(segment, options);
	if (error)
		return error;
	forget_owner(segment);
	sign(segment->map.live);
	return 0;
}

/* Fills the file that segment->fd is: all of it allocated, metrics defined, totals inherited. */
static int fill(struct ring_segment *segment, const struct ring_options *options,
		const struct ring_header *plan, struct ring_reader *predecessor)
{
	int error = ring_file_allocate(segment->fd, options->name, plan->segment_bytes);

	if (error == 0)
		error = map_file(segment, plan);
	if (error)
		return error;
	*segment->map.live = *plan;
	error = define_all(segment, options);
	if (error == 0 && predecessor)
		ring_inherit(&segment->map, segment->registry, predecessor);
	if (error == 0)
		sign(segment->map.live);
	return error;
}

/* Makes a new file and gives it its name; `replaced` is the locked file that has it, or -1. */
static int make(struct ring_segment *segment, const struct ring_options *options, int dir_fd,
		int replaced, const struct ring_header *plan, struct ring_reader *predecessor)
{
	char temporary[RING_TEMPORARY_BYTES];

	segment->fd = ring_file_make(dir_fd, plan, temporary);
	if (segment->fd < 0)
		return segment->fd;
	int result = ring_file_lock(segment->fd, options->name);
	if (result == 0)
		result = fill(segment, options, plan, predecessor);
	if (result == 0)
		result = ring_file_publish(dir_fd, temporary, options->name, replaced);
	if (result != 0)
		unlinkat(dir_fd, temporary, 0);
	return result;
}

/* Opens what the locked file holds, if it is a segment of this user's: only then are its totals
 * carried on, and only then is it safe to map, since nobody else may truncate it. A damaged one is
 * none. Returns 0, with NULL for none; RING_FILE_LOST if the name leads elsewhere by now; or a
 * negative errno. */
static int open_predecessor(struct ring_reader **predecessor, int dir_fd, const char *name,
			    int locked)
{
	struct stat status;

	*predecessor = NULL;
	if (locked < 0 || fstat(locked, &status) != 0 || status.st_uid != geteuid())
		return 0;
	const int result = ring_reader_open(predecessor, dir_fd, name);
	if (result < 0 && result != -ENOENT)
		return ring_fail(-result, "%s: cannot read the predecessor: %s", name,
				 strerror(-result));
	return ring_file_is_named(locked, dir_fd, name) ? 0 : RING_FILE_LOST;
}

/* One attempt at the name. Returns 0, RING_FILE_LOST or a negative errno. */
static int attempt(struct ring_segment *segment, const struct ring_options *options, int dir_fd,
		   const struct ring_header *plan)
{
	struct ring_reader *predecessor = NULL;
	int locked;
	int result = ring_file_lock_name(&locked, dir_fd, options->name);

	if (result == 0)
		result = open_predecessor(&predecessor, dir_fd, options->name, locked);
	if (result == 0 && predecessor &&
	    ring_geometry_equal(ring_reader_header(predecessor), plan)) {
		result = adopt(segment, options, locked, predecessor);
		locked = -1;
	} else if (result == 0) {
		result = make(segment, options, dir_fd, locked, plan, predecessor);
	}
	ring_reader_close(predecessor);
	if (locked >= 0)
		close(locked);
	return result;
}

/* Undoes an attempt. */
static void reset(struct ring_segment *segment)
{
	ring_registry_close(segment->registry);
	segment->registry = NULL;
	if (segment->map.live)
		munmap(segment->map.live, segment->map.shape.segment_bytes);
	segment->map.live = NULL;
	if (segment->fd >= 0)
		close(segment->fd);
	segment->fd = -1;
}

/* Tries until the name is ours or somebody else's for good. */
static int contend(struct ring_segment *segment, const struct ring_options *options, int dir_fd)
{
	struct ring_header plan;
	int result = RING_FILE_LOST;

	ring_file_sweep(dir_fd, options->name);
	for (int i = 0; i < ATTEMPTS_MAX && result == RING_FILE_LOST; i++) {
		reset(segment);
		/* Anew each time, for the uuid, which names the temporary file. */
		result = ring_geometry_plan(options, &plan);
		if (result == 0)
			result = attempt(segment, options, dir_fd, &plan);
	}
	if (result == RING_FILE_LOST)
		result = ring_fail(EBUSY, "%s: other processes keep taking the name",
				   options->name);
	return result;
}

static int create(struct ring_segment *segment, const struct ring_options *options)
{
	char dir[RING_PATH_BYTES];
	int dir_fd, result;

	if ((result = ring_geometry_judge(options)) != 0 ||
	    (result = ring_dir_resolve(options->dir, dir)) != 0)
		return result;
	if (strlen(dir) + 1 + strlen(options->name) >= RING_PATH_BYTES)
		return ring_fail(ENAMETOOLONG, "%s: the path is too long", options->name);
	if ((dir_fd = ring_dir_open(dir)) < 0)
		return dir_fd;
	result = contend(segment, options, dir_fd);
	close(dir_fd);
	if (result == 0)
		result = ring_claims_open(segment);
	if (result == 0)
		stpcpy(stpcpy(stpcpy(segment->path, dir), "/"), options->name);
	return result;
}

/* What a caller gets when there is no memory even for a handle. */
static struct ring_segment noop_segment = {.fd = -1};

RING_EXPORT int ring_segment_create(struct ring_segment **created,
				    const struct ring_options *options)
{
	struct ring_segment *segment = calloc(1, sizeof *segment);

	*created = segment ? segment : &noop_segment;
	if (!segment)
		return ring_fail(ENOMEM, "out of memory");
	segment->fd = -1;
	ring_life_lock();
	const int result = create(segment, options);
	if (result != 0)
		reset(segment);
	ring_life_unlock();
	return result;
}

RING_EXPORT int ring_segment_is_live(const struct ring_segment *segment)
{
	return segment->map.live != NULL;
}

RING_EXPORT const char *ring_segment_path(const struct ring_segment *segment)
{
	return segment->path;
}

RING_EXPORT void ring_segment_close(struct ring_segment *segment)
{
	ring_life_lock();
	if (segment->map.live)
		ring_claims_close(segment);
	reset(segment);
	ring_life_unlock();
	if (segment != &noop_segment)
		free(segment);
}

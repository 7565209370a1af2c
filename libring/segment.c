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
 *    none             make, rename without replacing; lost the race: begin again
 *    locked           refuse
 *    same geometry    adopt in place
 *    other geometry   make, inherit the totals, rename over it while holding its lock
 *    no segment       make, rename over it
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "export.h"
#include "geometry.h"
#include "inherit.h"
#include "owner.h"
#include "registry.h"

#define SEGMENT_MODE 0640
#define ATTEMPTS_MAX 16 /* each lost attempt is another starter's progress */

/* Begin again: another starter was faster. A positive condition of this file's functions. */
enum { LOST_RACE = 1 };

static int lock_file(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : -errno;
}

static bool is_named(int dir_fd, const char *name, int fd)
{
	struct stat named, opened;

	return fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &opened) == 0 &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* Beyond RLIMIT_FSIZE the kernel would send SIGXFSZ, which ends the process. */
static int check_file_limit(const char *name, uint64_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    bytes > limit.rlim_cur)
		return ring_fail(EFBIG, "%s: needs %llu bytes, RLIMIT_FSIZE allows %llu", name,
				 (unsigned long long)bytes, (unsigned long long)limit.rlim_cur);
	return 0;
}

static int map_file(struct ring_segment *segment, const char *name, uint64_t bytes)
{
	/* Populated now, so that no record ever meets a page fault. */
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			 segment->fd, 0);

	if (map == MAP_FAILED)
		return ring_fail(errno, "%s: cannot map %llu bytes: %s", name,
				 (unsigned long long)bytes, strerror(errno));
	segment->header = map;
	return 0;
}

static int define_all(struct ring_segment *segment, const struct ring_options *options)
{
	int error = ring_registry_open(&segment->registry, segment->header);

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
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	ring_store_relaxed(&header->owner_pid, (uint64_t)getpid());
	ring_store_relaxed(&header->owner_started_realtime_ns,
			   (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	ring_store_relaxed(&header->owner_count, ring_load_relaxed(&header->owner_count) + 1);
	ring_store_relaxed(&header->definitions_refused, 0);
	ring_store_relaxed(&header->labels_refused, 0);
	ring_store_relaxed(&header->claims_refused, 0);
	ring_store_relaxed(&header->overflowed, 0);
}

/* Forgets what the dead owner left of the moment: its gauges and its writers. */
static void forget_moment(struct ring_segment *segment, const struct ring_reader *reader)
{
	struct ring_header *header = segment->header;

	for (uint32_t core = 0; core < header->core_count; core++) {
		/* relaxed, as below: this process holds the lock and has no writer yet. */
		ring_store_relaxed(&ring_core_of(header, core)->writer_tid, 0);
		for (uint32_t i = 0; i < ring_reader_series_count(reader); i++) {
			const struct ring_series_info *series = ring_reader_series(reader, i);
			if (ring_reader_metric(reader, series->metric)->kind == RING_GAUGE)
				ring_store_relaxed(ring_tallies_of(header, core) + series->cell,
						   RING_GAUGE_UNSET);
		}
	}
}

/* Carries on the predecessor's file as it stands. Takes over `fd`, which holds its lock. */
static int adopt(struct ring_segment *segment, const struct ring_options *options, int fd,
		 const struct ring_reader *reader)
{
	segment->fd = fd;
	int error = map_file(segment, options->name, ring_reader_header(reader)->segment_bytes);
	if (error == 0)
		error = define_all(segment, options);
	if (error)
		return error;
	forget_moment(segment, reader);
	sign(segment->header);
	return 0;
}

static int make_temporary(int dir_fd, const struct ring_header *plan, char *temporary, size_t bytes)
{
	/* The uuid makes it unique. */
	snprintf(temporary, bytes, ".%s.%02x%02x%02x%02x%02x%02x%02x%02x", plan->name,
		 plan->uuid[0], plan->uuid[1], plan->uuid[2], plan->uuid[3], plan->uuid[4],
		 plan->uuid[5], plan->uuid[6], plan->uuid[7]);
	const int fd = openat(dir_fd, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			      SEGMENT_MODE);
	if (fd < 0)
		return ring_fail(errno, "%s: cannot make the file: %s", plan->name,
				 strerror(errno));
	return fd;
}

/* Fills the file that segment->fd is: all of it allocated, metrics defined, totals inherited. */
static int fill(struct ring_segment *segment, const struct ring_options *options,
		const struct ring_header *plan, struct ring_reader *predecessor)
{
	/* fchmod: the mode is the format's promise to readers, whatever the umask. */
	if (fchmod(segment->fd, SEGMENT_MODE) != 0)
		return ring_fail(errno, "%s: cannot set the mode: %s", options->name,
				 strerror(errno));
	int error = posix_fallocate(segment->fd, 0, (off_t)plan->segment_bytes);
	if (error)
		return ring_fail(error, "%s: cannot allocate %llu bytes: %s", options->name,
				 (unsigned long long)plan->segment_bytes, strerror(error));
	error = map_file(segment, options->name, plan->segment_bytes);
	if (error)
		return error;
	*segment->header = *plan;
	error = define_all(segment, options);
	if (error == 0 && predecessor)
		ring_inherit(segment->header, segment->registry, predecessor);
	if (error == 0)
		sign(segment->header);
	return error;
}

/* Makes a new file and gives it its name, over the predecessor's if there is one. */
static int make(struct ring_segment *segment, const struct ring_options *options, int dir_fd,
		bool replace, const struct ring_header *plan, struct ring_reader *predecessor)
{
	char temporary[RING_NAME_MAX + 20];
	int error = check_file_limit(options->name, plan->segment_bytes);

	if (error)
		return error;
	segment->fd = make_temporary(dir_fd, plan, temporary, sizeof temporary);
	if (segment->fd < 0)
		return segment->fd;
	error = lock_file(segment->fd);
	if (error == -EAGAIN)
		error = LOST_RACE; /* to another starter's sweep, which takes it for left behind */
	else if (error)
		ring_fail(-error, "%s: cannot lock the file: %s", options->name, strerror(-error));
	else
		error = fill(segment, options, plan, predecessor);
	if (error == 0 && renameat2(dir_fd, temporary, dir_fd, options->name,
				    replace ? 0 : RENAME_NOREPLACE) != 0) {
		if (errno == EEXIST || errno == ENOENT)
			error = LOST_RACE;
		else
			error = ring_fail(errno, "%s: cannot publish: %s", options->name,
					  strerror(errno));
	}
	if (error)
		unlinkat(dir_fd, temporary, 0);
	return error;
}

/* Removes what starters of this name left behind when they died before their rename: their
 * files have nobody's lock. */
static void sweep(int dir_fd, const char *name)
{
	const size_t bytes = strlen(name);
	const int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (entry = readdir(dir))) {
		const char *found = entry->d_name;
		if (found[0] != '.' || strncmp(found + 1, name, bytes) != 0 ||
		    found[1 + bytes] != '.' || strlen(found) != 1 + bytes + 1 + 16)
			continue;
		const int left = openat(dir_fd, found,
					O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (left >= 0 && lock_file(left) == 0 && is_named(dir_fd, found, left))
			unlinkat(dir_fd, found, 0);
		if (left >= 0)
			close(left);
	}
	if (dir)
		closedir(dir);
}

/* Opens and locks the file that has the name. Returns its descriptor, -ENOENT if there is none,
 * LOST_RACE through `*condition`, or another negative errno with the reason kept. */
static int lock_predecessor(const char *name, int dir_fd, int *condition)
{
	struct stat status;
	const int fd = openat(dir_fd, name,
			      O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return ring_fail(errno, "%s: cannot open the file of that name: %s", name,
				 strerror(errno));
	int error = fstat(fd, &status) != 0 ? -errno : 0;
	if (error == 0 && !S_ISREG(status.st_mode))
		error = ring_fail(EEXIST, "%s: what has that name is no regular file", name);
	else if (error == 0)
		error = lock_file(fd);
	if (error == -EAGAIN || error == -EACCES)
		error = ring_fail(EBUSY, "%s: a live process owns the segment of that name", name);
	if (error == 0 && !is_named(dir_fd, name, fd))
		*condition = LOST_RACE;
	if (error || *condition) {
		close(fd);
		return error ? error : -ESTALE;
	}
	return fd;
}

/* One attempt at the name. Returns 0, LOST_RACE or a negative errno. */
static int attempt(struct ring_segment *segment, const struct ring_options *options, int dir_fd,
		   struct ring_header *plan)
{
	struct ring_reader *predecessor = NULL;
	int condition = 0, result;
	int locked = lock_predecessor(options->name, dir_fd, &condition);

	if (condition)
		return condition;
	if (locked < 0 && locked != -ENOENT)
		return locked;
	/* A verdict means no segment, or a damaged one, which is replaced. */
	result = locked >= 0 ? ring_reader_open(&predecessor, dir_fd, options->name) : 0;
	if (result < 0)
		ring_fail(-result, "%s: cannot read the predecessor: %s", options->name,
			  strerror(-result));
	else if (predecessor && ring_geometry_equal(ring_reader_header(predecessor), plan)) {
		result = adopt(segment, options, locked, predecessor);
		locked = -1;
	} else {
		result = make(segment, options, dir_fd, locked >= 0, plan, predecessor);
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
	if (segment->header)
		munmap(segment->header, segment->header->segment_bytes);
	segment->header = NULL;
	if (segment->fd >= 0)
		close(segment->fd);
	segment->fd = -1;
}

/* Tries until the name is ours or somebody else's for good. */
static int contend(struct ring_segment *segment, const struct ring_options *options, int dir_fd)
{
	struct ring_header plan;
	int result = LOST_RACE;

	sweep(dir_fd, options->name);
	for (int i = 0; i < ATTEMPTS_MAX && result == LOST_RACE; i++) {
		reset(segment);
		/* Anew each time, for the uuid, which names the temporary file. */
		result = ring_geometry_plan(options, &plan);
		if (result == 0)
			result = attempt(segment, options, dir_fd, &plan);
	}
	if (result == LOST_RACE)
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
	const int result = create(segment, options);
	if (result != 0)
		reset(segment);
	return result;
}

RING_EXPORT int ring_segment_is_live(const struct ring_segment *segment)
{
	return segment->header != NULL;
}

RING_EXPORT const char *ring_segment_path(const struct ring_segment *segment)
{
	return segment->path;
}

RING_EXPORT void ring_segment_close(struct ring_segment *segment)
{
	if (segment->header)
		ring_claims_close(segment);
	reset(segment);
	if (segment != &noop_segment)
		free(segment);
}

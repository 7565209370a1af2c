/* SPDX-License-Identifier: MIT */
/*
 * Opening a segment and keeping up with its tables. A reader is a read-only mapping, private
 * judged copies of header, tables and heap, and one private cursor per core (cursor.c).
 *
 * What is immutable is read with pread into private memory, judged there, and used from
 * there: no second look at foreign bytes, no fault on a truncated file, no page allocated
 * in a hole. Only live words are read through the mapping, each time inside
 * ring_guard_run: counts, positions, slots and tallies.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "check.h"
#include "export.h"
#include "guard.h"
#include "reader.h"
#include "text.h"

#define TMPFS_FILE_SYSTEM 0x01021994 /* TMPFS_MAGIC of <linux/magic.h> */

int ring_read_at(int fd, void *into, uint64_t bytes, uint64_t offset)
{
	uint8_t *p = into;

	while (bytes > 0) {
		const ssize_t n = pread(fd, p, bytes, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		offset += (uint64_t)n;
		bytes -= (uint64_t)n;
	}
	return 0;
}

/* Opens a regular file, or says what stands there instead. A device or socket is not even
 * opened. */
static int open_file(int dir_fd, const char *path, int *fd)
{
	struct stat status;

	if (fstatat(dir_fd, path, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == EACCES ? RING_FORBIDDEN : -errno;
	if (S_ISLNK(status.st_mode))
		return RING_SYMLINK;
	if (!S_ISREG(status.st_mode))
		return RING_NOT_REGULAR;
	/* O_NONBLOCK: neither a FIFO put there since nor a write lease may hold us up. */
	*fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (*fd >= 0)
		return 0;
	switch (errno) {
	case ELOOP:
		return RING_SYMLINK;
	case ENXIO:
		return RING_NOT_REGULAR;
	case EACCES:
	case EPERM:
		return RING_FORBIDDEN;
	default:
		return -errno;
	}
}

/* Judges the file by its header. Blocks are counted for all of it, so that a tail behind the
 * segment does not make up for a hole inside. */
static enum ring_verdict judge_file(const struct ring_reader *reader)
{
	struct stat status;

	if (fstat(reader->fd, &status) != 0 ||
	    (uint64_t)status.st_size < reader->header.segment_bytes)
		return RING_TRUNCATED;
	/* On tmpfs a reader that touches a hole allocates a page of memory. Elsewhere a hole
	 * costs nothing, and copies of segments may well have some. */
	if (reader->is_on_tmpfs && status.st_blocks * 512 < status.st_size)
		return RING_SPARSE;
	return RING_SOUND;
}

/* Judges file and header; on success the header's private copy is in place. */
static int read_header(struct ring_reader *reader)
{
	struct stat status;
	struct statfs system;

	if (fstat(reader->fd, &status) != 0 || fstatfs(reader->fd, &system) != 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return RING_NOT_REGULAR;
	if ((uint64_t)status.st_size < sizeof reader->header)
		return RING_TOO_SHORT;
	reader->is_on_tmpfs = system.f_type == TMPFS_FILE_SYSTEM;
	const int error = ring_read_at(reader->fd, &reader->header, sizeof reader->header, 0);
	if (error)
		return error == -EIO ? RING_TOO_SHORT : error;
	const enum ring_verdict verdict = ring_check_header(&reader->header);
	return (int)(verdict != RING_SOUND ? verdict : judge_file(reader));
}

static int allocate(struct ring_reader *reader)
{
	const struct ring_header *h = &reader->header;

	if ((size_t)h->segment_bytes != h->segment_bytes)
		return -EFBIG;
	/* At capacity, once: pages that are never used are never allocated. One byte more, since
	 * a heap may be empty. */
	reader->heap = calloc(1, h->heap_bytes + 1);
	reader->metrics = calloc(h->metric_capacity, sizeof *reader->metrics);
	reader->series = calloc(h->series_capacity, sizeof *reader->series);
	reader->generations = calloc(h->series_capacity, sizeof *reader->generations);
	reader->by_cell = calloc(h->cell_capacity, sizeof *reader->by_cell);
	reader->labels = calloc(h->series_capacity, sizeof *reader->labels);
	reader->cursors = calloc(h->core_count, sizeof *reader->cursors);
	if (!reader->heap || !reader->metrics || !reader->series || !reader->generations ||
	    !reader->by_cell || !reader->labels || !reader->cursors)
		return -ENOMEM;
	void *map = mmap(NULL, h->segment_bytes, PROT_READ, MAP_SHARED, reader->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	reader->map = map;
	return 0;
}

struct counts {
	struct ring_reader *reader;
	uint64_t metrics, series, heap_used, changes;
};

static void touch_counts(void *argument)
{
	struct counts *counts = argument;
	const struct ring_header *live = ring_live_header(counts->reader);

	/* Acquire, from set_generation in places.c: no change counted here is missed below. */
	counts->changes = ring_load_acquire(&live->series_changes);
	/* Acquire, from ring_places_announce and define in registry.c: entries below a count are
	 * complete. Series first: the metric of every series counted here is then counted too. */
	counts->series = ring_load_acquire(&live->series_count);
	counts->metrics = ring_load_acquire(&live->metric_count);
	/* Acquire, from heap_append: the heap is written up to here. Last, so that it reaches as
	 * far as the entries counted above need. */
	counts->heap_used = ring_load_acquire(&live->heap_used);
}

static enum ring_verdict read_counts(struct ring_reader *reader, struct counts *counts)
{
	counts->reader = reader;
	if (ring_guard_run(reader->map, reader->header.segment_bytes, touch_counts, counts) != 0)
		return RING_TRUNCATED;
	if (counts->changes < reader->changes || counts->metrics > reader->header.metric_capacity ||
	    counts->series > reader->header.series_capacity ||
	    counts->heap_used > reader->header.heap_bytes ||
	    counts->metrics < reader->metric_count || counts->series < reader->series_count ||
	    counts->heap_used < reader->heap_used)
		return RING_BAD_COUNTS;
	return RING_SOUND;
}

/* A name has one meaning in a segment; two of one name would also be printed as one. */
static bool is_known(const struct ring_reader *reader, struct ring_text name)
{
	for (uint32_t i = 0; i < reader->metric_count; i++)
		if (ring_texts_equal(reader->metrics[i].name, name))
			return true;
	return false;
}

static enum ring_verdict take_metric(struct ring_reader *reader, const struct counts *counts)
{
	const struct ring_header *h = &reader->header;
	struct ring_metric_info *info = &reader->metrics[reader->metric_count];
	struct ring_metric_entry entry;

	if (ring_read_at(reader->fd, &entry, sizeof entry,
			 h->metrics_offset + reader->metric_count * sizeof entry) != 0)
		return RING_TRUNCATED;
	const enum ring_verdict verdict = ring_check_metric(
		h, &entry, reader->heap, counts->heap_used, &reader->cell_first, info);
	if (verdict != RING_SOUND)
		return verdict;
	if (is_known(reader, info->name))
		return RING_BAD_METRIC;
	reader->metric_count++;
	return RING_SOUND;
}

static enum ring_verdict take_series(struct ring_reader *reader, const struct counts *counts)
{
	struct ring_series_entry entries[64];
	const uint32_t known = reader->series_count;
	const uint32_t left = (uint32_t)counts->series - known;
	const uint32_t count = left < 64 ? left : 64;

	if (ring_read_at(reader->fd, entries, count * sizeof entries[0],
			 reader->header.series_offset + known * sizeof entries[0]) != 0)
		return RING_TRUNCATED;
	for (uint32_t i = 0; i < count; i++) {
		const enum ring_verdict verdict = ring_check_series(
			&entries[i], reader->heap, counts->heap_used, reader->metrics,
			reader->metric_count, &reader->series[known + i]);
		if (verdict != RING_SOUND)
			return verdict;
	}
	for (uint32_t i = known; i < known + count; i++) {
		reader->generations[i] = (uint16_t)reader->series[i].generation;
		reader->by_cell[reader->series[i].cell] = i + 1;
	}
	reader->series_count = known + count;
	return RING_SOUND;
}

static enum ring_verdict take_tables(struct ring_reader *reader, const struct counts *counts)
{
	enum ring_verdict verdict = RING_SOUND;

	while (verdict == RING_SOUND && reader->metric_count < counts->metrics)
		verdict = take_metric(reader, counts);
	while (verdict == RING_SOUND && reader->series_count < counts->series)
		verdict = take_series(reader, counts);
	return verdict;
}

RING_EXPORT enum ring_verdict ring_reader_refresh(struct ring_reader *reader)
{
	struct ring_header now;
	struct counts counts;
	const size_t immutable = offsetof(struct ring_header, metric_count);
	enum ring_verdict verdict = judge_file(reader);

	if (verdict != RING_SOUND)
		return verdict;
	if (ring_read_at(reader->fd, &now, sizeof now, 0) != 0)
		return RING_TRUNCATED;
	if (memcmp(&now, &reader->header, immutable) != 0)
		return RING_HEADER_CHANGED;
	memcpy((uint8_t *)&reader->header + immutable, (uint8_t *)&now + immutable,
	       sizeof now - immutable);
	verdict = read_counts(reader, &counts);
	if (verdict != RING_SOUND)
		return verdict;
	if (ring_read_at(reader->fd, reader->heap + reader->heap_used,
			 counts.heap_used - reader->heap_used,
			 reader->header.heap_offset + reader->heap_used) != 0)
		return RING_TRUNCATED;
	reader->heap_used = counts.heap_used;
	/* Acquire fence, from the release fence in set_generation in places.c: labels that changed
	 * while the heap was copied belong to generations that are seen from here on. */
	ring_fence_acquire();
	verdict = take_tables(reader, &counts);
	if (verdict == RING_SOUND && counts.changes != reader->changes)
		verdict = ring_changes_take(reader);
	reader->changes = counts.changes;
	return verdict;
}

RING_EXPORT int ring_reader_open(struct ring_reader **opened, int dir_fd, const char *path)
{
	struct ring_reader *reader = calloc(1, sizeof *reader);
	int result;

	if (!reader)
		return -ENOMEM;
	reader->fd = -1;
	reader->cell_first = 1;
	result = open_file(dir_fd, path, &reader->fd);
	if (result == 0)
		result = read_header(reader);
	if (result == 0)
		result = allocate(reader);
	if (result == 0)
		result = (int)ring_reader_refresh(reader);
	if (result == 0)
		result = (int)ring_cursors_place(reader);
	if (result != 0) {
		ring_reader_close(reader);
		return result;
	}
	*opened = reader;
	return 0;
}

RING_EXPORT void ring_reader_close(struct ring_reader *reader)
{
	if (!reader)
		return;
	if (reader->map)
		munmap((void *)(uintptr_t)reader->map, reader->header.segment_bytes);
	if (reader->fd >= 0)
		close(reader->fd);
	for (uint32_t i = 0; reader->labels && i < reader->series_count; i++)
		free(reader->labels[i]);
	free(reader->labels);
	free(reader->heap);
	free(reader->metrics);
	free(reader->series);
	free(reader->generations);
	free(reader->by_cell);
	free(reader->cursors);
	free(reader);
}

RING_EXPORT const struct ring_header *ring_reader_header(const struct ring_reader *reader)
{
	return &reader->header;
}

RING_EXPORT uint32_t ring_reader_metric_count(const struct ring_reader *reader)
{
	return reader->metric_count;
}

RING_EXPORT uint32_t ring_reader_series_count(const struct ring_reader *reader)
{
	return reader->series_count;
}

RING_EXPORT const struct ring_metric_info *ring_reader_metric(const struct ring_reader *reader,
							      uint32_t index)
{
	return &reader->metrics[index];
}

RING_EXPORT const struct ring_series_info *ring_reader_series(const struct ring_reader *reader,
							      uint32_t index)
{
	return &reader->series[index];
}

RING_EXPORT int ring_reader_owner_alive(const struct ring_reader *reader)
{
	/* Asked for as a reader, so that only the owner's lock is in the way, and no reader's. */
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};

	return fcntl(reader->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

RING_EXPORT int ring_reader_is_current(const struct ring_reader *reader, int dir_fd,
				       const char *path)
{
	struct stat named, opened;

	return fstatat(dir_fd, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(reader->fd, &opened) == 0 && named.st_dev == opened.st_dev &&
	       named.st_ino == opened.st_ino;
}

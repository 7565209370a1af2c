/* SPDX-License-Identifier: MIT */
/*
 * The owner's side of a segment: creating or adopting the file, claiming the
 * writer of a core, closing. For data planes, outside the hot path.
 *
 * Nothing here ends or blocks the process. When a segment cannot be made the
 * caller still gets a handle; it gives out zero handles and no-op writers, and
 * the data plane runs on unobserved.
 *
 * After fork() the child's handle and writers are no-ops. Children made by raw clone() or vfork()
 * must not record before exec.
 */
#ifndef RING_SEGMENT_H
#define RING_SEGMENT_H

#include "metric.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_PATH_BYTES 4096u /* of a path, with its terminator */

struct ring_options {
	const char *name;       /* of this data plane: 1 to RING_NAME_MAX of [A-Za-z0-9._-],
				 * not starting with a dot; the file's name */
	const char *dir;        /* NULL: see ring_dir_resolve */
	unsigned core_count;    /* rings; 1 to RING_CORES_MAX */
	unsigned slot_count;    /* per ring; rounded up to a power of two; 0: 16384 */
	unsigned burst_max;     /* 1 to half the slots, rounded down to a power of two; 0: 64, or
				 * half the slots if fewer */
	unsigned series_spare;  /* room for series of metrics defined later; 0: 4096 */
	unsigned metrics_spare; /* room for metrics defined later; 0: 64 */
	unsigned cool_down_ms;  /* how long the place of a series that was forgotten stays empty;
				 * more than a scrape takes; 0: 30000 */
	const struct ring_metric_def *metrics; /* the schema; may be NULL */
	size_t metric_count;
};

/*
 * Makes `<dir>/<name>`, mode 0640, fully allocated and populated, locked by this process
 * until ring_segment_close or its end, and gives a handle in `*segment`, always.
 *
 * A file that a predecessor of that name and user left is carried on. With the same schema,
 * geometry and boot it is adopted as it stands: totals, positions and history. Otherwise a new file
 * takes its place, with the positions going on, and with the totals of every series that both know:
 * of a metric of the same kind, label keys and bounds, under the same labels, within its budget.
 * Metrics that the predecessor defined later count as known. Gauges and states start unset in both
 * cases. What is no segment, or another user's, is replaced.
 *
 * Returns 0; or a negative errno, with the reason in ring_error(), and then the handle is a
 * no-op: -EBUSY a live process owns that name, -EINVAL the options or a definition break a
 * rule, -EFBIG RLIMIT_FSIZE, -ENOSPC no room, -EACCES and the like from the file system.
 */
int ring_segment_create(struct ring_segment **segment, const struct ring_options *options);

/* Whether records reach a file. */
int ring_segment_is_live(const struct ring_segment *segment);

/* The file's path; "" for a no-op handle. */
const char *ring_segment_path(const struct ring_segment *segment);

/* Gives up the segment: writers still claimed are released and must not be used again, as no
 * handle may be. The file stays, for its readers and for the next process of that name. */
void ring_segment_close(struct ring_segment *segment);

#define RING_CORE_ANY (~0u)

/* Claims the ring of `core` (0 to core_count - 1, or RING_CORE_ANY for a free one) for the
 * calling thread. Always returns a writer. Where the ring is taken, there is none or the segment
 * is a no-op, it is a no-op writer; ring_error() has the reason and the segment counts the
 * refusal. A claim belongs to the thread that made it, and ends with it or with
 * ring_writer_release. */
struct ring_writer *ring_writer_claim(struct ring_segment *segment, unsigned core);

/* Whether records of this writer reach a file. */
int ring_writer_is_live(const struct ring_writer *writer);

/* Gives the ring back, by the thread that claimed it; an open burst becomes visible. Its totals
 * go on with the next claim. */
void ring_writer_release(struct ring_writer *writer);

/* Writes the segment directory's path: `dir` if not NULL, else $RING_DIR, else /run/ring if it
 * exists or the caller is root, else $XDG_RUNTIME_DIR/ring, else /dev/shm/ring-<uid>. A program
 * with set-uid or file capabilities does not believe its environment; give it `dir`.
 * Returns 0 or -ENAMETOOLONG. */
int ring_dir_resolve(const char *dir, char path[RING_PATH_BYTES]);

/* Opens that directory, making it with mode 0750 if it is missing. Returns a descriptor, or a
 * negative errno with directory and reason in ring_error(). */
int ring_dir_open(const char *path);

/* Why the last libring call of this thread failed: one line, never NULL. */
const char *ring_error(void);

#ifdef __cplusplus
}
#endif

#endif

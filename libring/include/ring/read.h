/* SPDX-License-Identifier: MIT */
/*
 * Reading a segment that somebody else writes, or once wrote: the exporter,
 * ringstat, post-mortem tools. The file is mapped read-only and the cursors are
 * private, so that readers neither disturb the writer nor each other.
 *
 * Foreign bytes are copied and judged before they are believed: what the accessors
 * below return is this reader's own memory. One thread at a time per reader.
 *
 * A mapped file can be truncated under its reader, and touching it then raises
 * SIGBUS. Programs call ring_reader_guard once at start; the truncation is then a
 * verdict like any other. The library never installs a handler by itself.
 */
#ifndef RING_READ_H
#define RING_READ_H

#include "ring.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is wrong with a segment: name, the word that is the exporter's `reason` label, and the
 * same in words. */
/* clang-format off */
#define RING_VERDICTS(X) \
	X(RING_SOUND, "sound", "nothing is wrong") \
	X(RING_NOT_REGULAR, "not_regular", "a directory, FIFO, device or socket") \
	X(RING_SYMLINK, "symlink", "symbolic links are not followed") \
	X(RING_FORBIDDEN, "forbidden", "no permission to read it") \
	X(RING_BAD_FILE_NAME, "bad_file_name", "no segment has such a file name") \
	X(RING_TOO_SHORT, "too_short", "shorter than a header") \
	X(RING_BAD_MAGIC, "bad_magic", "no segment at all") \
	X(RING_FOREIGN_ENDIAN, "foreign_endian", "written on a machine of the other byte order") \
	X(RING_BAD_VERSION, "bad_version", "another major version of the format") \
	X(RING_BAD_FEATURES, "bad_features", "requires features that this reader does not know") \
	X(RING_BAD_GEOMETRY, "bad_geometry", "a count or size in the header is beyond its limit") \
	X(RING_BAD_LAYOUT, "bad_layout", "parts overlap, are misaligned or stick out") \
	X(RING_BAD_IDENTITY, "bad_identity", "the name inside is no segment name") \
	X(RING_TRUNCATED, "truncated", "the file is shorter than its header says") \
	X(RING_SPARSE, "sparse", "the file has holes: reading would allocate memory") \
	X(RING_BAD_COUNTS, "bad_counts", "a live count is beyond its capacity or moved back") \
	X(RING_BAD_METRIC, "bad_metric", "an entry of the metric table breaks a rule") \
	X(RING_BAD_NAME, "bad_name", "a metric name, label key or unit breaks a rule") \
	X(RING_BAD_SERIES, "bad_series", "an entry of the series table breaks a rule") \
	X(RING_HEADER_CHANGED, "header_changed", "an immutable field of the header changed") \
	X(RING_POSITION_BACK, "position_back", "a write position moved back: two writers?") \
	X(RING_POSITION_JUMP, "position_jump", "a write position jumped beyond what is possible")
/* clang-format on */

enum ring_verdict {
#define RING_VERDICT_ENUM(name, word, text) name,
	RING_VERDICTS(RING_VERDICT_ENUM)
#undef RING_VERDICT_ENUM
		RING_VERDICT_COUNT
};

const char *ring_verdict_word(enum ring_verdict verdict);
const char *ring_verdict_text(enum ring_verdict verdict);

/* Whether these bytes may be the name of a segment and its file; see ring_options. */
int ring_segment_name_ok(const char *name, size_t bytes);

/* Bytes of this reader, not terminated: label values may hold anything. */
struct ring_text {
	const char *data;
	uint32_t bytes;
};

/* Which rule of metric.h these names break, as a phrase; NULL: none. For readers that show a metric
 * under another name, or with labels of their own. The unit may be empty. */
const char *ring_metric_name_judge(struct ring_text name, enum ring_kind kind,
				   struct ring_text unit);
const char *ring_label_key_judge(struct ring_text key);

#define RING_INFO_LABELS_MAX (2 * RING_LABELS_MAX) /* as many as a metric has may be a reader's */

struct ring_metric_info {
	struct ring_text name, help, unit;
	struct ring_text label_keys[RING_INFO_LABELS_MAX];
	uint32_t label_count;
	enum ring_kind kind;
	enum ring_merge merge;
	const double *bounds;
	uint32_t bound_count;
	struct ring_text states; /* packed as labels are; UTF-8, none twice */
	uint32_t state_count;
	uint32_t state_default;
	uint32_t series_max;
	uint32_t series_cells;
	uint32_t cell_first;
	uint32_t series_count;           /* entries known so far, with those that are nobody's */
	uint32_t declared;               /* part of the schema given at creation */
	uint32_t overflow_max;           /* overflow series that it can have */
	uint32_t overflow_count;         /* and has, among the entries */
	uint32_t kept_labels;            /* the last ones, whose values overflow series keep */
	struct ring_text overflow_label; /* value of all other labels of these */
};

struct ring_series_info {
	struct ring_text labels; /* packed; see ring_label_next */
	uint32_t metric;
	uint32_t cell;
	uint32_t overflow;
	uint32_t gone;       /* nobody's: it has no labels, and its cells are unset */
	uint64_t generation; /* another one means other labels, or none; see ring_reader_changes */
};

/* Takes the next value off packed labels. Returns 0 when there is none left. */
int ring_label_next(struct ring_text *labels, struct ring_text *value);

/* samples of one ring, as this reader stands: written = drained + dropped + pending. */
struct ring_account {
	uint64_t written;
	uint64_t drained;
	uint64_t dropped; /* overwritten before this reader came by, ever or too late */
	uint64_t pending;
};

struct ring_reader;

/* Opens `path`, relative to `dir_fd` as in openat, never following a final symbolic link and
 * never blocking on a FIFO. Returns 0 with the reader in `*reader`; a positive enum
 * ring_verdict; or a negative errno (-ENOENT, -ENOMEM, ...). The cursors stand before the
 * oldest sample: what a ring has already lost counts as dropped. */
int ring_reader_open(struct ring_reader **reader, int dir_fd, const char *path);
void ring_reader_close(struct ring_reader *reader);

/* Makes SIGBUS raised by this library's own accesses a verdict; any other SIGBUS goes to the
 * handler that was there before. For main(), once. Returns 0 or a negative errno. */
int ring_reader_guard(void);

/* Takes in metrics and series that have come since, and looks whether the immutable part of
 * the header still stands and the file is still whole. Returns a verdict. */
enum ring_verdict ring_reader_refresh(struct ring_reader *reader);

/* The header as of ring_reader_open; its live words as of the last refresh. */
const struct ring_header *ring_reader_header(const struct ring_reader *reader);
uint32_t ring_reader_metric_count(const struct ring_reader *reader);
uint32_t ring_reader_series_count(const struct ring_reader *reader);
const struct ring_metric_info *ring_reader_metric(const struct ring_reader *reader, uint32_t index);
const struct ring_series_info *ring_reader_series(const struct ring_reader *reader, uint32_t index);

/* How many generations of series have changed, as of the last refresh. If this has moved, some
 * series of gauges or state sets are another's now, or nobody's; and what was said of their labels
 * no longer stands. */
uint64_t ring_reader_changes(const struct ring_reader *reader);

/* How much of a metric's budget is used, as of now. The names stand until the next call. */
struct ring_usage {
	uint64_t named_count; /* series of names of their own, of series_max */
	uint64_t overflowed;  /* resolutions that got an overflow series, since the owner started */
	uint32_t refused_count;
	struct ring_text refused[RING_REFUSED_MAX]; /* packed labels of the first that ever did */
};

/* Returns a verdict. */
enum ring_verdict ring_reader_usage(struct ring_reader *reader, uint32_t metric,
				    struct ring_usage *usage);

/* 1 while a process holds the segment's lock, else 0, as for any copied file. */
int ring_reader_owner_alive(const struct ring_reader *reader);

/* Whether `path` still names the file that is open here. */
int ring_reader_is_current(const struct ring_reader *reader, int dir_fd, const char *path);

/* Takes what one core's ring holds, oldest first, at most `max` samples, `*count` of them;
 * 0 when there is nothing. A sample of a series or generation that this reader does not know
 * is the caller's to judge (ring_reader_series_of). Returns a verdict. */
enum ring_verdict ring_reader_drain(struct ring_reader *reader, uint32_t core,
				    struct ring_sample *samples, size_t max, size_t *count);

/* Index of the series that the sample belongs to; -1 if this reader knows none. */
int ring_reader_series_of(const struct ring_reader *reader, const struct ring_sample *sample);

/* The same for `count` samples, without a branch on what they are. */
void ring_reader_resolve(const struct ring_reader *reader, const struct ring_sample *samples,
			 size_t count, int *series);

/* Whether a sample that belongs to no series did once: to one that was forgotten, or to an earlier
 * one in its place. */
int ring_reader_is_history(const struct ring_reader *reader, const struct ring_sample *sample);

/* Index of the series whose first cell is there, as ring_sample_cell gives it, whatever the
 * generation; or -1. */
int ring_reader_series_at(const struct ring_reader *reader, int32_t cell);

/* Moves a core's cursor: to where a predecessor's reader stood, or to the newest sample to see
 * only what comes. Passed samples count as dropped; never moves back. */
void ring_reader_skip_to(struct ring_reader *reader, uint32_t core, uint64_t position);

/* The accounts as of now; reads write_pos anew. Returns a verdict. */
enum ring_verdict ring_reader_account(struct ring_reader *reader, uint32_t core,
				      struct ring_account *account);

/* Copies `count` tally cells of one core from `cell` on. Each is exact by itself; together they
 * are as the core left them, give or take the record in the making. Those of a series that is
 * another's by now are unset, as those of one that is gone. Returns a verdict. */
enum ring_verdict ring_reader_tallies(struct ring_reader *reader, uint32_t core, uint32_t cell,
				      uint32_t count, uint64_t *cells);

/* The same for `count` series, by index: all cells of the first one, then of the second. */
enum ring_verdict ring_reader_gather(struct ring_reader *reader, uint32_t core,
				     const uint32_t *series, size_t count, uint64_t *cells);

/* Whether values of the kind are totals, which go on when their process ends; else they are the
 * state of that process. */
static inline int ring_kind_is_total(enum ring_kind kind)
{
	return kind == RING_COUNTER || kind == RING_HISTOGRAM;
}

/* Index of the state that a state set's first cell stands for: the default where none was set, and
 * for whatever is no state's. */
uint32_t ring_state_of(const struct ring_metric_info *metric, uint64_t cell);

/* Cells of one series as a value, for adding up cores and processes: `ring_cells_clear` makes
 * them the neutral element, `ring_cells_merge` takes one more in by the metric's merge rule. */
void ring_cells_clear(const struct ring_metric_info *metric, uint64_t *cells);
void ring_cells_merge(const struct ring_metric_info *metric, uint64_t *into, const uint64_t *from);

#ifdef __cplusplus
}
#endif

#endif

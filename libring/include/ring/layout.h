/* SPDX-License-Identifier: MIT */
/*
 * The segment as bytes: what stands where in the file that a data plane and its
 * readers share. Types, limits and static assertions only; no function.
 *
 * docs/segment-format.md describes every byte of it and a test holds that page
 * against this header. Offsets, never pointers; fixed widths; natural alignment;
 * native byte order, told by endian_mark.
 *
 *   header | metric table | series table | heap | core 0 | core 1 | ...
 *   core:    tally cells | control lines | the owner's private page | slots
 *
 * Everything up to `metric_count` in the header is immutable once the file has
 * its name. The tables and the heap only grow; an entry is immutable once the
 * count covers it, but for its live words and for what its generation guards.
 * Inside a core block every word has one writer at a time.
 */
#ifndef RING_LAYOUT_H
#define RING_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"

#define RING_MAGIC         "RINGSEG\n" /* eight bytes, no terminator */
#define RING_ENDIAN_MARK   0x01020304u
#define RING_VERSION_MAJOR 1 /* another major is another format */
#define RING_VERSION_MINOR 0 /* a higher minor only adds what old readers may ignore */

/* What a reader has to know. A writer that knows state sets says so from the start, because one may
 * be defined at any time and a reader attached by then could not do without. */
#define RING_FEATURE_STATESET 1u
/* Entries of gauges and state sets may change hands. A writer says so from the start, too. */
#define RING_FEATURE_REUSE    2u

/* Limits. A reader refuses a segment beyond any of them. */
#define RING_NAME_MAX         63u /* bytes of a segment's name */
#define RING_CORES_MAX        1024u
#define RING_SLOTS_MIN        2u
#define RING_SLOTS_MAX        (1u << 20) /* per ring, a power of two */
#define RING_METRICS_MAX      4096u
#define RING_SERIES_MAX       (1u << 20)
#define RING_CELLS_MAX        (1u << 26)          /* per core */
#define RING_HEAP_MAX         (1u << 28)          /* bytes */
#define RING_SEGMENT_MAX      (UINT64_C(1) << 38) /* bytes */
#define RING_METRIC_NAME_MAX  200u                /* bytes, as are the next three */
#define RING_LABEL_KEY_MAX    100u
#define RING_LABEL_VALUE_MAX  255u
#define RING_HELP_MAX         1000u
#define RING_LABELS_MAX       8u
#define RING_BOUNDS_MAX       64u
#define RING_STATES_MAX       64u
#define RING_SERIES_CELLS_MAX (RING_BOUNDS_MAX + 2) /* of one series; see enum ring_kind */
#define RING_OVERFLOW_MAX     1024u                 /* overflow series of one metric */
#define RING_REFUSED_MAX      5u                    /* names that had no place, of one metric */

/* One sample. The key has in bits 0-31 where the series' first cell is, counted in words from the
 * core's control lines and so negative (ring_sample_cell in ring.h), in bits 32-47 the low half
 * of the series' generation, in bits 48-63 the caller's tag. */
struct ring_slot {
	struct ring_word timestamp_ns; /* CLOCK_MONOTONIC, or what the caller gave */
	struct ring_word value;        /* running total, or the bits of a double */
	struct ring_word key;
};
RING_STATIC_ASSERT(sizeof(struct ring_slot) == 24, "slot size is part of the format");

/* Text or numbers in the heap: not terminated, never beyond heap_used. */
struct ring_span {
	uint32_t offset; /* from the start of the heap */
	uint32_t bytes;
};
RING_STATIC_ASSERT(sizeof(struct ring_span) == 8, "span size is part of the format");

enum ring_kind {
	RING_COUNTER = 1,   /* cells: total */
	RING_GAUGE = 2,     /* cells: double bits, timestamp_ns of the last set */
	RING_HISTOGRAM = 3, /* cells: sum as double bits, then one count per bucket */
	RING_STATESET = 4,  /* cells: as a gauge's, the value being a state's place in the list */
};

/* How one series is aggregated over cores and processes. */
enum ring_merge {
	RING_SUM = 0, /* the only rule for counters and histograms, and none for state sets */
	RING_LAST = 1,
	RING_MIN = 2,
	RING_MAX = 3,
};

/* A gauge cell that was never set. A quiet NaN with a payload that no
 * arithmetic produces; an ordinary NaN is a value like any other. */
#define RING_GAUGE_UNSET UINT64_C(0x7ff80000756e7365)

#define RING_METRIC_DECLARED 1u /* flag: part of the schema given at creation */

struct ring_metric_entry {
	struct ring_span name;
	struct ring_span help;
	struct ring_span unit;
	struct ring_span label_keys; /* label_count strings, each after its length byte */
	uint32_t bounds_offset; /* in the heap: bound_count doubles, 8-byte aligned; or names of
				 * states, packed as label_keys are */
	uint16_t bound_count;   /* upper bounds, or states */
	uint8_t kind;           /* enum ring_kind */
	uint8_t merge;          /* enum ring_merge */
	uint8_t label_count;
	uint8_t flags;                    /* RING_METRIC_DECLARED */
	uint16_t state_default;           /* index of a state */
	uint32_t series_max;              /* budget; the overflow series come on top */
	uint32_t cell_first;              /* its series' cells stand together, from here on */
	uint16_t series_cells;            /* cells of one series */
	uint16_t overflow_max;            /* overflow series; without labels 0 */
	struct ring_span overflow_labels; /* packed label values of an overflow series; an empty one
					   * at the end stands for that of what overflowed */

	struct ring_word named_count; /* live from here on; series that are somebody's now, less the
				       * overflow series */
	struct ring_word overflowed;  /* resolutions that got an overflow series, since this owner
				       * started */
	struct ring_word refused_count;
	struct ring_span refused[RING_REFUSED_MAX]; /* packed label values of the first that did */
};
RING_STATIC_ASSERT(sizeof(struct ring_metric_entry) == 128, "entry size is part of the format");
RING_STATIC_ASSERT(offsetof(struct ring_metric_entry, bounds_offset) == 32, "format");
RING_STATIC_ASSERT(offsetof(struct ring_metric_entry, label_count) == 40, "format");
RING_STATIC_ASSERT(offsetof(struct ring_metric_entry, series_max) == 44, "format");
RING_STATIC_ASSERT(offsetof(struct ring_metric_entry, overflow_labels) == 56, "format");
RING_STATIC_ASSERT(offsetof(struct ring_metric_entry, named_count) == 64, "live words start here");

#define RING_SERIES_OVERFLOW 1u /* flag: what came after the budget was spent */

/* Of a gauge or a state set it may change hands: when nobody has it any more its generation is odd,
 * and when it has another name, a later even number. */
struct ring_series_entry {
	struct ring_word generation;
	struct ring_span labels; /* one value per label key, each after its length byte */
	uint32_t metric;         /* index into the metric table */
	uint32_t cell;           /* its first cell, the same in every core's tallies */
	uint32_t flags;          /* RING_SERIES_OVERFLOW */
	uint32_t labels_room;    /* bytes of the heap that are kept for its labels */
};
RING_STATIC_ASSERT(sizeof(struct ring_series_entry) == 32, "entry size is part of the format");
RING_STATIC_ASSERT(offsetof(struct ring_series_entry, metric) == 16, "format");

struct ring_header {
	uint8_t magic[8];
	uint32_t endian_mark;
	uint16_t version_major;
	uint16_t version_minor;
	uint32_t header_bytes;      /* sizeof(struct ring_header) of the writing version */
	uint32_t features_required; /* a reader that misses one refuses the segment */
	uint32_t features_optional;
	uint32_t core_count;
	uint32_t slot_count; /* per ring */
	uint32_t burst_max;  /* most samples between two publications */
	uint32_t metric_capacity;
	uint32_t series_capacity;
	uint32_t cell_capacity; /* per core; cell 0 is never used */
	uint32_t reserved_a;
	uint64_t segment_bytes;
	uint64_t heap_bytes;
	uint64_t metrics_offset;
	uint64_t series_offset;
	uint64_t heap_offset;
	uint64_t cores_offset;
	uint64_t core_stride;    /* from one core block to the next */
	uint64_t control_offset; /* from the start of a core block; the tallies end there */
	uint64_t schema_hash;    /* over the declared metrics; equal means: same schema */
	uint8_t uuid[16];
	uint8_t predecessor[16]; /* uuid of the segment whose totals this one carries on, or 0 */
	uint8_t boot_id[16];     /* timestamps of another boot are another clock */
	uint64_t created_realtime_ns;
	uint64_t created_monotonic_ns;
	char name[RING_NAME_MAX + 1];

	struct ring_word metric_count;
	struct ring_word series_count;
	struct ring_word heap_used;
	struct ring_word owner_pid;                 /* for display: liveness is the lock */
	struct ring_word owner_started_realtime_ns; /* when this owner created or adopted it */
	struct ring_word owner_count;               /* 1 at creation, one more per adoption */
	struct ring_word definitions_refused; /* since this owner started, as the next three */
	struct ring_word labels_refused;
	struct ring_word claims_refused;
	struct ring_word overflowed;     /* resolutions that got an overflow series */
	struct ring_word series_changes; /* generations of series that have changed */
	uint8_t reserved_b[168];
};
RING_STATIC_ASSERT(sizeof(struct ring_header) == 512, "header size is part of the format");
RING_STATIC_ASSERT(offsetof(struct ring_header, segment_bytes) == 56, "format");
RING_STATIC_ASSERT(offsetof(struct ring_header, schema_hash) == 120, "format");
RING_STATIC_ASSERT(offsetof(struct ring_header, uuid) == 128, "format");
RING_STATIC_ASSERT(offsetof(struct ring_header, name) == 192, "format");
RING_STATIC_ASSERT(offsetof(struct ring_header, metric_count) == 256, "live words start here");

/* A core's control lines. The position alone on two cache lines: it is the one word that a polling
 * reader takes away from the writer. Whoever has the address of these has everything that a
 * record touches at a constant distance: the tallies end where they begin, so that a cell is a
 * negative word, and the slots are RING_SLOTS_OFFSET behind them. */
struct ring_core {
	struct ring_word write_pos; /* samples ever published under this name by this core */
	uint8_t padding_a[120];
	struct ring_word first_pos; /* where this file's history starts; earlier is lost */
	struct ring_word claim_count;
	struct ring_word writer_tid; /* for display; 0: nobody records here */
	uint8_t padding_b[104];
};
RING_STATIC_ASSERT(sizeof(struct ring_core) == 256, "control lines are part of the format");
RING_STATIC_ASSERT(offsetof(struct ring_core, first_pos) == 128, "format");

#define RING_PAGE           4096u     /* core blocks and control lines start on a page */
#define RING_LINE           64u       /* tables and heap start on a cache line */
#define RING_PRIVATE_OFFSET RING_PAGE /* behind the control lines; the owner maps its own here */
#define RING_SLOTS_OFFSET   (2u * RING_PAGE) /* behind the control lines too */

#endif

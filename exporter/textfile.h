/* SPDX-License-Identifier: MIT */
/*
 * The page of metrics as a file, for the textfile collector of node_exporter, written again and
 * again on a thread of its own: a slow disk holds up nobody else. Text 0.0.4 without process_*,
 * which node_exporter has itself.
 *
 * Whoever reads the file finds a whole page, the last or the one before. One that cannot be written
 * leaves the last as it was, and the next is tried as if nothing had been. The file is nobody
 * else's: its directory is locked.
 */
#ifndef TEXTFILE_H
#define TEXTFILE_H

#include <stdint.h>

#include "aggregate/shape.h"

#define TEXTFILE_NAME     "ring.prom"
#define TEXTFILE_NEW_NAME ".ring.prom.new" /* on its way; not of a kind that is collected */

struct textfile;

struct textfile_figures {
	uint64_t written, failed; /* pages */
};

/* The directory must be there; the path and the labels, of what only the page can tell, stay the
 * caller's. Returns 0, or a negative errno after a line on stderr. */
int textfile_open(struct textfile **textfile, const char *dir, size_t page_bytes_max,
		  const struct shape_labels *labels);
/* Only sees whether the directory is there; it may be another exporter's. Returns as
 * textfile_open. */
int textfile_check(const char *dir);
/* The file stays. */
void textfile_close(struct textfile *textfile);

/* The newest snapshot, now; not beside the thread. Returns 0 or a negative errno; -EAGAIN: there is
 * none yet. */
int textfile_write(struct textfile *textfile);

/* A page at once, and then one every so often. Return 0 or a negative errno; after a start there
 * must be a stop. */
int textfile_start(struct textfile *textfile, uint64_t interval_ns);
void textfile_stop(struct textfile *textfile);

/* Any thread. */
void textfile_read(const struct textfile *textfile, struct textfile_figures *figures);

#endif

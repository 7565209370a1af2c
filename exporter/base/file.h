/* SPDX-License-Identifier: MIT */
/*
 * Small files that are read whole, and once more when they have changed. Links are followed:
 * secrets are often mounted as such.
 */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>

#include "stamp.h"

struct file {
	char *data; /* a NUL follows */
	size_t bytes;
	mode_t mode;
};

/* Returns NULL, or why it cannot be read; then there is nothing to forget. */
const char *file_read(struct file *file, const char *path, size_t bytes_max);
/* Leaves nothing of it in memory. */
void file_forget(struct file *file);

struct file_watch {
	const char *path;
	struct stamp stamp;
	bool is_settled; /* a change after the stamp would show in a later one */
};

/* To be asked before the file is read. FILE_PERHAPS: not by its stamp, but that is too new to tell,
 * for files' times move on in steps. */
enum file_change { FILE_SAME, FILE_PERHAPS, FILE_CHANGED };
enum file_change file_look(struct file_watch *watch);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Which function of this process an address is in. Of the program itself all functions are known,
 * the static ones too, unless it has been stripped; of libraries those that they export. The
 * program's file is read once, so that nothing is opened afterwards.
 */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbol {
	uintptr_t start, end; /* in this process */
	const char *name;
};

struct symbols {
	void *file; /* mapped; the names are in it */
	size_t file_bytes;
	struct symbol *list; /* by address */
	size_t count;
};

/* Without a table of symbols, as in a stripped program, the list is empty. Returns 0 or a negative
 * errno. */
int symbols_open(struct symbols *symbols);
void symbols_close(struct symbols *symbols);

/* NULL: it is in none. The name stands as long as the symbols. */
const char *symbols_name(const struct symbols *symbols, uintptr_t address);

#endif

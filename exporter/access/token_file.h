/* SPDX-License-Identifier: MIT */
/*
 * A file of bearer tokens, read again when it changes. Not all users of the machine may read it.
 * What cannot be taken is logged once, and what it had before stays good: to take tokens back,
 * write others. The HTTP thread's own, once it is open.
 */
#ifndef TOKEN_FILE_H
#define TOKEN_FILE_H

#include "base/file.h"
#include "token.h"

struct token_file {
	struct file_watch watch;
	struct token_set tokens;
	const char *wrong; /* with what it has now; NULL: nothing */
};

/* Returns 0, or a negative errno after one line on stderr. The path stays the caller's. */
int token_file_open(struct token_file *file, const char *path);

/* To be called every now and then. */
void token_file_refresh(struct token_file *file);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The commands of ringstat. Each stands in its own file, declares its options there
 * and sees segments only through <ring/read.h>: read-only, with cursors of its own.
 */
#ifndef RINGSTAT_H
#define RINGSTAT_H

#include "options.h"

struct ringstat_command {
	const char *name;
	const char *operands; /* as the usage line shows them */
	const char *summary;
	const struct option_def *options;
	int operand_min;
	int operand_max;
	/* Returns the exit status. The operands are NULL-terminated. */
	int (*run)(char **operands);
};

extern const struct ringstat_command ringstat_list;
extern const struct ringstat_command ringstat_show;
extern const struct ringstat_command ringstat_watch;
extern const struct ringstat_command ringstat_tail;
extern const struct ringstat_command ringstat_check;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Command-line options. A program declares each option once, in a table that
 * parsing and --help both read; --help itself is understood everywhere.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Of the four places exactly one is set, and says what the option takes. */
struct option_def {
	const char *name; /* without the dashes; NULL ends the table */
	const char *help;
	const char *argument; /* what --help calls the value; NULL for a flag */
	bool *flag;
	const char **text;
	double *seconds; /* above zero, up to a year */
	uint64_t *number;
	uint64_t number_max;
};

enum options_result {
	OPTIONS_OK, /* the operands are argv[optind] and on */
	OPTIONS_HELP,
	OPTIONS_WRONG, /* a message has said what */
};

/* `command` is what the hint in a message names, as in "see 'ringstat show --help'". */
enum options_result options_parse(const struct option_def *table, const char *command, int argc,
				  char **argv);

/* Says that something about the usage is wrong, with the hint; returns the exit status. */
int options_complain(const char *command, const char *object, const char *reason);

/* Prints the options, one a line. */
void options_help(const struct option_def *table);

#endif

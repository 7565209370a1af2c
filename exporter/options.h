/* SPDX-License-Identifier: MIT */
/*
 * The options that there are: one table makes the parser, the keys of the configuration file, the
 * defaults and the help.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stddef.h>

/* Sets a field, or what starts there, to a value (NULL if the option takes none). Returns NULL, or
 * what is wrong with the value. */
typedef const char *option_setter(void *field, const char *value);

enum option_trait {
	OPTION_REPEATS = 1,      /* a list in a file */
	OPTION_RELOADS = 2,      /* may change while the exporter runs */
	OPTION_COMMAND_LINE = 4, /* makes no sense in a file */
};

/* `standard` is the value of an option that is not given; NULL: see `help`. What sets more than one
 * field, or a list, has no field and takes the whole struct config. */
struct config_option {
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *standard;
	const char *help;
	option_setter *set; /* NULL: prints and ends */
	size_t field;
	unsigned traits;
};

#define OPTIONS_MAX 64u

extern const struct config_option options[];
extern const size_t option_count; /* OPTIONS_MAX at most */

#endif

/* SPDX-License-Identifier: MIT */
/* The collectors' command line. What is wrong ends the program: one line, exit status 2. */
#ifndef OPTIONS_H
#define OPTIONS_H

struct source;

struct options {
	const char *target;
	const char *segment;
	const char *dir; /* NULL: libring's own choice */
	const char *prefix;
	unsigned interval_ms;
};

void options_parse(struct options *options, const struct source *source, int argc, char **argv);

_Noreturn void options_refuse(const struct source *source, const char *object, const char *reason);

#endif

/* SPDX-License-Identifier: MIT */
/* What may stand on a collector's command line; `usage` of its source says what it means. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector.h"
#include "options.h"

#define EXIT_USAGE  2
#define INTERVAL_MS 1000u

enum { CONNECT, SEGMENT, DIR, PREFIX, INTERVAL, HELP };

static const struct option table[] = {
	[CONNECT] = {"connect", required_argument, NULL, 0},
	[SEGMENT] = {"segment", required_argument, NULL, 0},
	[DIR] = {"dir", required_argument, NULL, 0},
	[PREFIX] = {"prefix", required_argument, NULL, 0},
	[INTERVAL] = {"interval-ms", required_argument, NULL, 0},
	[HELP] = {"help", no_argument, NULL, 0},
	{NULL, 0, NULL, 0},
};

_Noreturn void options_refuse(const struct source *source, const char *object, const char *reason)
{
	fprintf(stderr, "%s: %s: %s\n", source->program, object, reason);
	exit(EXIT_USAGE);
}

static unsigned interval_parse(const struct source *source, const char *text)
{
	char *end;

	errno = 0;
	const unsigned long value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || value < 10 || value > 3600000)
		options_refuse(source, "--interval-ms", "not a number from 10 to 3600000");
	return (unsigned)value;
}

void options_parse(struct options *options, const struct source *source, int argc, char **argv)
{
	const char **const texts[] = {
		[CONNECT] = &options->target,
		[SEGMENT] = &options->segment,
		[DIR] = &options->dir,
		[PREFIX] = &options->prefix,
	};
	int result, index;

	*options = (struct options){
		.target = source->target,
		.segment = source->name,
		.prefix = "",
		.interval_ms = INTERVAL_MS,
	};
	opterr = 0;
	while ((result = getopt_long(argc, argv, "", table, &index)) == 0) {
		if (index == HELP)
			exit(fputs(source->usage, stdout) < 0 || fflush(stdout) != 0);
		if (index == INTERVAL)
			options->interval_ms = interval_parse(source, optarg);
		else
			*texts[index] = optarg;
	}
	if (result != -1)
		options_refuse(source, argv[optind - 1], "unknown option or missing value");
	if (optind < argc)
		options_refuse(source, argv[optind], "unexpected argument");
}

/* SPDX-License-Identifier: MIT */
/* Option tables: getopt_long for the words, strict rules for the values. */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool.h"

#define OPTIONS_MAX   24
#define OPTIONS_FIRST 256 /* getopt's value of the first table entry: no character */
#define SECONDS_MAX   31536000.0

int options_complain(const char *command, const char *object, const char *reason)
{
	tool_message(object, "%s; see '%s --help'", reason, command);
	return TOOL_CANNOT_TELL;
}

static bool parse_number(const char *argument, uint64_t max, uint64_t *number)
{
	char *end;

	/* strtoull would take blanks and a minus sign. */
	if (!isdigit((unsigned char)argument[0]))
		return false;
	errno = 0;
	const unsigned long long value = strtoull(argument, &end, 10);
	if (errno != 0 || *end != '\0' || value > max)
		return false;
	*number = value;
	return true;
}

static bool parse_seconds(const char *argument, double *seconds)
{
	char *end;

	if (!isdigit((unsigned char)argument[0]) && argument[0] != '.')
		return false;
	const double value = strtod(argument, &end);
	if (*end != '\0' || !(value > 0) || value > SECONDS_MAX)
		return false;
	*seconds = value;
	return true;
}

static bool take(const struct option_def *option, const char *argument)
{
	if (option->number)
		return parse_number(argument, option->number_max, option->number);
	if (option->seconds)
		return parse_seconds(argument, option->seconds);
	if (option->text)
		*option->text = argument;
	else
		*option->flag = true;
	return true;
}

/* What getopt_long could not take, as the user wrote it. */
static int complain_word(const char *command, int result, char **argv)
{
	char letter[] = {'-', (char)optopt, '\0'};
	const bool is_letter = optopt > 0 && optopt < OPTIONS_FIRST;

	return options_complain(command, is_letter ? letter : argv[optind - 1],
				result == ':' ? "a value is missing" : "not understood");
}

enum options_result options_parse(const struct option_def *table, const char *command, int argc,
				  char **argv)
{
	struct option words[OPTIONS_MAX + 2] = {{"help", no_argument, NULL, 'h'}};
	int result;

	for (int i = 0; i < OPTIONS_MAX && table[i].name; i++) {
		const int argument = table[i].flag ? no_argument : required_argument;
		words[i + 1] = (struct option){table[i].name, argument, NULL, OPTIONS_FIRST + i};
	}
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	while ((result = getopt_long(argc, argv, ":h", words, NULL)) != -1) {
		if (result == 'h')
			return OPTIONS_HELP;
		if (result < OPTIONS_FIRST) {
			complain_word(command, result, argv);
			return OPTIONS_WRONG;
		}
		const struct option_def *option = &table[result - OPTIONS_FIRST];
		if (take(option, optarg))
			continue;
		char object[64];
		snprintf(object, sizeof object, "--%s", option->name);
		options_complain(command, object, "the value is out of range or no number");
		return OPTIONS_WRONG;
	}
	return OPTIONS_OK;
}

void options_help(const struct option_def *table)
{
	puts("\noptions:");
	for (; table->name; table++) {
		char word[64];

		snprintf(word, sizeof word, "--%s%s%s", table->name, table->argument ? " " : "",
			 table->argument ? table->argument : "");
		printf("  %-18s  %s\n", word, table->help);
	}
	printf("  %-18s  %s\n", "--help", "print this");
}

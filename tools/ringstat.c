/* SPDX-License-Identifier: MIT */
/*
 * ringstat: looks at segments, live or dead, without disturbing anyone.
 * Here: which commands there are, and what their words on the command line mean.
 */
#include "ringstat.h"

#include <getopt.h>
#include <limits.h>
#include <ring/read.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

static const struct ringstat_command *const commands[] = {
	&ringstat_list, &ringstat_show, &ringstat_watch, &ringstat_tail, &ringstat_check,
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static bool wants_version;

static const struct option_def general_options[] = {
	{.name = "version", .help = "print the version", .flag = &wants_version},
	{0},
};

static const struct ringstat_command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void print_general_help(void)
{
	puts("usage: ringstat COMMAND [options]\n"
	     "Looks at segments, live or dead, without disturbing anyone.\n\n"
	     "commands:");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %-5s %-12s %s\n", commands[i]->name, commands[i]->operands,
		       commands[i]->summary);
	options_help(general_options);
	puts("\nA SEGMENT is a name in the segment directory, or a path with a slash in it.\n"
	     "exit status: 0 fine, 1 damaged segment, 2 cannot tell or wrong usage");
}

static void print_command_help(const struct ringstat_command *command)
{
	printf("usage: ringstat %s [options]%s%s\n%s.\n", command->name,
	       *command->operands ? " " : "", command->operands, command->summary);
	options_help(command->options);
}

/* The words before a command, or instead of one. */
static int run_general(char **argv)
{
	char *words[] = {argv[0], argv[1], NULL};

	switch (options_parse(general_options, "ringstat", words[1] ? 2 : 1, words)) {
	case OPTIONS_WRONG:
		return TOOL_CANNOT_TELL;
	case OPTIONS_HELP:
		print_general_help();
		return TOOL_OK;
	case OPTIONS_OK:
		break;
	}
	if (!wants_version)
		return options_complain("ringstat", "command", "none is given");
	puts("ringstat " RING_VERSION);
	return TOOL_OK;
}

static int run_command(const struct ringstat_command *command, int argc, char **argv)
{
	char title[32];

	snprintf(title, sizeof title, "ringstat %s", command->name);
	switch (options_parse(command->options, title, argc, argv)) {
	case OPTIONS_WRONG:
		return TOOL_CANNOT_TELL;
	case OPTIONS_HELP:
		print_command_help(command);
		return TOOL_OK;
	case OPTIONS_OK:
		break;
	}
	if (argc - optind < command->operand_min)
		return options_complain(title, command->operands, "the operand is missing");
	if (argc - optind > command->operand_max)
		return options_complain(title, argv[optind + command->operand_max],
					"one operand too many");
	return command->run(argv + optind);
}

int main(int argc, char **argv)
{
	const int error = ring_reader_guard();

	if (error) {
		tool_message("signal handler", "%s", strerror(-error));
		return TOOL_CANNOT_TELL;
	}
	tool_alloc_json();
	if (argc < 2 || argv[1][0] == '-')
		return tool_finish(run_general(argv));
	const struct ringstat_command *command = find_command(argv[1]);
	if (!command)
		return options_complain("ringstat", argv[1], "no such command");
	return tool_finish(run_command(command, argc - 1, argv + 1));
}

/* SPDX-License-Identifier: MIT */
/* The command line; see config.h. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "options.h"

#define LONG_OPTION 1 /* what getopt returns for each of them; no letter */
#define HELP_COLUMN 36

static void print_help(void)
{
	puts("usage: " CONFIG_PROGRAM " [OPTION]...\n"
	     "Serves the metrics that data planes record with libring to Prometheus.\n");
	for (const struct config_option *option = options; option < options + option_count;
	     option++) {
		const int column = printf("  --%s%s%s", option->name, option->argument ? "=" : "",
					  option->argument ? option->argument : "");
		if (column < HELP_COLUMN)
			printf("%*s%s", HELP_COLUMN - column, "", option->help);
		else
			printf("\n%*s%s", HELP_COLUMN, "", option->help);
		if (option->standard)
			printf(" [%s]", option->standard);
		puts("");
	}
}

static enum config_result wrong(const char *object, const char *reason)
{
	log_failure(object, reason);
	return CONFIG_WRONG;
}

/* A word that makes no sense, without what it gives a value to, or what follows a scheme: it may
 * be a URL with a password in a place that we do not know. */
static enum config_result wrong_word(const char *word, const char *reason)
{
	char shown[128];

	snprintf(shown, sizeof shown, "%.*s", (int)strcspn(word, "=:"), word);
	return wrong(shown, reason);
}

/* The word that getopt has just refused, or we. */
static enum config_result refuse(const char *word)
{
	const char letter[] = {'-', (char)optopt, '\0'};

	/* A short option may stand in the middle of a word; a long one has no letter. */
	return wrong_word(optopt > LONG_OPTION ? letter : word,
			  "no such option, or it takes no value");
}

/* The option that getopt has just taken, whose value may be the next word. */
static const char *word_taken(char *const *argv)
{
	return optarg && optarg == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1];
}

/* getopt also takes the beginning of a name, which another option may have tomorrow. */
static bool is_whole(const char *name, const char *word)
{
	const size_t bytes = strlen(name);

	return strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, bytes) == 0 &&
	       (word[2 + bytes] == '=' || word[2 + bytes] == '\0');
}

static enum config_result set(struct config *config, const struct config_option *option,
			      const char *value)
{
	char object[64];
	const char *reason = option->set((char *)config + option->field, value);

	snprintf(object, sizeof object, "--%s", option->name);
	return reason ? wrong(object, reason) : CONFIG_RUN;
}

static enum config_result print(const struct config_option *option)
{
	if (strcmp(option->name, "version") == 0)
		puts(CONFIG_PROGRAM " " RING_VERSION);
	else
		print_help();
	return CONFIG_EXIT;
}

/* All options and no more; `given` says which. */
static enum config_result read_options(struct config *config, int argc, char *const *argv,
				       bool *given)
{
	struct option table[OPTIONS_MAX + 1] = {0};
	enum config_result result = CONFIG_RUN;
	int index = 0, got;

	for (size_t i = 0; i < option_count; i++)
		table[i] = (struct option){options[i].name, options[i].argument ? 1 : 0, NULL,
					   LONG_OPTION};
	optind = 0; /* starts getopt anew, for tests that read several command lines */
	opterr = 0;
	while (result == CONFIG_RUN && (got = getopt_long(argc, argv, ":h", table, &index)) != -1) {
		if (got == 'h') {
			print_help();
			result = CONFIG_EXIT;
		} else if (got == ':') {
			result = wrong(argv[optind - 1], "needs a value");
		} else if (got == '?') {
			result = refuse(argv[optind - 1]);
		} else if (!is_whole(options[index].name, word_taken(argv))) {
			result = refuse(word_taken(argv));
		} else if (!options[index].set) {
			result = print(&options[index]);
		} else {
			result = set(config, &options[index], optarg);
			given[index] = true;
		}
	}
	if (result == CONFIG_RUN && optind < argc)
		result = wrong_word(argv[optind], "takes no arguments, options only");
	return result;
}

/* What only all options together tell. */
static enum config_result judge(struct config *config)
{
	const struct monitor_thresholds *standard = &config->monitor.thresholds;
	const char *fault = monitor_thresholds_fault(standard);
	char reason[sizeof config->patterns[0] + 128];

	if (fault)
		return wrong("--replication.critical", fault);
	for (size_t i = 0; i < config->monitor.override_count; i++) {
		fault = override_complete(&config->overrides[i], standard);
		if (!fault)
			continue;
		snprintf(reason, sizeof reason, "%s: %s", config->patterns[i], fault);
		return wrong("--replication.thresholds", reason);
	}
	return CONFIG_RUN;
}

enum config_result config_read(struct config *config, int argc, char *const *argv)
{
	bool given[OPTIONS_MAX] = {false};

	*config = (struct config){.monitor = monitor_defaults};
	config->monitor.overrides = config->overrides;
	enum config_result result = read_options(config, argc, argv, given);
	for (size_t i = 0; i < option_count && result == CONFIG_RUN; i++)
		if (options[i].standard && !given[i])
			result = set(config, &options[i], options[i].standard);
	return result == CONFIG_RUN ? judge(config) : result;
}

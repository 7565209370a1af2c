/* SPDX-License-Identifier: MIT */
/* The command line and the file; see config.h. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "config.h"
#include "config_file.h"
#include "options.h"

#define LONG_OPTION 1 /* what getopt returns for each of them; no letter */
#define HELP_COLUMN 36

static void print_help(void)
{
	puts("usage: " LOG_PROGRAM " [OPTION]...\n"
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

static enum config_result wrong(struct config *config, const char *object, const char *reason)
{
	snprintf(config->fault.object, sizeof config->fault.object, "%s", object);
	snprintf(config->fault.reason, sizeof config->fault.reason, "%s", reason);
	return CONFIG_WRONG;
}

/* In the file; line 0: somewhere. */
static enum config_result wrong_line(struct config *config, size_t line, const char *reason)
{
	char object[sizeof config->fault.object];

	snprintf(object, sizeof object, line > 0 ? "%s:%zu" : "%s", config->file, line);
	return wrong(config, object, reason);
}

/* The one before `before` of those that set the option, the last of them with NULL; NULL: none. */
static const struct config_setting *previous_setting(const struct config *config,
						     const struct config_option *option,
						     const struct config_setting *before)
{
	const struct config_setting *setting = before ? before
						      : &config->settings[config->setting_count];

	while (setting > config->settings)
		if ((--setting)->option == option)
			return setting;
	return NULL;
}

/* Where the option was set last. */
static enum config_result wrong_option(struct config *config, const char *name, const char *reason)
{
	char text[sizeof config->fault.reason];
	size_t line = 0;

	for (size_t i = 0; i < config->setting_count; i++)
		if (strcmp(config->settings[i].option->name, name) == 0)
			line = config->settings[i].line;
	snprintf(text, sizeof text, line > 0 ? "%s: %s" : "--%s", name, reason);
	return line > 0 ? wrong_line(config, line, text) : wrong(config, text, reason);
}

/* A word that makes no sense, without what it gives a value to, or what follows a scheme: it may
 * be a URL with a password in a place that we do not know. */
static enum config_result wrong_word(struct config *config, const char *word, const char *reason)
{
	char shown[128];

	snprintf(shown, sizeof shown, "%.*s", (int)strcspn(word, "=:"), word);
	return wrong(config, shown, reason);
}

/* The word that getopt has just refused, or we. */
static enum config_result refuse(struct config *config, const char *word)
{
	const char letter[] = {'-', (char)optopt, '\0'};

	/* A short option may stand in the middle of a word; a long one has no letter. */
	return wrong_word(config, optopt > LONG_OPTION ? letter : word,
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

/* Returns NULL, or what is wrong with the value. */
static const char *set(struct config *config, const struct config_option *option, const char *value,
		       size_t line)
{
	if (config->setting_count == CONFIG_SETTINGS_MAX)
		return "is one option too many";
	config->settings[config->setting_count++] = (struct config_setting){option, value, line};
	return option->set((char *)config + option->field, value);
}

/* An option of the command line, or one that is in none of both. */
static enum config_result set_or_refuse(struct config *config, const struct config_option *option,
					const char *value)
{
	const char *reason = set(config, option, value, 0);
	char object[64];

	snprintf(object, sizeof object, "--%s", option->name);
	return reason ? wrong(config, object, reason) : CONFIG_RUN;
}

static enum config_result print(const struct config_option *option)
{
	if (strcmp(option->name, "version") == 0)
		puts(LOG_PROGRAM " " RING_VERSION);
	else
		print_help();
	return CONFIG_EXIT;
}

/* All options and no more. */
static enum config_result read_options(struct config *config, int argc, char *const *argv)
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
			result = wrong(config, argv[optind - 1], "needs a value");
		} else if (got == '?') {
			result = refuse(config, argv[optind - 1]);
		} else if (!is_whole(options[index].name, word_taken(argv))) {
			result = refuse(config, word_taken(argv));
		} else if (!options[index].set) {
			result = print(&options[index]);
		} else {
			result = set_or_refuse(config, &options[index], optarg);
		}
	}
	if (result == CONFIG_RUN && optind < argc)
		result = wrong_word(config, argv[optind], "takes no arguments, options only");
	return result;
}

/* Takes an option of the file, unless it is one of the first settings. */
struct layer {
	struct config *config;
	size_t above_count;
};

static const char *take_below(void *subject, const struct config_option *option, const char *value,
			      size_t line)
{
	const struct layer *layer = subject;

	for (size_t i = 0; i < layer->above_count; i++)
		if (layer->config->settings[i].option == option)
			return NULL;
	return set(layer->config, option, value, line);
}

static enum config_result read_file(struct config *config)
{
	struct layer layer = {config, config->setting_count};
	struct file file;
	const char *reason = file_read(&file, config->file, CONFIG_FILE_BYTES_MAX);

	if (reason)
		return wrong(config, config->file, reason);
	const bool is_sound = config_file_read(&config->walk, file.data, file.bytes, take_below,
					       &layer);
	file_forget(&file);
	return is_sound ? CONFIG_RUN : wrong_line(config, config->walk.line, config->walk.reason);
}

static enum config_result set_standards(struct config *config)
{
	enum config_result result = CONFIG_RUN;

	config->given_count = config->setting_count;
	for (const struct config_option *option = options;
	     option < options + option_count && result == CONFIG_RUN; option++)
		if (option->standard && !previous_setting(config, option, NULL))
			result = set_or_refuse(config, option, option->standard);
	return result;
}

/* What only all options together tell. */
static enum config_result judge(struct config *config)
{
	const struct monitor_thresholds *standard = &config->monitor.thresholds;
	const char *fault = monitor_thresholds_fault(standard);
	char reason[sizeof config->patterns[0] + 128];

	if (fault)
		return wrong_option(config, "replication.critical", fault);
	if (config->listens_nowhere && config->address_count > 0)
		return wrong_option(config, "web.listen-address",
				    "is none, and an address is given");
	for (size_t i = 0; i < config->monitor.override_count; i++) {
		fault = override_complete(&config->overrides[i], standard);
		if (!fault)
			continue;
		snprintf(reason, sizeof reason, "%s: %s", config->patterns[i], fault);
		return wrong_option(config, "replication.thresholds", reason);
	}
	return CONFIG_RUN;
}

enum config_result config_read(struct config *config, int argc, char *const *argv)
{
	*config = (struct config){.monitor = monitor_defaults, .argc = argc, .argv = argv};
	config->monitor.overrides = config->overrides;
	enum config_result result = read_options(config, argc, argv);
	if (result == CONFIG_RUN && config->file)
		result = read_file(config);
	if (result == CONFIG_RUN)
		result = set_standards(config);
	if (result == CONFIG_RUN)
		result = judge(config);
	if (result != CONFIG_RUN)
		config_release(config);
	return result;
}

bool config_is_given(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->given_count; i++)
		if (strcmp(config->settings[i].option->name, name) == 0)
			return true;
	return false;
}

void config_release(struct config *config)
{
	walk_release(&config->walk);
	config->setting_count = 0;
}

static bool is_same(const struct config_setting *a, const struct config_setting *b)
{
	return a->value && b->value ? strcmp(a->value, b->value) == 0 : a->value == b->value;
}

static bool is_set_alike(const struct config *a, const struct config *b,
			 const struct config_option *option)
{
	const struct config_setting *of_a = NULL, *of_b = NULL;

	do {
		of_a = previous_setting(a, option, of_a);
		of_b = previous_setting(b, option, of_b);
	} while (of_a && of_b && is_same(of_a, of_b));
	return !of_a && !of_b;
}

bool config_may_follow(const struct config *now, struct config *next)
{
	char reason[128];

	for (const struct config_option *option = options; option < options + option_count;
	     option++) {
		if (option->traits & OPTION_RELOADS || is_set_alike(now, next, option))
			continue;
		const struct config_setting *setting = previous_setting(next, option, NULL);
		snprintf(reason, sizeof reason, "%s: needs a restart", option->name);
		wrong_line(next, setting ? setting->line : 0, reason);
		return false;
	}
	return true;
}

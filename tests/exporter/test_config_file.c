/* SPDX-License-Identifier: MIT */
/*
 * Configuration files: whatever an option takes on the command line it takes in a file, and the
 * other way round; and from which file a running exporter may go to which. What is no such file is
 * in test_config_faults.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attempt.h"
#include "base/file.h"
#include "config_file.h"

#define PAGE "docs/configuration.md"

/* Some that one option or another takes. */
static const char *const values[] = {
	"/a",     "http://h:1", "a=b",     "660",   "7",  "10s",  "p:warning=6s,critical=40s",
	"info",   "json",       "[::1]:1", "*:1",   "",   "no",   "p:merge=max",
	"unix:a", "-1",         "1000001", "a: #b", "~a", "0x10",
};

/* Every value of the option that was not left to its default, one after the other. */
static void join_values(const struct config *config, const struct config_option *option, char *text,
			size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < config->setting_count && used < bytes; i++)
		if (config->settings[i].option == option)
			used += (size_t)snprintf(
				text + used, bytes - used, "<%s>",
				config->settings[i].value ? config->settings[i].value : "on");
}

static void expect_same_settings(const struct config *a, const struct config *b)
{
	char of_a[256], of_b[256];

	for (size_t i = 0; i < option_count; i++) {
		if (strcmp(options[i].name, "config.file") == 0)
			continue;
		join_values(a, &options[i], of_a, sizeof of_a);
		join_values(b, &options[i], of_b, sizeof of_b);
		assert_string_equal(of_a, of_b);
	}
}

/* The option in a file, with as many mappings as its name has dots, or with none. */
static void spell(char *text, size_t bytes, const struct config_option *option, const char *value,
		  bool nested)
{
	const bool is_list = option->traits & OPTION_REPEATS;
	const char *rest = option->name, *dot;
	size_t used = 0, depth = 0;

	while (nested && (dot = strchr(rest, '.'))) {
		used += (size_t)snprintf(text + used, bytes - used, "%*s%.*s:\n", (int)depth++, "",
					 (int)(dot - rest), rest);
		rest = dot + 1;
	}
	snprintf(text + used, bytes - used, "%*s%s: %s%s%s%s%s\n", (int)depth, "", rest,
		 is_list ? "[" : "", option->argument ? "'" : "", value,
		 option->argument ? "'" : "", is_list ? "]" : "");
}

/* The same fault, of a flag and of a line in the file. */
static void expect_same_fault(const struct attempt *by_flag, const struct attempt *by_file)
{
	const struct config_fault *of_flag = &by_flag->config.fault,
				  *of_file = &by_file->config.fault;
	char said[1200], expected[1200];

	snprintf(said, sizeof said, "--%s", of_file->reason);
	snprintf(expected, sizeof expected, "%s: %s", of_flag->object, of_flag->reason);
	/* Where it is not in that line, it is about a default. */
	if (strncmp(of_file->object, "--", 2) == 0)
		snprintf(said, sizeof said, "%s: %s", of_file->object, of_file->reason);
	assert_string_equal(said, expected);
}

/* Returns whether it is taken, as a flag and in a file. */
static bool is_taken(const struct config_option *option, const char *value)
{
	char text[256], word[256];

	snprintf(word, sizeof word, "--%s%s%s", option->name, option->argument ? "=" : "",
		 option->argument ? value : "");
	struct attempt *by_flag = attempt_file("{}", word, NULL);
	const bool taken = by_flag->result == CONFIG_RUN;
	for (unsigned nested = 0; nested < 2; nested++) {
		spell(text, sizeof text, option, value, nested);
		struct attempt *by_file = attempt_file(text, NULL);
		if (by_file->result != by_flag->result)
			fail_msg("%sis not like %s: %s: %s", text, word,
				 by_file->config.fault.object, by_file->config.fault.reason);
		if (taken)
			expect_same_settings(&by_flag->config, &by_file->config);
		else
			expect_same_fault(by_flag, by_file);
		attempt_end(by_file);
	}
	attempt_end(by_flag);
	return taken;
}

static void every_option_is_the_same_in_a_file(void **state)
{
	(void)state;
	for (const struct config_option *option = options; option < options + option_count;
	     option++) {
		unsigned taken = 0;
		if (option->traits & OPTION_COMMAND_LINE)
			continue;
		for (size_t i = 0; i < sizeof values / sizeof *values; i++)
			taken += is_taken(option, option->argument ? values[i] : "true");
		if (taken == 0)
			fail_msg("--%s takes none of the values that this test knows",
				 option->name);
	}
}

static void options_that_say_what_to_do_are_refused_in_a_file(void **state)
{
	char text[256], said[128];
	unsigned count = 0;

	(void)state;
	for (const struct config_option *option = options; option < options + option_count;
	     option++) {
		if (!(option->traits & OPTION_COMMAND_LINE))
			continue;
		count++;
		spell(text, sizeof text, option, option->argument ? "/a" : "true", false);
		struct attempt *attempt = attempt_file(text, NULL);
		assert_int_equal(attempt->result, CONFIG_WRONG);
		snprintf(said, sizeof said, "%s: belongs on the command line", option->name);
		assert_string_equal(attempt->config.fault.reason, said);
		attempt_end(attempt);
	}
	assert_true(count >= 4);
}

/* What the table says twice, and what has no way into a file. */
static void traits_are_what_help_says(void **state)
{
	(void)state;
	for (const struct config_option *option = options; option < options + option_count;
	     option++) {
		if (!(option->traits & OPTION_REPEATS) != !strstr(option->help, "repeatable"))
			fail_msg("--%s: is it repeatable?", option->name);
		if (!option->set && !(option->traits & OPTION_COMMAND_LINE))
			fail_msg("--%s: what is it in a file?", option->name);
	}
}

/* Whole, from the folder that the environment names. */
static char *read_page(void)
{
	const char *root = getenv("RING_SOURCE");
	char path[4096];
	struct file page;

	assert_non_null(root);
	snprintf(path, sizeof path, "%s/" PAGE, root);
	assert_null(file_read(&page, path, 1u << 20));
	return page.data;
}

/* A star would make letters slanted. */
static void escape(char *escaped, size_t bytes, const char *text)
{
	size_t used = 0;

	for (; *text && used + 2 < bytes; text++) {
		if (*text == '*')
			escaped[used++] = '\\';
		escaped[used++] = *text;
	}
	escaped[used] = '\0';
}

static void page_has_a_row_for_each_option_of_a_file(void **state)
{
	char *page = read_page();
	char row[512], help[256];

	(void)state;
	for (const struct config_option *option = options; option < options + option_count;
	     option++) {
		if (option->traits & OPTION_COMMAND_LINE)
			continue;
		escape(help, sizeof help, option->help);
		snprintf(row, sizeof row, "\n| `%s` | %s%s%s | %s%s%s | %s | %s |\n", option->name,
			 option->traits & OPTION_REPEATS ? "list of " : "",
			 option->argument ? option->argument : "true",
			 option->argument ? "" : ", false", option->standard ? "`" : "",
			 option->standard ? option->standard : "", option->standard ? "`" : "",
			 option->traits & OPTION_RELOADS ? "yes" : "", help);
		if (!strstr(page, row))
			fail_msg(PAGE " needs this row: %s", row);
	}
	free(page);
}

static void file_sets_what_the_command_line_does_not(void **state)
{
	static const char text[] = "# all of it\n"
				   "web:\n"
				   "  listen-address:\n"
				   "    - 127.0.0.1:1\n"
				   "    - \"[::1]:2\"\n"
				   "  max-connections: 64\n"
				   "  enable-admin-api: true\n"
				   "  disable-exporter-metrics: false\n"
				   "log: {level: debug, format: json}\n"
				   "alert.label: [a=b]\n"
				   "replication:\n"
				   "  warning: 2m\n"
				   "  critical: 3m\n"
				   "  thresholds: [\"x/*:critical=1h\"]\n"
				   "  no-prediction: yes\n";

	(void)state;
	struct attempt *attempt = attempt_file(text, "--log.level=warn",
					       "--web.listen-address=127.0.0.1:3", NULL);
	const struct config *config = &attempt->config;
	assert_int_equal(attempt->result, CONFIG_RUN);
	assert_int_equal(config->address_count, 1); /* not three */
	assert_string_equal(config->addresses[0].port, "3");
	assert_int_equal(config->limits.connections_max, 64);
	assert_true(config->admin_api);
	assert_false(config->disable_exporter_metrics);
	assert_int_equal(config->log_level, LOG_WARN);
	assert_int_equal(config->log_format, LOG_JSON);
	assert_int_equal(config->notify.label_count, 1);
	assert_string_equal(config->notify.labels[0].value, "b");
	assert_true(config->monitor.thresholds.critical_seconds == 180);
	assert_int_equal(config->monitor.override_count, 1);
	assert_true(config->overrides[0].thresholds.warning_seconds == 120);
	assert_false(config->monitor.predicts);
	assert_string_equal(config->telemetry_path, "/metrics");
	attempt_end(attempt);
}

static void empty_mappings_and_aliases_mean_what_they_are(void **state)
{
	(void)state;
	struct attempt *attempt = attempt_file("log:\nweb: {}\n", NULL);
	assert_int_equal(attempt->result, CONFIG_RUN);
	attempt_end(attempt);
	attempt = attempt_file("alert.label: &l [a=b]\nlog: {level: &i error}\n", NULL);
	assert_int_equal(attempt->result, CONFIG_RUN);
	attempt_end(attempt);
	attempt = attempt_file("replication: {warning: &t 1m, critical: *t}\n", NULL);
	assert_int_equal(attempt->result, CONFIG_RUN);
	assert_true(attempt->config.monitor.thresholds.critical_seconds == 60);
	attempt_end(attempt);
}

/* Between two files, with one word of the command line. NULL: an exporter may go from one to the
 * other; else where and why not, which stands until the next time. */
static const char *obstacle(const char *now, const char *next, const char *word)
{
	static char fault[CONFIG_FAULT_BYTES];
	struct attempt *a = attempt_file(now, word, NULL), *b = attempt_file(next, word, NULL);

	assert_int_equal(a->result, CONFIG_RUN);
	assert_int_equal(b->result, CONFIG_RUN);
	const bool may = config_may_follow(&a->config, &b->config);
	assert_true(may ||
		    strncmp(b->config.fault.object, ATTEMPT_PATH, strlen(ATTEMPT_PATH)) == 0);
	snprintf(fault, sizeof fault, "%s: %s", b->config.fault.object + strlen(ATTEMPT_PATH),
		 b->config.fault.reason);
	attempt_end(a);
	attempt_end(b);
	return may ? NULL : fault;
}

static void every_change_is_taken_or_needs_a_restart_as_its_row_says(void **state)
{
	char next[256], expected[128];

	(void)state;
	for (const struct config_option *option = options; option < options + option_count;
	     option++) {
		for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
			spell(next, sizeof next, option, option->argument ? values[i] : "true",
			      false);
			struct attempt *attempt = attempt_file(next, NULL);
			const bool taken = attempt->result == CONFIG_RUN;
			attempt_end(attempt);
			if (!taken)
				continue;
			const char *fault = obstacle("{}", next, NULL);
			snprintf(expected, sizeof expected, ":1: %s: needs a restart",
				 option->name);
			if (!fault != !!(option->traits & OPTION_RELOADS))
				fail_msg("%s: %s", next, fault ? fault : "taken");
			if (fault)
				assert_string_equal(fault, expected);
			fault = obstacle(next, "{}", NULL);
			assert_int_equal(!fault, !!(option->traits & OPTION_RELOADS));
			if (fault)
				assert_string_equal(fault + 1, expected + 3);
		}
	}
}

static void what_is_the_same_is_no_change(void **state)
{
	(void)state;
	assert_null(obstacle("{}", "{}", NULL));
	assert_null(obstacle("{}", "web: {max-connections: 128, telemetry-path: /metrics}", NULL));
	assert_null(obstacle("{}", "web.enable-admin-api: false", NULL));
	assert_null(obstacle("web.listen-address: [a:1, a:2]",
			     "{web: {listen-address: ['a:1', \"a:2\"]}}", NULL));
	assert_null(obstacle("dir: /a", "dir: /b", "--dir=/c"));
	assert_string_equal(obstacle("alert.label: [a=b]", "\nalert.label: [a=b, b=c]", NULL),
			    ":2: alert.label: needs a restart");
	assert_string_equal(obstacle("alert.label: [a=b, b=c]", "alert.label: [a=b]", NULL),
			    ":1: alert.label: needs a restart");
	assert_string_equal(obstacle("alert.label: [a=b, b=c]", "alert.label: [b=c, a=b]", NULL),
			    ":1: alert.label: needs a restart");
	assert_string_equal(obstacle("alert.label: [a=b, b=c]", "alert.label: [a=d, b=c]", NULL),
			    ":1: alert.label: needs a restart");
	assert_string_equal(obstacle("alert.label: [a=b, b=c]", "alert.label: [b=c]", NULL),
			    ":1: alert.label: needs a restart");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_is_the_same_in_a_file),
		cmocka_unit_test(options_that_say_what_to_do_are_refused_in_a_file),
		cmocka_unit_test(traits_are_what_help_says),
		cmocka_unit_test(page_has_a_row_for_each_option_of_a_file),
		cmocka_unit_test(file_sets_what_the_command_line_does_not),
		cmocka_unit_test(empty_mappings_and_aliases_mean_what_they_are),
		cmocka_unit_test(every_change_is_taken_or_needs_a_restart_as_its_row_says),
		cmocka_unit_test(what_is_the_same_is_no_change),
	};

	return cmocka_run_group_tests_name("config_file", tests, NULL, NULL);
}

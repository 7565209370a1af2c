/* SPDX-License-Identifier: MIT */
/*
 * Configuration files: whatever an option takes on the command line it takes in a file, and the
 * other way round; what is no such file is refused by line, key and reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "config_file.h"
#include "file.h"

#define WORDS_MAX 4
#define PAGE      "docs/configuration.md"

/* Some that one option or another takes. */
static const char *const values[] = {
	"/a",     "http://h:1", "a=b",     "660",   "7",  "10s",  "p:warning=6s,critical=40s",
	"info",   "json",       "[::1]:1", "*:1",   "",   "no",   "p:core=false",
	"unix:a", "-1",         "1000000", "a: #b", "~a", "0x10",
};

struct attempt {
	struct config config;
	enum config_result result;
	char path[64], name[80];
	int fd;
};

/* With the text as the file, and some words of the command line, up to NULL. */
static struct attempt *try_bytes(const char *text, size_t bytes, const char *const *words)
{
	struct attempt *attempt = calloc(1, sizeof *attempt);
	char *argv[WORDS_MAX + 3] = {(char[]){"ring-exporter"}, attempt->name};
	int count = 2;

	attempt->fd = memfd_create("config", MFD_CLOEXEC);
	assert_true(attempt->fd >= 0);
	assert_int_equal(write(attempt->fd, text, bytes), bytes);
	snprintf(attempt->path, sizeof attempt->path, "/proc/self/fd/%d", attempt->fd);
	snprintf(attempt->name, sizeof attempt->name, "--config.file=%s", attempt->path);
	for (; *words; words++)
		argv[count++] = (char *)(uintptr_t)*words;
	attempt->result = config_read(&attempt->config, count, argv);
	return attempt;
}

static struct attempt *try_file(const char *text, ...)
{
	const char *words[WORDS_MAX + 1] = {NULL};
	va_list list;

	va_start(list, text);
	for (unsigned i = 0; i < WORDS_MAX && (words[i] = va_arg(list, const char *)); i++) {
	}
	va_end(list);
	return try_bytes(text, strlen(text), words);
}

static void leave(struct attempt *attempt)
{
	if (attempt->result == CONFIG_RUN)
		config_release(&attempt->config);
	close(attempt->fd);
	free(attempt);
}

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
	struct attempt *by_flag = try_file("{}", word, NULL);
	const bool taken = by_flag->result == CONFIG_RUN;
	for (unsigned nested = 0; nested < 2; nested++) {
		spell(text, sizeof text, option, value, nested);
		struct attempt *by_file = try_file(text, NULL);
		if (by_file->result != by_flag->result)
			fail_msg("%sis not like %s: %s: %s", text, word,
				 by_file->config.fault.object, by_file->config.fault.reason);
		if (taken)
			expect_same_settings(&by_flag->config, &by_file->config);
		else
			expect_same_fault(by_flag, by_file);
		leave(by_file);
	}
	leave(by_flag);
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
		struct attempt *attempt = try_file(text, NULL);
		assert_int_equal(attempt->result, CONFIG_WRONG);
		snprintf(said, sizeof said, "%s: belongs on the command line", option->name);
		assert_string_equal(attempt->config.fault.reason, said);
		leave(attempt);
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
		snprintf(row, sizeof row, "\n| `%s` | %s%s%s | %s%s%s | %s |\n", option->name,
			 option->traits & OPTION_REPEATS ? "list of " : "",
			 option->argument ? option->argument : "true",
			 option->argument ? "" : ", false", option->standard ? "`" : "",
			 option->standard ? option->standard : "", option->standard ? "`" : "",
			 help);
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
	struct attempt *attempt = try_file(text, "--log.level=warn",
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
	leave(attempt);
}

static void empty_mappings_and_aliases_mean_what_they_are(void **state)
{
	(void)state;
	struct attempt *attempt = try_file("log:\nweb: {}\n", NULL);
	assert_int_equal(attempt->result, CONFIG_RUN);
	leave(attempt);
	attempt = try_file("alert.label: &l [a=b]\nlog: {level: &i error}\n", NULL);
	assert_int_equal(attempt->result, CONFIG_RUN);
	leave(attempt);
	attempt = try_file("replication: {warning: &t 1m, critical: *t}\n", NULL);
	assert_int_equal(attempt->result, CONFIG_RUN);
	assert_true(attempt->config.monitor.thresholds.critical_seconds == 60);
	leave(attempt);
}

static void expect_fault(const char *text, size_t bytes, const char *fault)
{
	struct attempt *attempt = try_bytes(text, bytes, (const char *const[]){NULL});
	char said[1200];
	const size_t path_bytes = strlen(attempt->path);

	if (attempt->result != CONFIG_WRONG)
		fail_msg("taken: %.100s", text);
	snprintf(said, sizeof said, "%s: %s", attempt->config.fault.object,
		 attempt->config.fault.reason);
	assert_memory_equal(said, attempt->path, path_bytes);
	if (strncmp(said + path_bytes, fault, strlen(fault)) != 0)
		fail_msg("%.100s\nnot %s but %s", text, fault, said + path_bytes);
	leave(attempt);
}

static const struct {
	const char *text, *fault;
} wrong_files[] = {
	{"", ":1: is empty"},
	{"# nothing yet\n", ":1: is empty"},
	{"---\n", ":1: is empty"},
	{"\n\n~\n", ":3: must be a mapping"},
	{"word\n", ":1: must be a mapping"},
	{"- dir: /a\n", ":1: must be a mapping"},
	{"dir: /a\n---\ndir: /b\n", ":3: more than one document"},
	{"dir: /a\n--- ~\n", ":2: more than one document"},
	{"dir: [\n", ":2: did not find expected node content"},
	{"dir: \"a\n", ":2: found unexpected end of stream"},
	{"\tdir: /a\n", ":1: found character that cannot start any token"},
	{"%YAML 9.9\n---\n{}\n", ":1: found incompatible YAML document"},
	{"dir: *a\n", ":1: found undefined alias"},
	{"log: &a {level: *a}\n", ":1: log.level: must be a string"},
	{"web: &a\n  config: *a\n", ":2: web.config.config: unknown key"},
	{"<<: {dir: /a}\n", ":1: <<: unknown key"},
	{"dri:\n  /a\n", ":1: dri: unknown key"},
	{"web:\n  listen-adress: [\":1\"]\n", ":2: web.listen-adress: unknown key"},
	{"web.: {}\n", ":1: web.: unknown key"},
	{"we: {}\n", ":1: we: unknown key"},
	{"'': {dir: /a}\n", ":1: : unknown key"},
	{"~: /a\n", ":1: must have a name"},
	{"? [dir]\n: /a\n", ":1: must be a string"},
	{"LOG: {level: info}\n", ":1: LOG: unknown key"},
	{"--dir: /a\n", ":1: --dir: unknown key"},
	{"log:\n  level: info\n  level: info\n", ":3: level: comes twice"},
	{"log.level: info\nlog:\n  level: info\n", ":3: log.level: comes twice"},
	{"log: debug\n", ":1: log: must be a mapping"},
	{"log: [level, debug]\n", ":1: log: must be a mapping"},
	{"log:\n  level:\n", ":2: log.level: needs a value"},
	{"log:\n  level: ~\n", ":2: log.level: needs a value"},
	{"log:\n  level: [info]\n", ":2: log.level: must be a string"},
	{"log:\n  level: {a: b}\n", ":2: log.level: must be a string"},
	{"log:\n  level: loud\n", ":2: log.level: must be debug"},
	{"log:\n  level: !!binary aW5mbw==\n", ":2: log.level: must not have a tag"},
	{"dir: !!int 1\n", ":1: dir: must not have a tag"},
	{"dir: !path /a\n", ":1: dir: must not have a tag"},
	{"!a {dir: /a}\n", ":1: must not have a tag"},
	{"dir: ''\n", ":1: dir: must not be empty"},
	{"dir: \"a\\0b\"\n", ":1: dir: must not have a NUL"},
	{"web:\n  listen-address: :1\n", ":2: web.listen-address: must be a list"},
	{"web:\n  listen-address:\n", ":2: web.listen-address: needs a value"},
	{"web:\n  listen-address: []\n", ":2: web.listen-address: needs a value"},
	{"web:\n  listen-address:\n    - :1\n    -\n", ":4: web.listen-address: needs a value"},
	{"web:\n  listen-address: [[a]]\n", ":2: web.listen-address: must be a string"},
	{"web.listen-address: [a, b, c]\n", ":1: web.listen-address: "},
	{"web:\n  enable-admin-api: 1\n", ":2: web.enable-admin-api: must be true or false"},
	{"web:\n  enable-admin-api:\n", ":2: web.enable-admin-api: must be true or false"},
	{"web:\n  enable-admin-api: [true]\n", ":2: web.enable-admin-api: must be a string"},
	{"web:\n  max-connections: 64x\n", ":2: web.max-connections: must be a number"},
	{"web:\n  max-connections: 1e3\n", ":2: web.max-connections: must be a number"},
	{"web:\n  max-connections: 99999999999999999999\n",
	 ":2: web.max-connections: must be a number"},
	{"replication:\n  warning: 5\n", ":2: replication.warning: "},
	{"replication:\n\n  critical: 1s\n", ":3: replication.critical: the critical"},
	{"replication:\n  thresholds:\n    - a:critical=4s\n",
	 ":3: replication.thresholds: a: the critical"},
	{"dir: /a\nlog: {level: \xff}\n", ":2: invalid leading UTF-8"},
	{"dir: /a\n\nlog: {level: \xc3(}\n", ":3: invalid trailing UTF-8"},
	{"dir: \xed\xa0\x80\n", ":1: invalid Unicode character"},
	{"dir: a\x01\n", ":1: control characters are not allowed"},
};

static void wrong_files_are_refused_by_line_and_key_and_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrong_files / sizeof *wrong_files; i++)
		expect_fault(wrong_files[i].text, strlen(wrong_files[i].text),
			     wrong_files[i].fault);
	expect_fault("dir: a\0b\n", 9, ":1: control characters are not allowed");
}

/* So many of a word in one text. */
static char *repeat(const char *word, size_t count)
{
	char *text = malloc(strlen(word) * count + 1), *end = text;

	assert_non_null(text);
	*end = '\0';
	while (count-- > 0)
		end = stpcpy(end, word);
	return text;
}

static void sizes_have_an_end(void **state)
{
	static const struct {
		const char *word;
		size_t count;
		const char *fault;
	} files[] = {
		{"# 8 bytes", CONFIG_FILE_BYTES_MAX, ": is too large"},
		{"[", 100000, ":1: is nested too deeply"},
		{"{a: ", 50000, ":1: is nested too deeply"},
		{"- ", 100000, ":1: is nested too deeply"},
		{"x", 100000, ":1: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char *text = repeat(files[i].word, files[i].count);
		expect_fault(text, strlen(text), files[i].fault);
		free(text);
	}
	char *list = repeat(", a:1", 100);
	char text[1000];
	snprintf(text, sizeof text, "web:\n  listen-address: [%s]\n", list + 2);
	expect_fault(text, strlen(text), ":2: web.listen-address: given too often");
	free(list);
}

static void file_that_cannot_be_read_is_named(void **state)
{
	char *const argv[] = {(char[]){"ring-exporter"}, (char[]){"--config.file=/no/such/file"},
			      NULL};
	static struct config config;

	(void)state;
	assert_int_equal(config_read(&config, 2, argv), CONFIG_WRONG);
	assert_string_equal(config.fault.object, "/no/such/file");
	assert_string_equal(config.fault.reason, "No such file or directory");
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
		cmocka_unit_test(wrong_files_are_refused_by_line_and_key_and_reason),
		cmocka_unit_test(sizes_have_an_end),
		cmocka_unit_test(file_that_cannot_be_read_is_named),
	};

	return cmocka_run_group_tests_name("config_file", tests, NULL, NULL);
}

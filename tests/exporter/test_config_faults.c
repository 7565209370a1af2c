/* SPDX-License-Identifier: MIT */
/*
 * What is no configuration file is refused by line, key and reason.
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
#include "config_file.h"

static void expect_fault(const char *text, size_t bytes, const char *fault)
{
	struct attempt *attempt = attempt_bytes(text, bytes, (const char *const[]){NULL});
	char said[1200];
	const size_t path_bytes = strlen(ATTEMPT_PATH);

	if (attempt->result != CONFIG_WRONG)
		fail_msg("taken: %.100s", text);
	snprintf(said, sizeof said, "%s: %s", attempt->config.fault.object,
		 attempt->config.fault.reason);
	assert_memory_equal(said, ATTEMPT_PATH, path_bytes);
	if (strncmp(said + path_bytes, fault, strlen(fault)) != 0)
		fail_msg("%.100s\nnot %s but %s", text, fault, said + path_bytes);
	assert_null(strstr(said, "secret"));
	attempt_end(attempt);
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
	{"alert: {'http://u:secret@h': x}\n", ":1: alert.http: unknown key"},
	{"alert.url: http://u:secret@h\n", ":1: alert.url: must be a list"},
	{"alert.url: [http://u:secret@h/?a]\n", ":1: alert.url: "},
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
		cmocka_unit_test(wrong_files_are_refused_by_line_and_key_and_reason),
		cmocka_unit_test(sizes_have_an_end),
		cmocka_unit_test(file_that_cannot_be_read_is_named),
	};

	return cmocka_run_group_tests_name("config_faults", tests, NULL, NULL);
}

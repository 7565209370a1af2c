/* SPDX-License-Identifier: MIT */
/*
 * The command line, right and wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

#define READ(config, ...) \
	read_words(config, (char *const[]){(char[]){"ring-exporter"}, __VA_ARGS__, NULL})
#define WORD(string) ((char[]){string})

static enum config_result read_words(struct config *config, char *const *words)
{
	int count = 0;

	while (words[count])
		count++;
	return config_read(config, count, words);
}

static void no_words_mean_loopback_and_metrics(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(READ(&config, NULL), CONFIG_RUN);
	assert_null(config.dir);
	assert_int_equal(config.address_count, 1);
	assert_string_equal(config.addresses[0].host, "127.0.0.1");
	assert_string_equal(config.addresses[0].port, "10750");
	assert_string_equal(config.telemetry_path, "/metrics");
	assert_int_equal(config.log_level, LOG_INFO);
	assert_int_equal(config.log_format, LOG_LOGFMT);
	assert_false(config.once);
	assert_false(config.disable_exporter_metrics);
}

static void every_option_is_taken_in_both_spellings(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(READ(&config, WORD("--dir"), WORD("/x"), WORD("--web.telemetry-path=/m"),
			      WORD("--web.disable-exporter-metrics"), WORD("--log.level"),
			      WORD("error"), WORD("--log.format=json"), WORD("--once"),
			      WORD("--web.listen-address=:1"), WORD("--web.listen-address"),
			      WORD("[::1]:0")),
			 CONFIG_RUN);
	assert_string_equal(config.dir, "/x");
	assert_string_equal(config.telemetry_path, "/m");
	assert_true(config.disable_exporter_metrics && config.once);
	assert_int_equal(config.log_level, LOG_ERROR);
	assert_int_equal(config.log_format, LOG_JSON);
	assert_int_equal(config.address_count, 2);
	assert_string_equal(config.addresses[0].host, "");
	assert_string_equal(config.addresses[0].port, "1");
	assert_string_equal(config.addresses[1].host, "::1");
	assert_string_equal(config.addresses[1].port, "0");
}

static void wrong_words_are_refused(void **state)
{
	static const char *const words[] = {
		"--no-such",
		"--dir",
		"--dir=",
		"stray",
		"--once=1",
		"--log.level=loud",
		"-x",
		"--log.format=xml",
		"--web.telemetry-path=metrics",
		"--web.",
		"--web.telemetry-path=/",
		"--web.telemetry-path=/-/ready",
	};
	struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		char word[64];
		strcpy(word, words[i]);
		if (READ(&config, word) != CONFIG_WRONG)
			fail_msg("%s was taken", words[i]);
	}
}

static void wrong_addresses_are_refused(void **state)
{
	static const char *const addresses[] = {
		"",       "localhost", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536",  "1.2.3.4:-1",
		"::1:80", "[::1]",     "[::1:80",  "[]:80",     "1.2.3.4:123456", "::1]:80",
	};
	struct address address;

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
		if (!address_parse(addresses[i], &address))
			fail_msg("%s was taken", addresses[i]);
}

static void too_many_addresses_are_refused(void **state)
{
	struct config config;

	(void)state;
	char address[] = "--web.listen-address=:1";
	assert_int_equal(READ(&config, address, address, address, address, address, address,
			      address, address),
			 CONFIG_RUN);
	assert_int_equal(config.address_count, CONFIG_ADDRESSES_MAX);
	assert_int_equal(READ(&config, address, address, address, address, address, address,
			      address, address, address),
			 CONFIG_WRONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_words_mean_loopback_and_metrics),
		cmocka_unit_test(every_option_is_taken_in_both_spellings),
		cmocka_unit_test(wrong_words_are_refused),
		cmocka_unit_test(wrong_addresses_are_refused),
		cmocka_unit_test(too_many_addresses_are_refused),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}

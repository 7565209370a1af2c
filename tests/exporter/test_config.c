/* SPDX-License-Identifier: MIT */
/*
 * The command line, right and wrong. Files are in test_config_file.c and test_config_faults.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

#define READ(config, ...) \
	read_words(config, (char *const[]){(char[]){"ring-exporter"}, __VA_ARGS__, NULL})
#define S            UINT64_C(1000000000)
#define WORD(string) ((char[]){string})

static enum config_result read_words(struct config *config, char *const *words)
{
	int count = 0;

	while (words[count])
		count++;
	const enum config_result result = config_read(config, count, words);
	if (result == CONFIG_WRONG)
		log_failure(config->fault.object, config->fault.reason);
	return result;
}

static int kept[2], captured;

/* What goes to stdout and stderr from here on is what capture_end returns. */
static void capture_begin(void)
{
	fflush(stdout);
	captured = memfd_create("said", 0);
	assert_true(captured >= 0);
	for (int i = 0; i < 2; i++) {
		kept[i] = dup(STDOUT_FILENO + i);
		assert_true(kept[i] >= 0 && dup2(captured, STDOUT_FILENO + i) >= 0);
	}
}

static void capture_end(char *said, size_t bytes)
{
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		dup2(kept[i], STDOUT_FILENO + i);
		close(kept[i]);
	}
	const ssize_t got = pread(captured, said, bytes - 1, 0);
	close(captured);
	assert_true(got >= 0);
	said[got] = '\0';
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

static void defaults_are_those_of_the_monitor(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(READ(&config, NULL), CONFIG_RUN);
	const struct monitor_config *monitor = &config.monitor;
	assert_true(monitor->thresholds.warning_seconds ==
		    monitor_defaults.thresholds.warning_seconds);
	assert_true(monitor->thresholds.critical_seconds ==
		    monitor_defaults.thresholds.critical_seconds);
	assert_int_equal(monitor->retention_ns, monitor_defaults.retention_ns);
	assert_int_equal(monitor->cooldown_ns, monitor_defaults.cooldown_ns);
	assert_int_equal(monitor->breach_count_min, monitor_defaults.breach_count_min);
	assert_true(monitor->predicts && !monitor->spares_catch_up);
	assert_int_equal(monitor->override_count, 0);
	assert_int_equal(config.notify.url_count, 0);
	assert_int_equal(config.notify.label_count, 0);
	assert_int_equal(config.notify.resend_ns, 60 * S);
	assert_null(config.notify.external_url);
	assert_false(config.admin_api || config.may_be_unreachable);
	assert_int_equal(config.limits.connections_max, 128);
	assert_int_equal(config.limits.rate, 0);
}

static void every_option_is_taken(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(READ(&config, WORD("--dir"), WORD("/x"), WORD("--web.telemetry-path=/m"),
			      WORD("--web.disable-exporter-metrics"), WORD("--log.level"),
			      WORD("error"), WORD("--log.format=json"), WORD("--once"),
			      WORD("--web.listen-address=:1"), WORD("--web.listen-address"),
			      WORD("[::1]:0"), WORD("--web.max-connections=1024"),
			      WORD("--web.rate-limit"), WORD("7")),
			 CONFIG_RUN);
	assert_int_equal(config.limits.connections_max, 1024);
	assert_int_equal(config.limits.rate, 7);
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

static void other_ways_out_are_taken(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(READ(&config, WORD("--web.profile-address=127.0.0.1:7"),
			      WORD("--web.listen-address=none"), WORD("--textfile"), WORD("/x"),
			      WORD("--textfile-interval=1m")),
			 CONFIG_RUN);
	assert_string_equal(config.profile_address.port, "7");
	assert_int_equal(config.address_count, 0);
	assert_string_equal(config.textfile_dir, "/x");
	assert_int_equal(config.textfile_interval_ns, UINT64_C(60000000000));
	assert_int_equal(READ(&config, NULL), CONFIG_RUN);
	assert_null(config.profile_address.text);
	assert_null(config.textfile_dir);
	assert_int_equal(config.textfile_interval_ns, UINT64_C(15000000000));
}

static void every_option_of_replication_is_taken(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(
		READ(&config, WORD("--replication.warning=1m"),
		     WORD("--replication.critical=2m30s"),
		     WORD("--replication.thresholds=a/*:warning=1s"),
		     WORD("--replication.retention=1d"), WORD("--replication.cooldown=7ms"),
		     WORD("--replication.breaches=999999"), WORD("--replication.spare-catch-up"),
		     WORD("--replication.no-prediction"), WORD("--web.enable-admin-api"),
		     WORD("--web.external-url=https://h/@x/")),
		CONFIG_RUN);
	const struct monitor_config *monitor = &config.monitor;
	assert_true(monitor->thresholds.warning_seconds == 60);
	assert_true(monitor->thresholds.critical_seconds == 150);
	assert_int_equal(monitor->override_count, 1);
	assert_ptr_equal(monitor->overrides, config.overrides);
	assert_string_equal(config.overrides[0].pattern, "a/*");
	assert_int_equal(monitor->retention_ns, 86400 * S);
	assert_int_equal(monitor->cooldown_ns, S / 1000 * 7);
	assert_int_equal(monitor->breach_count_min, 999999);
	assert_true(monitor->spares_catch_up && !monitor->predicts);
	assert_true(config.admin_api && !config.may_be_unreachable && !config.once);
	assert_string_equal(config.notify.external_url, "https://h/@x/");
}

static void every_option_of_alerts_is_taken(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(READ(&config, WORD("--alert.url=http://u:p@h"), WORD("--alert.url"),
			      WORD("https://[::1]:9093/x/"), WORD("--alert.label=a=b=c"),
			      WORD("--alert.resend=1d"), WORD("--alert.allow-unreachable")),
			 CONFIG_RUN);
	assert_int_equal(config.notify.url_count, 2);
	assert_string_equal(config.notify.urls[0], "http://u:p@h");
	assert_string_equal(config.notify.urls[1], "https://[::1]:9093/x/");
	assert_int_equal(config.notify.label_count, 1);
	assert_string_equal(config.notify.labels[0].name, "a");
	assert_string_equal(config.notify.labels[0].value, "b=c");
	assert_int_equal(config.notify.resend_ns, 86400 * S);
	assert_true(config.may_be_unreachable && !config.admin_api);
	assert_int_equal(READ(&config, WORD("--alert.resend=1s")), CONFIG_RUN);
	assert_int_equal(config.notify.resend_ns, S);
}

static void thresholds_may_come_in_any_order(void **state)
{
	struct config config;
	char low[] = "--replication.warning=1s", high[] = "--replication.critical=2s";
	char higher[] = "--replication.warning=1h", highest[] = "--replication.critical=1h";

	(void)state;
	assert_int_equal(READ(&config, high, low), CONFIG_RUN);
	assert_int_equal(READ(&config, low, high), CONFIG_RUN);
	assert_int_equal(READ(&config, higher, highest), CONFIG_RUN);
	assert_int_equal(READ(&config, highest, higher), CONFIG_RUN);
	assert_int_equal(READ(&config, higher, high), CONFIG_WRONG);
	assert_int_equal(READ(&config, high, higher), CONFIG_WRONG);
}

static void overrides_take_from_all_what_they_leave_open(void **state)
{
	struct config config;
	char half[] = "--replication.thresholds=a:warning=1m", low[] = "--replication.critical=59s";
	char high[] = "--replication.critical=60s";

	(void)state;
	assert_int_equal(READ(&config, half, high), CONFIG_RUN);
	assert_true(config.overrides[0].thresholds.critical_seconds == 60);
	assert_int_equal(READ(&config, high, half), CONFIG_RUN);
	assert_true(config.overrides[0].thresholds.warning_seconds == 60);
	assert_int_equal(READ(&config, low, half), CONFIG_WRONG);
	assert_int_equal(READ(&config, half, low), CONFIG_WRONG);
}

/* Demands that the word is refused in one line, which names `object` and does not have `never`. */
static void refuse(const char *given, const char *object, const char *never)
{
	struct config config;
	char word[4096], said[4096];

	snprintf(word, sizeof word, "%s", given);
	capture_begin();
	const enum config_result result = READ(&config, word);
	capture_end(said, sizeof said);
	if (result != CONFIG_WRONG)
		fail_msg("%s was taken", given);
	if (strncmp(said, "ring-exporter: ", 15) != 0 ||
	    strchr(said, '\n') != said + strlen(said) - 1)
		fail_msg("%s: not one line: %s", given, said);
	if (strncmp(said + 15, object, strlen(object)) != 0 ||
	    strncmp(said + 15 + strlen(object), ": ", 2) != 0)
		fail_msg("%s: does not name %s: %s", given, object, said);
	if (never && strstr(said, never))
		fail_msg("%s: said %s", given, said);
}

/* And whom the refusal names. */
static const char *const wrong_words[][2] = {
	{"--no-such", "--no-such"},
	{"--dir", "--dir"},
	{"--dir=", "--dir"},
	{"stray", "stray"},
	{"--once=1", "--once"},
	{"-x", "-x"},
	{"-xh", "-x"},
	{"--web.", "--web."},
	{"--web.telemetry-path=metrics", "--web.telemetry-path"},
	{"--web.telemetry-path=", "--web.telemetry-path"},
	{"--web.telemetry-path=/", "--web.telemetry-path"},
	{"--web.telemetry-path=/-/ready", "--web.telemetry-path"},
	{"--web.telemetry-path=/replication", "--web.telemetry-path"},
	{"--web.telemetry-path=/sd", "--web.telemetry-path"},
	{"--web.telemetry-path=/a?b", "--web.telemetry-path"},
	{"--web.telemetry-path=/a\nb", "--web.telemetry-path"},
	{"--web.telemetry-path=/a\\b", "--web.telemetry-path"},
	{"--web.disable-exporter-metrics=no", "--web.disable-exporter-metrics"},
	{"--web.enable-admin-api=no", "--web.enable-admin-api"},
	{"--web.external-url=", "--web.external-url"},
	{"--web.external-url=h:9093", "--web.external-url"},
	{"--web.external-url=http://h/?a=b", "--web.external-url"},
	{"--replication.critical=4s", "--replication.critical"},
	{"--replication.warning=31s", "--replication.critical"},
	{"--replication.thresholds=a:critical=4s", "--replication.thresholds"},
	{"--replication.thresholds=a", "--replication.thresholds"},
	{"--onc", "--onc"},
	{"--replication.crit=1s", "--replication.crit"},
	{"--alert.u=http://h", "--alert.u"},
	{"--web.max-connections=0", "--web.max-connections"},
	{"--web.max-connections=1025", "--web.max-connections"},
	{"--web.max-connections=1x", "--web.max-connections"},
	{"--web.rate-limit=0", "--web.rate-limit"},
	{"--web.config.file=", "--web.config.file"},
	{"--web.token-file=", "--web.token-file"},
	{"--web.socket-mode=999", "--web.socket-mode"},
	{"--web.rate-limit=", "--web.rate-limit"},
	{"--web.rate-limit=1000000", "--web.rate-limit"},
	{"--replication.breaches=", "--replication.breaches"},
	{"--replication.breaches=0", "--replication.breaches"},
	{"--replication.breaches=000000", "--replication.breaches"},
	{"--replication.breaches=-1", "--replication.breaches"},
	{"--replication.breaches=+1", "--replication.breaches"},
	{"--replication.breaches=1.5", "--replication.breaches"},
	{"--replication.breaches=3x", "--replication.breaches"},
	{"--replication.breaches=1000000", "--replication.breaches"},
	{"--replication.breaches=4294967297", "--replication.breaches"},
	{"--replication.spare-catch-up=1", "--replication.spare-catch-up"},
	{"--replication.no-prediction=1", "--replication.no-prediction"},
	{"--alert.resend=999ms", "--alert.resend"},
	{"--alert.resend=1d1ms", "--alert.resend"},
	{"--alert.resend=146y", "--alert.resend"},
	{"--alert.label=", "--alert.label"},
	{"--alert.label=a", "--alert.label"},
	{"--alert.label=a=", "--alert.label"},
	{"--alert.label==b", "--alert.label"},
	{"--alert.label=9a=b", "--alert.label"},
	{"--alert.label=a-b=c", "--alert.label"},
	{"--alert.label=alertname=b", "--alert.label"},
	{"--alert.label=follower=b", "--alert.label"},
	{"--alert.label=severity=b", "--alert.label"},
	{"--alert.allow-unreachable=1", "--alert.allow-unreachable"},
	{"--log.level=loud", "--log.level"},
	{"--log.level=", "--log.level"},
	{"--log.format=xml", "--log.format"},
	{"--version=1", "--version"},
};

static void wrong_words_are_refused_by_name(void **state)
{

	(void)state;
	for (size_t i = 0; i < sizeof wrong_words / sizeof wrong_words[0]; i++)
		refuse(wrong_words[i][0], wrong_words[i][1], NULL);
}

static void every_duration_is_one_and_more_than_nothing(void **state)
{
	static const char *const flags[] = {
		"--replication.warning",  "--replication.critical", "--replication.retention",
		"--replication.cooldown", "--alert.resend",         "--textfile-interval",
	};
	static const char *const wrongs[] = {"", "0s", "-5s", "5", "300y", "soon", "0.5s"};
	char word[64];

	(void)state;
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		for (size_t j = 0; j < sizeof wrongs / sizeof wrongs[0]; j++) {
			snprintf(word, sizeof word, "%s=%s", flags[i], wrongs[j]);
			refuse(word, flags[i], NULL);
		}
	}
}

static void password_in_a_url_is_not_repeated(void **state)
{
	static const char *const words[][2] = {
		{"--alert.url=http://u:secret@h:x", "--alert.url"},
		{"--alert.url=http://u:secret@", "--alert.url"},
		{"--alert.url=http://u:secret@h/?a", "--alert.url"},
		{"--alert.url=u:secret@h", "--alert.url"},
		{"--alert.url=http://u:sec/secret@h", "--alert.url"},
		{"--alert.ulr=http://u:secret@h", "--alert.ulr"},
		{"--alert.ulr:http://u:secret@h", "--alert.ulr"},
		{"--once=http://u:secret@h", "--once"},
		{"http://u:secret@h", "http"},
		{"--web.external-url=http://u:secret@h", "--web.external-url"},
		{"--web.external-url=http://secret@h/x", "--web.external-url"},
		{"--log.level=http://u:secret@h", "--log.level"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		refuse(words[i][0], words[i][1], "secret");
}

static void foreign_bytes_stay_in_one_line(void **state)
{
	(void)state;
	refuse("--no\nx", "--no?x", "\033");
	refuse("str\x1b[31may", "str?[31may", "\033");
}

static void wrong_addresses_are_refused(void **state)
{
	static const char *const addresses[] = {
		"",       "localhost", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536",  "1.2.3.4:-1",
		"::1:80", "[::1]",     "[::1:80",  "[]:80",     "1.2.3.4:123456", "::1]:80",
		"unix:",  "unix:a",    "unix",     "unix:@a",
	};
	struct address address;

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
		if (!address_parse(addresses[i], &address))
			fail_msg("%s was taken", addresses[i]);
}

static void labels_are_taken_once_each(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(READ(&config, WORD("--alert.label=a=b"), WORD("--alert.label=A=b")),
			 CONFIG_RUN);
	assert_int_equal(READ(&config, WORD("--alert.label=a=b"), WORD("--alert.label=a=c")),
			 CONFIG_WRONG);
}

static void longest_label_name_is_taken_and_no_longer_one(void **state)
{
	char word[RING_LABEL_KEY_MAX + 32] = "--alert.label=";
	const size_t start = strlen(word);
	struct config config;

	(void)state;
	memset(word + start, 'x', RING_LABEL_KEY_MAX);
	strcpy(word + start + RING_LABEL_KEY_MAX, "=v");
	assert_int_equal(READ(&config, word), CONFIG_RUN);
	assert_int_equal(strlen(config.notify.labels[0].name), RING_LABEL_KEY_MAX);
	strcpy(word + start + RING_LABEL_KEY_MAX, "x=v");
	assert_int_equal(READ(&config, word), CONFIG_WRONG);
}

/* Words made of the format, which takes a number, so many as there are allowed; one more is
 * refused. */
static void expect_at_most(unsigned count, const char *format)
{
	static char words[80][64];
	char *argv[82] = {words[0]};
	struct config config;

	assert_true(count + 1 < sizeof words / sizeof words[0]);
	for (unsigned i = 1; i <= count + 1; i++) {
		snprintf(words[i], sizeof words[i], format, i);
		argv[i] = words[i];
	}
	assert_int_equal(config_read(&config, (int)count + 2, argv), CONFIG_WRONG);
	argv[count + 1] = NULL;
	assert_int_equal(config_read(&config, (int)count + 1, argv), CONFIG_RUN);
}

static void lists_have_an_end(void **state)
{
	(void)state;
	expect_at_most(8, "--web.listen-address=:%u");
	expect_at_most(8, "--alert.url=http://h:%u");
	expect_at_most(16, "--alert.label=l%u=v");
	expect_at_most(64, "--replication.thresholds=%u:warning=1s");
}

static void help_is_in_columns_and_says_the_defaults(void **state)
{
	struct config config;
	char said[8192], *rest = said, *line;
	unsigned lines = 0;

	(void)state;
	capture_begin();
	assert_int_equal(READ(&config, WORD("--help")), CONFIG_EXIT);
	capture_end(said, sizeof said);
	assert_non_null(strstr(said, " [127.0.0.1:10750]\n"));
	assert_non_null(strstr(said, " [5s]\n"));
	while ((line = strsep(&rest, "\n")) && rest) {
		assert_true(strlen(line) <= 100);
		if (++lines <= 3)
			continue;
		/* A long option has a line of its own. */
		if (strncmp(line, "  --", 4) == 0 && !strchr(line + 4, ' '))
			continue;
		if (strlen(line) < 37 || line[35] != ' ' || line[36] == ' ')
			fail_msg("not in columns: %s", line);
	}
	assert_true(lines > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_words_mean_loopback_and_metrics),
		cmocka_unit_test(every_option_is_taken),
		cmocka_unit_test(other_ways_out_are_taken),
		cmocka_unit_test(every_option_of_replication_is_taken),
		cmocka_unit_test(every_option_of_alerts_is_taken),
		cmocka_unit_test(defaults_are_those_of_the_monitor),
		cmocka_unit_test(thresholds_may_come_in_any_order),
		cmocka_unit_test(overrides_take_from_all_what_they_leave_open),
		cmocka_unit_test(wrong_words_are_refused_by_name),
		cmocka_unit_test(every_duration_is_one_and_more_than_nothing),
		cmocka_unit_test(password_in_a_url_is_not_repeated),
		cmocka_unit_test(foreign_bytes_stay_in_one_line),
		cmocka_unit_test(labels_are_taken_once_each),
		cmocka_unit_test(longest_label_name_is_taken_and_no_longer_one),
		cmocka_unit_test(wrong_addresses_are_refused),
		cmocka_unit_test(lists_have_an_end),
		cmocka_unit_test(help_is_in_columns_and_says_the_defaults),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}

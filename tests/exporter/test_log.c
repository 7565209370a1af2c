/* SPDX-License-Identifier: MIT */
/*
 * What the log says, and how often: real lines on a stderr that is a file.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/log.h"
#include "base/log_limit.h"

#define SECOND UINT64_C(1000000000)

struct scene {
	int stderr_fd, file;
	char text[1u << 18];
};

static int make(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	scene->stderr_fd = dup(STDERR_FILENO);
	scene->file = memfd_create("stderr", 0);
	fcntl(scene->file, F_SETFL, O_APPEND);
	dup2(scene->file, STDERR_FILENO);
	log_init(LOG_INFO, LOG_LOGFMT);
	*state = scene;
	return 0;
}

static int unmake(void **state)
{
	struct scene *scene = *state;

	dup2(scene->stderr_fd, STDERR_FILENO);
	close(scene->stderr_fd);
	close(scene->file);
	free(scene);
	return 0;
}

/* All that has been said. */
static const char *said(struct scene *scene)
{
	const ssize_t bytes = pread(scene->file, scene->text, sizeof scene->text - 1, 0);

	assert_in_range(bytes, 0, sizeof scene->text - 2);
	scene->text[bytes] = '\0';
	return scene->text;
}

static unsigned line_count(struct scene *scene)
{
	unsigned count = 0;

	for (const char *line = said(scene); (line = strchr(line, '\n')); line++)
		count++;
	return count;
}

static void line_has_its_level_event_and_pairs(void **state)
{
	struct scene *scene = *state;

	log_event(LOG_WARN, "of logfmt", "key", "a \"b\"\n\x1b[31mc", "empty", "", NULL);
	log_event(LOG_DEBUG, "below the level", NULL);
	said(scene);
	assert_memory_equal(scene->text, "ts=\"20", 6);
	assert_string_equal(strstr(scene->text, " level"),
			    " level=\"warn\" msg=\"of logfmt\" "
			    "key=\"a \\\"b\\\"\\u000a\\u001b[31mc\" empty=\"\"\n");
	log_failure("object", "reason\n");
	assert_non_null(strstr(said(scene), "\nring-exporter: object: reason?\n"));
}

static void line_of_json_is_an_object(void **state)
{
	struct scene *scene = *state;

	log_init(LOG_INFO, LOG_JSON);
	log_event(LOG_ERROR, "of JSON", "key", "\x01\xff\"", NULL);
	json_t *json = json_loads(said(scene), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "level")), "error");
	assert_string_equal(json_string_value(json_object_get(json, "msg")), "of JSON");
	assert_string_equal(json_string_value(json_object_get(json, "key")), "\x01\xef\xbf\xbd\"");
	json_decref(json);
}

/* Whoever asks for something long is not left out for it. */
static void long_values_are_cut_and_no_line_is_lost(void **state)
{
	static char value[4 * LOG_VALUE_BYTES_MAX];
	struct scene *scene = *state;

	for (size_t bytes = LOG_VALUE_BYTES_MAX - 1; bytes <= LOG_VALUE_BYTES_MAX + 1; bytes++) {
		memset(value, 0, sizeof value);
		memset(value, 'x', bytes);
		log_event(LOG_INFO, "long", "key", value, NULL);
		const char *shown = strrchr(said(scene), '=') + 2;
		assert_int_equal(strspn(shown, "x"),
				 bytes < LOG_VALUE_BYTES_MAX ? bytes : LOG_VALUE_BYTES_MAX);
		assert_string_equal(shown + strspn(shown, "x"),
				    bytes > LOG_VALUE_BYTES_MAX ? "...\"\n" : "\"\n");
	}
	assert_int_equal(line_count(scene), 3);
	memset(value, 1, sizeof value - 1);
	log_event(LOG_INFO, "of two that are escaped", "a", value, "b", value, NULL);
	assert_int_equal(line_count(scene), 4);
}

static void journal_gets_priorities_and_nobody_else(void **state)
{
	struct scene *scene = *state;
	struct stat status;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev,
		 (uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init(LOG_DEBUG, LOG_LOGFMT);
	log_event(LOG_DEBUG, "to the journal", NULL);
	log_event(LOG_INFO, "to the journal", NULL);
	log_event(LOG_WARN, "to the journal", NULL);
	log_event(LOG_ERROR, "to the journal", NULL);
	log_failure("object", "reason");
	said(scene);
	assert_memory_equal(scene->text, "<7>ts=", 6);
	assert_non_null(strstr(scene->text, "\n<6>ts="));
	assert_non_null(strstr(scene->text, "\n<4>ts="));
	assert_non_null(strstr(scene->text, "\n<3>ts="));
	assert_non_null(strstr(scene->text, "\n<3>ring-exporter: object: reason\n"));
	assert_int_equal(ftruncate(scene->file, 0), 0);
	setenv("JOURNAL_STREAM", "1:2", 1); /* another one's */
	log_init(LOG_INFO, LOG_LOGFMT);
	log_event(LOG_INFO, "to a file", NULL);
	assert_memory_equal(said(scene), "ts=", 3);
	unsetenv("JOURNAL_STREAM");
}

static void flood_is_cut_and_counted_and_others_are_heard(void **state)
{
	struct scene *scene = *state;
	const uint64_t before = log_suppressed_count();

	for (unsigned i = 0; i < 10000; i++)
		log_event(LOG_WARN, "flood", NULL);
	log_event(LOG_WARN, "something else", NULL);
	const unsigned lines = line_count(scene);
	/* More only if it takes seconds. */
	assert_in_range(lines, LOG_LINES_AT_ONCE + 1, LOG_LINES_AT_ONCE + 20);
	assert_non_null(strstr(scene->text, "something else"));
	assert_int_equal(log_suppressed_count() - before, 10000 + 1 - lines);
}

static void next_line_says_how_many_were_suppressed(void **state)
{
	struct log_limit limit = {.kind_count = 0};
	uint64_t suppressed = 9;

	(void)state;
	for (unsigned i = 0; i < LOG_LINES_AT_ONCE; i++) {
		assert_true(log_limit_admit(&limit, "a", 1, 5, &suppressed));
		assert_int_equal(suppressed, 0);
	}
	for (unsigned i = 0; i < 7; i++)
		assert_false(log_limit_admit(&limit, "a", 1, 5 + SECOND / 2, &suppressed));
	assert_true(log_limit_admit(&limit, "b", 1, 5 + SECOND / 2, &suppressed));
	assert_int_equal(suppressed, 0);
	assert_true(log_limit_admit(&limit, "a", 1, 5 + SECOND, &suppressed));
	assert_int_equal(suppressed, 7);
	assert_false(log_limit_admit(&limit, "a", 1, 5 + SECOND, &suppressed));
	/* Whatever the pause, no more at once than at the beginning. */
	for (unsigned i = 0; i < LOG_LINES_AT_ONCE; i++) {
		assert_true(log_limit_admit(&limit, "a", 1, 1000 * SECOND, &suppressed));
		assert_int_equal(suppressed, i == 0);
	}
	assert_false(log_limit_admit(&limit, "a", 1, 1000 * SECOND, &suppressed));
	assert_int_equal(limit.suppressed, 9);
}

static void kinds_without_end_are_limited_together(void **state)
{
	static char events[1000][8];
	struct log_limit limit = {.kind_count = 0};
	unsigned admitted = 0;
	uint64_t suppressed;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(events[i], sizeof events[i], "%u", i);
		admitted += log_limit_admit(&limit, events[i], 1, 5, &suppressed);
	}
	assert_int_equal(admitted, LOG_KINDS_MAX - 1 + LOG_LINES_AT_ONCE);
}

/* Shouts what the others do. */
static void *shout(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < 1000; i++)
		log_event(LOG_WARN, "from several threads", "all", "of it", NULL);
	return NULL;
}

static void lines_of_threads_do_not_mix_and_all_are_counted(void **state)
{
	struct scene *scene = *state;
	const uint64_t before = log_suppressed_count();
	pthread_t threads[4];

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, shout, NULL), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	const unsigned lines = line_count(scene);
	assert_int_equal(log_suppressed_count() - before, 4 * 1000 - lines);
	for (const char *line = scene->text; *line; line = strchr(line, '\n') + 1) {
		const char *end = strchr(line, '\n');
		assert_memory_equal(line, "ts=\"", 4);
		assert_memory_equal(end - 1, "\"", 1);
		assert_ptr_equal(strstr(line, "all=\"of it\"") < end ? end : NULL, end);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(line_has_its_level_event_and_pairs),
		TEST(line_of_json_is_an_object),
		TEST(long_values_are_cut_and_no_line_is_lost),
		TEST(journal_gets_priorities_and_nobody_else),
		TEST(flood_is_cut_and_counted_and_others_are_heard),
		cmocka_unit_test(next_line_says_how_many_were_suppressed),
		cmocka_unit_test(kinds_without_end_are_limited_together),
		TEST(lines_of_threads_do_not_mix_and_all_are_counted),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Which URLs are refused, how the others are shown, and that none is asked for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/notify.h"

static void malformed_urls_are_faults(void **state)
{
	static const char *const malformed[] = {
		"",
		"h",
		"h:9093",
		"//h",
		"localhost:9093",
		"http",
		"http:",
		"http:/h",
		"http:h",
		"http://",
		"http:///x",
		"https:///",
		"ftp://h",
		"file:///etc/passwd",
		"unix:///x",
		"http://h:0",
		"http://h:65536",
		"http://h:x",
		"http://h:-1",
		"http://[::1",
		"http://[::g]",
		"http://a b",
		"http://h/a b",
		"http://h/\n",
		"http://h/\x7f",
		"http://h/\xff",
		" http://h",
		"http://h?",
		"http://h/?x=y",
		"http://h/#x",
		"http://h%20x",
		"http://{h}",
		"http://:9093",
		"http://u:p@",
	};

	(void)state;
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
		if (!notify_url_fault(malformed[i]))
			fail_msg("\"%s\" has no fault", malformed[i]);
}

static void url_that_is_too_long_is_a_fault(void **state)
{
	char url[4096] = "http://h/";

	(void)state;
	memset(url + 9, 'x', 2048 - 9);
	url[2048] = '\0';
	assert_null(notify_url_fault(url));
	url[2048] = 'x';
	assert_non_null(notify_url_fault(url));
}

static int create(struct notify **notify, struct watch *watch, const char *url, const char *other)
{
	const struct notify_options options = {
		.urls = {url, other}, .url_count = other ? 2 : 1, .resend_ns = 1000000000};

	return notify_create(notify, &options, watch);
}

static void urls_are_shown_without_secrets_and_slashes(void **state)
{
	static const char *const urls[][2] = {
		{"http://h:9093", "http://h:9093"},
		{"HTTP://h:9093///", "http://h:9093"},
		{"https://u:p@h/am/", "https://h/am"},
		{"http://u@[::1]:80/am", "http://[::1]:80/am"},
		{"http://u:p%40q@127.0.0.1", "http://127.0.0.1"},
	};
	struct watch watch = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct notify *notify;

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		assert_null(notify_url_fault(urls[i][0]));
		assert_int_equal(create(&notify, &watch, urls[i][0], NULL), 0);
		assert_string_equal(notify_url_shown(notify, 0), urls[i][1]);
		notify_destroy(notify);
	}
}

static void faulty_or_equal_urls_make_no_notifier(void **state)
{
	struct watch watch = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct notify *notify;

	(void)state;
	assert_int_equal(create(&notify, &watch, "http://h", "http://h:x"), -EINVAL);
	assert_int_equal(create(&notify, &watch, "http://h/", "http://u:p@h"), -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_urls_are_faults),
		cmocka_unit_test(url_that_is_too_long_is_a_fault),
		cmocka_unit_test(urls_are_shown_without_secrets_and_slashes),
		cmocka_unit_test(faulty_or_equal_urls_make_no_notifier),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Targets of requests. What a whole header is refused for is in requests_e2e.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "http/request.h"

static void path_of_an_absolute_url_is_what_follows_its_host(void **state)
{
	static const char *const cases[][2] = {
		{"/metrics", "/metrics"},
		{"//a/b", "//a/b"},
		{"http://host/metrics", "/metrics"},
		{"HTTPS://[::1]:80/a/b", "/a/b"},
		{"http://host", "/"},
		{"http://host/", "/"},
		{"/http://host/a", "/http://host/a"},
		{"*", "*"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(request_path(cases[i][0]), cases[i][1]);
}

/* Of targets made of what matters: one that is sound names a path, an authority or everything, and
 * has nothing in it that ends a string or a line, or could be read otherwise. */
static void sound_targets_are_unambiguous(void **state)
{
	static const char *const parts[] = {
		"/",    "http://", "https://", "host", ":80", "[::1]", "%41", "%00",
		"%",    "%4",      "%zz",      "#",    "?",   " ",     "\t",  "\r",
		"\x01", "\x7f",    "\xff",     "@",    "\\",  "*",     "a=b", "&",
	};
	uint64_t dice = dice_seed();
	unsigned sound_count = 0;

	(void)state;
	for (unsigned i = 0; i < 1000000; i++) {
		char target[128] = "";
		for (uint64_t left = dice_roll(&dice) % 6; left > 0; left--)
			strcat(target, parts[dice_roll(&dice) % (sizeof parts / sizeof *parts)]);
		if (!request_target_is_sound(target))
			continue;
		sound_count++;
		assert_int_equal(strcspn(target, "# \t\r\x01\x7f\xff"), strlen(target));
		assert_null(strstr(target, "%00"));
		assert_null(strstr(target, "%z"));
		target[strcspn(target, "?")] = '\0'; /* the library takes the query off */
		const char *path = request_path(target);
		assert_true(*path == '/' || (path == target && !strpbrk(target, "/?%\\@")));
		if (path == target)
			continue;
		char *host = strstr(target, "//") + 2; /* nothing else is left out */
		host[strcspn(host, "/")] = '\0';
		assert_true(*host && !strpbrk(host, "@%\\"));
	}
	assert_true(sound_count > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_of_an_absolute_url_is_what_follows_its_host),
		cmocka_unit_test(sound_targets_are_unambiguous),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The Authorization field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/authorization.h"
#include "dice.h"

static uint64_t dice;

static size_t below(size_t end)
{
	return (size_t)(dice_roll(&dice) % end);
}

static void schemes_are_known_in_any_case(void **state)
{
	static const struct {
		const char *field;
		enum authorization_scheme scheme;
		const char *credential;
	} cases[] = {
		{"Bearer abc", AUTHORIZATION_BEARER, "abc"},
		{"bEARER abc", AUTHORIZATION_BEARER, "abc"},
		{"Bearer   abc  ", AUTHORIZATION_BEARER, "abc"},
		{"Bearer\tabc\t", AUTHORIZATION_BEARER, "abc"},
		{"Bearer a b", AUTHORIZATION_BEARER, "a b"},
		{"Basic abc", AUTHORIZATION_BASIC, "abc"},
		{"BASIC abc", AUTHORIZATION_BASIC, "abc"},
		{"Bearer", AUTHORIZATION_OTHER, ""},
		{"Bearer ", AUTHORIZATION_OTHER, ""},
		{"Basic", AUTHORIZATION_OTHER, ""},
		{"Bearerabc", AUTHORIZATION_OTHER, ""},
		{"Bear abc", AUTHORIZATION_OTHER, "abc"},
		{"Bearer: abc", AUTHORIZATION_OTHER, "abc"},
		{"Bearer,Basic abc", AUTHORIZATION_OTHER, "abc"},
		{" Bearer abc", AUTHORIZATION_OTHER, "Bearer abc"},
		{"", AUTHORIZATION_OTHER, ""},
		{"   ", AUTHORIZATION_OTHER, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct authorization found = authorization_parse(cases[i].field);
		if (found.scheme != cases[i].scheme || found.bytes != strlen(cases[i].credential) ||
		    memcmp(found.credential, cases[i].credential, found.bytes) != 0)
			fail_msg("%s", cases[i].field);
	}
	assert_int_equal(authorization_parse(NULL).scheme, AUTHORIZATION_OTHER);
}

static void login_is_split_at_the_first_colon(void **state)
{
	static const struct {
		const char *field, *name, *password; /* NULL: none */
	} cases[] = {
		{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"}, /* RFC 7617 */
		{"Basic dGVzdDoxMjPCow==", "test", "123\xc2\xa3"},                /* as well */
		{"Basic YTpiOmM=", "a", "b:c"},
		{"Basic Og==", "", ""},
		{"Basic YTo=", "a", ""},
		{"Basic OmI=", "", "b"},
		{"Basic YWI=", NULL, NULL},     /* ab */
		{"Basic YQA6Yg==", NULL, NULL}, /* a\0:b */
		{"Basic YTpiAA==", NULL, NULL}, /* a:b\0 */
		{"Basic !!!!", NULL, NULL},
		{"Basic YTp", NULL, NULL},
		{"Basic =", NULL, NULL},
		{"Bearer YTpi", NULL, NULL},
		{"", NULL, NULL},
	};
	struct authorization_login login;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct authorization found = authorization_parse(cases[i].field);
		const bool is_login = authorization_login(&found, &login);
		if (is_login != (cases[i].name != NULL))
			fail_msg("%s", cases[i].field);
		if (!is_login)
			continue;
		assert_string_equal(login.name, cases[i].name);
		assert_string_equal(login.password, cases[i].password);
		authorization_login_release(&login);
	}
}

/* For the sanitizers, and for the promise that a login's two strings end. */
static void any_field_is_taken_apart_or_refused(void **state)
{
	static const char letters[] = "Basic bearer \tYTpiOmM=+/-!\x80";
	struct authorization_login login;
	char field[64];

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		const size_t bytes = below(sizeof field);
		const size_t first = below(2) ? strlen(strcpy(field, "Basic ")) : 0;
		for (size_t i = first; i < bytes; i++)
			field[i] = letters[below(sizeof letters - 1)];
		field[bytes > first ? bytes : first] = '\0';
		const struct authorization found = authorization_parse(field);
		if (found.credential)
			assert_true(found.credential + found.bytes <= field + strlen(field));
		if (authorization_login(&found, &login)) {
			assert_int_equal(strlen(login.name) + strlen(login.password) + 2,
					 login.bytes);
			authorization_login_release(&login);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemes_are_known_in_any_case),
		cmocka_unit_test(login_is_split_at_the_first_colon),
		cmocka_unit_test(any_field_is_taken_apart_or_refused),
	};

	dice = dice_seed();
	return cmocka_run_group_tests_name("authorization", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Tokens: which ones a file may have, and which are the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/token.h"

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbb"

static const char *read_text(struct token_set *set, const char *text)
{
	return token_set_read(set, text, strlen(text));
}

static bool has(const struct token_set *set, const char *token)
{
	return token_set_has(set, token, strlen(token));
}

static void each_line_is_a_token(void **state)
{
	static const char *const texts[] = {
		A "\n" B "\n",
		A "\n" B,
		"\n\n" A "\n\n" B "\n\n",
		A "\r\n" B "\r\n",
	};
	struct token_set set;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_null(read_text(&set, texts[i]));
		assert_int_equal(set.count, 2);
		assert_true(has(&set, A) && has(&set, B));
		assert_false(has(&set, A B));
		assert_false(has(&set, A "\n"));
		assert_false(has(&set, ""));
	}
}

static void X1_every_token_of_a_full_set_is_found_and_nothing_near_it(void **state)
{
	char text[TOKENS_MAX * 33 + 1] = "", token[34];
	struct token_set set;

	(void)state;
	for (unsigned i = 0; i < TOKENS_MAX; i++) {
		memset(token, 'a' + (int)i, 32);
		strcpy(token + 32, "\n");
		strcat(text, token);
	}
	assert_null(read_text(&set, text));
	for (unsigned i = 0; i < TOKENS_MAX; i++) {
		memset(token, 'a' + (int)i, 32);
		assert_true(token_set_has(&set, token, 32));
		assert_false(token_set_has(&set, token, 31));
		for (unsigned at = 0; at < 32; at++) {
			token[at] ^= 1;
			assert_false(token_set_has(&set, token, 32));
			token[at] ^= 1;
		}
	}
	/* One bit of any digest is enough, too. */
	memset(token, 'a', 32);
	for (unsigned bit = 0; bit < 8 * TOKEN_DIGEST_BYTES; bit++) {
		set.digests[0][bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(token_set_has(&set, token, 32));
		set.digests[0][bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(token_set_has(&set, token, 32));
}

static void what_is_no_token_is_refused_without_quoting_it(void **state)
{
	static const char *const texts[] = {
		"",     "\n\n",      "aaaaaaaaaaaaaaa", A "\nshort",      A " " B,
		" " A,  A ",",       A "\xc3\xa4",      A "\t",           "Bearer:" A,
		A "\"", "\"" A "\"", A "\x7f",          "\xef\xbb\xbf" A,
	};
	struct token_set set;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *wrong = read_text(&set, texts[i]);
		if (!wrong || strstr(wrong, A))
			fail_msg("%zu: %s", i, wrong);
	}
	assert_non_null(token_set_read(&set, A "\0" B, 33));
}

static void sizes_are_bounded(void **state)
{
	static char text[(TOKENS_MAX + 1) * (TOKEN_BYTES_MAX + 1)];
	const size_t line = TOKEN_BYTES_MAX + 1;
	struct token_set set;

	(void)state;
	memset(text, 'x', sizeof text);
	for (size_t i = 1; i <= TOKENS_MAX + 1; i++)
		text[i * line - 1] = '\n';
	assert_null(token_set_read(&set, text, TOKENS_MAX * line));
	assert_int_equal(set.count, TOKENS_MAX);
	assert_non_null(token_set_read(&set, text, (TOKENS_MAX + 1) * line));
	text[line - 1] = 'x';
	assert_non_null(token_set_read(&set, text, line));
}

static void empty_set_has_nothing(void **state)
{
	static const struct token_set set;

	(void)state;
	assert_false(has(&set, A));
	assert_false(has(&set, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_a_token),
		cmocka_unit_test(X1_every_token_of_a_full_set_is_found_and_nothing_near_it),
		cmocka_unit_test(what_is_no_token_is_refused_without_quoting_it),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(empty_set_has_nothing),
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Compares a secret in the way that it is told, for memcheck: the secret's bytes are undefined, so
 * memcheck reports each branch and each address that depends on them. Reports on stderr is all
 * that this is for; constant_time_test.py counts them.
 *
 * usage: constant_time digests|token|memcmp
 */
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "access/token.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static struct token_set set;

/* The digests are the secret. */
static bool compare_digests(void)
{
	bool found;

	VALGRIND_MAKE_MEM_UNDEFINED(set.digests, sizeof set.digests);
	found = token_set_has(&set, TOKEN, strlen(TOKEN));
	VALGRIND_MAKE_MEM_DEFINED(&found, sizeof found);
	return found;
}

/* So is what was presented. */
static bool compare_token(void)
{
	char token[] = TOKEN;
	bool found;

	VALGRIND_MAKE_MEM_UNDEFINED(token, strlen(TOKEN));
	VALGRIND_MAKE_MEM_UNDEFINED(set.digests, sizeof set.digests);
	found = token_set_has(&set, token, strlen(TOKEN));
	VALGRIND_MAKE_MEM_DEFINED(&found, sizeof found);
	return found;
}

/* The way not to do it, which must be reported. */
static bool compare_with_memcmp(void)
{
	char token[] = TOKEN;

	VALGRIND_MAKE_MEM_UNDEFINED(token, strlen(TOKEN));
	return memcmp(token, TOKEN, strlen(TOKEN)) == 0;
}

int main(int argc, char **argv)
{
	const char *way = argc == 2 ? argv[1] : "";
	bool found = false;

	if (token_set_read(&set, TOKEN "\nffffffffffffffff", strlen(TOKEN) + 17))
		return 2;
	if (strcmp(way, "digests") == 0)
		found = compare_digests();
	else if (strcmp(way, "token") == 0)
		found = compare_token();
	else if (strcmp(way, "memcmp") == 0)
		found = compare_with_memcmp();
	puts(found ? "found" : "not found");
	return 0;
}

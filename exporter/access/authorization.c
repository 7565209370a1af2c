/* SPDX-License-Identifier: MIT */
/* The Authorization field; see authorization.h. */
#include <gnutls/gnutls.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authorization.h"

static bool is_scheme(const char *field, size_t bytes, const char *name)
{
	return strlen(name) == bytes && strncasecmp(field, name, bytes) == 0;
}

struct authorization authorization_parse(const char *field)
{
	struct authorization found = {.scheme = AUTHORIZATION_OTHER};

	if (!field)
		return found;
	const size_t scheme_bytes = strcspn(field, " \t");
	found.credential = field + scheme_bytes + strspn(field + scheme_bytes, " \t");
	found.bytes = strlen(found.credential);
	while (found.bytes > 0 && strchr(" \t", found.credential[found.bytes - 1]))
		found.bytes--;
	if (found.bytes > 0 && is_scheme(field, scheme_bytes, "bearer"))
		found.scheme = AUTHORIZATION_BEARER;
	else if (found.bytes > 0 && is_scheme(field, scheme_bytes, "basic"))
		found.scheme = AUTHORIZATION_BASIC;
	return found;
}

/* `name:password`; the name has no colon, and neither has a NUL. */
static bool split(struct authorization_login *login, const gnutls_datum_t *pair)
{
	const void *colon = memchr(pair->data, ':', pair->size);

	if (!colon || memchr(pair->data, '\0', pair->size))
		return false;
	login->bytes = pair->size + 1u;
	login->name = calloc(1, login->bytes);
	if (!login->name)
		return false;
	memcpy(login->name, pair->data, pair->size);
	login->password = login->name + ((const unsigned char *)colon - pair->data);
	*login->password++ = '\0';
	return true;
}

bool authorization_login(const struct authorization *authorization,
			 struct authorization_login *login)
{
	const gnutls_datum_t encoded = {.data = (void *)(uintptr_t)authorization->credential,
					.size = (unsigned)authorization->bytes};
	gnutls_datum_t pair;

	if (authorization->scheme != AUTHORIZATION_BASIC ||
	    gnutls_base64_decode2(&encoded, &pair) != 0)
		return false;
	const bool done = split(login, &pair);
	explicit_bzero(pair.data, pair.size);
	gnutls_free(pair.data);
	return done;
}

void authorization_login_release(struct authorization_login *login)
{
	explicit_bzero(login->name, login->bytes);
	free(login->name);
}

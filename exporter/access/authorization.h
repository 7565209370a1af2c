/* SPDX-License-Identifier: MIT */
/*
 * What a request says in Authorization: a scheme in any case, blanks, a credential (RFC 9110,
 * 11.4). Bearer has a token there (RFC 6750), Basic a name and a password (RFC 7617). Pure.
 */
#ifndef AUTHORIZATION_H
#define AUTHORIZATION_H

#include <stdbool.h>
#include <stddef.h>

enum authorization_scheme { AUTHORIZATION_OTHER, AUTHORIZATION_BEARER, AUTHORIZATION_BASIC };

struct authorization {
	enum authorization_scheme scheme;
	const char *credential; /* in the field, not ended by a NUL */
	size_t bytes;
};

/* Of what makes no sense, and of no field at all (NULL), the scheme is another. */
struct authorization authorization_parse(const char *field);

/* Both in memory of its own, which knows nothing of the password once it is released. */
struct authorization_login {
	char *name;
	char *password;
	size_t bytes; /* of both, with their ends */
};

/* The name and the password of a Basic credential. Returns false when there are none in it, or no
 * memory; then there is nothing to release. */
bool authorization_login(const struct authorization *authorization,
			 struct authorization_login *login);
void authorization_login_release(struct authorization_login *login);

#endif

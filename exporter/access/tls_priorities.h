/* SPDX-License-Identifier: MIT */
/*
 * What TLS may negotiate: Go's names, which web configuration files use, as a priority string of
 * GnuTLS. GnuTLS combines key exchanges, ciphers and MACs on its own, so a list of cipher suites
 * allows every suite that consists of parts of those in the list, and TLS 1.3 with their ciphers.
 * Pure.
 */
#ifndef TLS_PRIORITIES_H
#define TLS_PRIORITIES_H

#include <stdbool.h>
#include <stddef.h>

#define TLS_PRIORITIES_SUITES_MAX 32u
#define TLS_PRIORITIES_GROUPS_MAX 8u

struct tls_suite;

struct tls_priorities {
	unsigned version_min, version_max; /* 10 to 13 */
	bool client_decides;
	const struct tls_suite *suites[TLS_PRIORITIES_SUITES_MAX];
	size_t suite_count; /* 0: what GnuTLS holds to be good */
	const char *groups[TLS_PRIORITIES_GROUPS_MAX];
	size_t group_count; /* 0: as well */
};

extern const struct tls_priorities tls_priorities_default;

/* Return false for a name that is unknown, or when there are too many. */
bool tls_priorities_version(unsigned *version, const char *name);
bool tls_priorities_add_suite(struct tls_priorities *priorities, const char *name);
bool tls_priorities_add_group(struct tls_priorities *priorities, const char *name);

/* To be freed by the caller; NULL for want of memory. */
char *tls_priorities_string(const struct tls_priorities *priorities);

#endif

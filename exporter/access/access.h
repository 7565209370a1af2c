/* SPDX-License-Identifier: MIT */
/*
 * Who may ask for what. With token files, a request needs one of their tokens; with users in the
 * web configuration, one of their passwords; with both, either. All paths are protected but those
 * that say whether the exporter lives, which tell nothing else: what starts and restarts programs
 * has no credentials. Client certificates are judged before there is a request: see tls.h.
 *
 * The HTTP thread's own, between start and stop.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/http_header.h"
#include "system/sandbox.h"

#define ACCESS_TOKEN_FILES_MAX 8u

struct access;

struct access_options {
	const char *const *token_files;
	unsigned token_file_count;
	const char *web_config_file; /* NULL: none */
};

/* Returns 0, or a negative errno after one line on stderr. The paths stay the caller's. */
int access_open(struct access **access, const struct access_options *options);
void access_close(struct access *access);

/* Whether nobody gets in without a token, a password or a certificate. Once it is so, it stays. */
bool access_protects(const struct access *access);
bool access_has_tls(const struct access *access);

/* Looks at all files now. Returns NULL, or of one that could not be taken why not, which stands
 * until the next look. */
const char *access_reload(struct access *access, uint64_t now_ns);
/* How many files could not be taken as they are now. Any thread. */
unsigned access_refused_count(const struct access *access);
/* What is read again when it changes. */
void access_grant(const struct access *access, struct sandbox_grants *grants);

/* The headers of every answer; the list changes in its place. */
const struct http_header *access_headers(const struct access *access);

/* Return 0 or a negative errno; after a start there must be a stop. */
int access_start(struct access *access);
/* Whoever waits is next, and must be taken with access_next. */
void access_stop(struct access *access);

struct access_request {
	const char *path;
	const char *authorization; /* the field; NULL: none */
	uint64_t now_ns;
};

enum access_verdict {
	ACCESS_GRANTED,
	ACCESS_DENIED,
	ACCESS_WAITS, /* `who` is in access_next soon: ask again then */
};

enum access_verdict access_judge(struct access *access, const struct access_request *request,
				 void *who);

/* What a denied request could have had. */
bool access_takes_tokens(const struct access *access);
bool access_takes_passwords(const struct access *access);

/* Who waits and is gone is next. */
void access_drop(struct access *access, bool (*is_gone)(void *who));

/* Readable while there is a next one; and that, or NULL. */
int access_fd(const struct access *access);
void *access_next(struct access *access);

/* Before a session's handshake, if there is TLS. Returns false when there must be none. */
bool access_begin_tls(struct access *access, gnutls_session_t session, uint64_t now_ns);

#endif

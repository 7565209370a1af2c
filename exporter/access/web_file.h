/* SPDX-License-Identifier: MIT */
/*
 * The web configuration and the certificates that it names, read again when one of them changes.
 * What cannot be taken is logged once, and the exporter goes on with what it has. The HTTP
 * thread's own, once it is open.
 */
#ifndef WEB_FILE_H
#define WEB_FILE_H

#include "base/file.h"
#include "tls.h"
#include "web_config.h"

enum { WEB_FILE_CONFIG, WEB_FILE_CERT, WEB_FILE_KEY, WEB_FILE_CLIENT_CA, WEB_FILE_COUNT };

/* All zero: there is none. */
struct web_file {
	struct web_config config;
	struct tls *tls; /* NULL without TLS */
	struct file_watch watches[WEB_FILE_COUNT];
	char *paths[WEB_FILE_COUNT]; /* NULL: it names none */
	bool must_protect;           /* nothing else does */
	char fault[512];             /* the last one; "": what there is has been taken */
};

/* Returns 0, or a negative errno after one line on stderr; then there is nothing to close. */
int web_file_open(struct web_file *web, const char *path);
void web_file_close(struct web_file *web);

/* Whether nobody gets in without a password or a certificate that was verified. */
bool web_file_protects(const struct web_file *web);

/* To be called every now and then. */
void web_file_refresh(struct web_file *web);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The file of --web.config.file: that of Prometheus' exporter-toolkit, as node_exporter and
 * others take it. What the toolkit would pass over and the exporter cannot do is refused. Pure:
 * the files that it names are read elsewhere.
 */
#ifndef WEB_CONFIG_H
#define WEB_CONFIG_H

#include "base/http_header.h"
#include "base/walk.h"
#include "tls_priorities.h"

#define WEB_CONFIG_BYTES_MAX   (256u << 10)
#define WEB_CONFIG_USERS_MAX   64u
#define WEB_CONFIG_NAMES_MAX   32u
#define WEB_CONFIG_HEADERS_MAX 5u
#define WEB_CONFIG_COST_MAX    16u /* of a bcrypt hash: some seconds */

enum web_client_auth {
	WEB_CLIENT_NONE,
	WEB_CLIENT_REQUESTED,
	WEB_CLIENT_REQUIRED,          /* any certificate */
	WEB_CLIENT_VERIFIED_IF_GIVEN, /* none will do */
	WEB_CLIENT_VERIFIED,
};

/* PEM, in the file itself or in another one; or neither. */
struct web_source {
	const char *text;
	const char *path;
};

struct web_user {
	const char *name;
	const char *hash; /* bcrypt */
};

/* All zero: no file. Strings are the document's. */
struct web_config {
	struct walk walk;
	struct web_source cert, key, client_ca;
	bool has_tls;
	enum web_client_auth client_auth;
	struct tls_priorities priorities;
	const char *client_names[WEB_CONFIG_NAMES_MAX]; /* of which a certificate must have one */
	size_t client_name_count;
	struct web_user users[WEB_CONFIG_USERS_MAX];
	size_t user_count;
	struct http_header headers[WEB_CONFIG_HEADERS_MAX + 1]; /* of every answer */
	size_t header_count;
};

/* Returns false when something is wrong: `walk` has the line, or 0, and the reason. Release in both
 * cases. */
bool web_config_read(struct web_config *config, const char *text, size_t bytes);
void web_config_release(struct web_config *config);

#endif

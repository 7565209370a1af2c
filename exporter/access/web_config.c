/* SPDX-License-Identifier: MIT */
/* The web configuration file; see web_config.h. Each table lists the keys of one mapping. */
#include <stddef.h>
#include <string.h>

#include "web_config.h"

#define AT(member) offsetof(struct web_config, member)

static bool take_string(struct walk *walk, const yaml_node_t *value, void *subject)
{
	return walk_string(walk, value, subject);
}

static bool take_client_auth(struct walk *walk, const yaml_node_t *value, void *subject)
{
	static const struct {
		const char *name;
		enum web_client_auth auth;
	} words[] = {
		{"NoClientCert", WEB_CLIENT_NONE},
		{"RequestClientCert", WEB_CLIENT_REQUESTED},
		{"RequireClientCert", WEB_CLIENT_REQUIRED},
		{"RequireAnyClientCert", WEB_CLIENT_REQUIRED},
		{"VerifyClientCertIfGiven", WEB_CLIENT_VERIFIED_IF_GIVEN},
		{"RequireAndVerifyClientCert", WEB_CLIENT_VERIFIED},
	};
	struct web_config *config = subject;
	const char *string;

	if (!walk_string(walk, value, &string))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!string || strcmp(string, words[i].name) == 0) {
			config->client_auth = words[i].auth;
			return true;
		}
	}
	return walk_refuse(walk, value, "client_auth_type: unknown type");
}

static bool take_client_name(struct walk *walk, const yaml_node_t *value, void *subject)
{
	struct web_config *config = subject;
	const char *name;

	if (!walk_string(walk, value, &name))
		return false;
	if (!name || config->client_name_count == WEB_CONFIG_NAMES_MAX)
		return walk_refuse(walk, value, "client_allowed_sans: %s",
				   name ? "too many" : "must not be empty");
	config->client_names[config->client_name_count++] = name;
	return true;
}

static bool take_client_names(struct walk *walk, const yaml_node_t *value, void *subject)
{
	return walk_list(walk, value, take_client_name, subject);
}

static bool take_version(struct walk *walk, const yaml_node_t *value, void *subject)
{
	const char *name;

	if (!walk_string(walk, value, &name))
		return false;
	return !name || tls_priorities_version(subject, name) ||
	       walk_refuse(walk, value, "must be TLS10, TLS11, TLS12 or TLS13");
}

static bool take_suite(struct walk *walk, const yaml_node_t *value, void *subject)
{
	struct web_config *config = subject;
	const char *name;

	if (!walk_string(walk, value, &name))
		return false;
	return (name && tls_priorities_add_suite(&config->priorities, name)) ||
	       walk_refuse(walk, value, "cipher_suites: unknown one, or too many");
}

static bool take_suites(struct walk *walk, const yaml_node_t *value, void *subject)
{
	return walk_list(walk, value, take_suite, subject);
}

static bool take_curve(struct walk *walk, const yaml_node_t *value, void *subject)
{
	struct web_config *config = subject;
	const char *name;

	if (!walk_string(walk, value, &name))
		return false;
	return (name && tls_priorities_add_group(&config->priorities, name)) ||
	       walk_refuse(walk, value, "curve_preferences: unknown one, or too many");
}

static bool take_curves(struct walk *walk, const yaml_node_t *value, void *subject)
{
	return walk_list(walk, value, take_curve, subject);
}

static bool take_precedence(struct walk *walk, const yaml_node_t *value, void *subject)
{
	struct web_config *config = subject;
	bool server_decides;

	if (!walk_boolean(walk, value, &server_decides))
		return false;
	config->priorities.client_decides = !server_decides;
	return true;
}

static bool is_given(const struct web_source *source)
{
	return source->text || source->path;
}

/* What only all keys together tell. The toolkit, too, takes a mapping without certificates for no
 * TLS. */
static bool judge_tls(struct walk *walk, const yaml_node_t *node, struct web_config *config)
{
	const bool verifies = config->client_auth >= WEB_CLIENT_VERIFIED_IF_GIVEN;

	config->has_tls = is_given(&config->cert) || is_given(&config->key) ||
			  is_given(&config->client_ca) || config->client_auth != WEB_CLIENT_NONE;
	if (config->has_tls && !is_given(&config->cert))
		return walk_refuse(walk, node, "tls_server_config: needs cert_file");
	if (config->has_tls && !is_given(&config->key))
		return walk_refuse(walk, node, "tls_server_config: needs key_file");
	if (is_given(&config->client_ca) && config->client_auth == WEB_CLIENT_NONE)
		return walk_refuse(walk, node, "client_ca_file: needs a client_auth_type");
	if (verifies && !is_given(&config->client_ca))
		return walk_refuse(walk, node, "client_auth_type: needs client_ca_file");
	if (config->priorities.version_min > config->priorities.version_max)
		return walk_refuse(walk, node, "min_version: is above max_version");
	return true;
}

static bool take_tls(struct walk *walk, const yaml_node_t *value, void *subject)
{
	static const struct walk_key keys[] = {
		{"cert", take_string, AT(cert.text)},
		{"key", take_string, AT(key.text)},
		{"client_ca", take_string, AT(client_ca.text)},
		{"cert_file", take_string, AT(cert.path)},
		{"key_file", take_string, AT(key.path)},
		{"client_ca_file", take_string, AT(client_ca.path)},
		{"client_auth_type", take_client_auth},
		{"client_allowed_sans", take_client_names},
		{"cipher_suites", take_suites},
		{"curve_preferences", take_curves},
		{"min_version", take_version, AT(priorities.version_min)},
		{"max_version", take_version, AT(priorities.version_max)},
		{"prefer_server_cipher_suites", take_precedence},
		{NULL},
	};

	return walk_mapping(walk, value, keys, subject) && judge_tls(walk, value, subject);
}

static bool is_bcrypt(const char *hash)
{
	static const char alphabet[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789";

	return strlen(hash) == 60 && hash[0] == '$' && hash[1] == '2' && strchr("aby", hash[2]) &&
	       hash[3] == '$' && strspn(hash + 4, "0123456789") == 2 && hash[6] == '$' &&
	       strspn(hash + 7, alphabet) == 53;
}

static bool take_user(struct walk *walk, const char *key, const yaml_node_t *value, void *subject)
{
	struct web_config *config = subject;
	const char *hash;

	if (!walk_string(walk, value, &hash))
		return false;
	if (!hash || !is_bcrypt(hash))
		return walk_refuse(walk, value,
				   "basic_auth_users: no bcrypt hash: htpasswd -nBC 10");
	const unsigned cost = (unsigned)(hash[4] - '0') * 10 + (unsigned)(hash[5] - '0');
	if (cost < 4 || cost > WEB_CONFIG_COST_MAX)
		return walk_refuse(walk, value, "basic_auth_users: the cost must be 4 to 16");
	if (config->user_count == WEB_CONFIG_USERS_MAX)
		return walk_refuse(walk, value, "basic_auth_users: more than 64");
	config->users[config->user_count++] = (struct web_user){key, hash};
	return true;
}

static bool take_users(struct walk *walk, const yaml_node_t *value, void *subject)
{
	return walk_entries(walk, value, take_user, subject);
}

static bool is_header_value(const char *string)
{
	for (; *string; string++)
		if ((unsigned char)*string < ' ' || *string == 0x7f)
			return false;
	return true;
}

static bool take_header(struct walk *walk, const char *key, const yaml_node_t *value, void *subject)
{
	static const struct {
		const char *name, *value, *other; /* values: NULL: any */
	} headers[WEB_CONFIG_HEADERS_MAX] = {
		{"Strict-Transport-Security", NULL, NULL},
		{"X-Content-Type-Options", "nosniff", NULL},
		{"X-Frame-Options", "deny", "sameorigin"},
		{"X-XSS-Protection", NULL, NULL},
		{"Content-Security-Policy", NULL, NULL},
	};
	struct web_config *config = subject;
	const char *string;

	if (!walk_string(walk, value, &string))
		return false;
	for (size_t i = 0; i < WEB_CONFIG_HEADERS_MAX; i++) {
		if (strcmp(headers[i].name, key) != 0)
			continue;
		if (!string || !is_header_value(string) ||
		    (headers[i].value && strcmp(string, headers[i].value) != 0 &&
		     (!headers[i].other || strcmp(string, headers[i].other) != 0)))
			return walk_refuse(walk, value, "%s: cannot have this value", key);
		config->headers[config->header_count++] = (struct http_header){headers[i].name,
									       string};
		return true;
	}
	return walk_refuse(walk, value, "%s: cannot be configured", key);
}

static bool take_headers(struct walk *walk, const yaml_node_t *value, void *subject)
{
	return walk_entries(walk, value, take_header, subject);
}

/* HTTP/2 is offered to nobody, so nobody misses it. */
static bool take_http2(struct walk *walk, const yaml_node_t *value, void *subject)
{
	bool ignored;

	(void)subject;
	return walk_boolean(walk, value, &ignored);
}

static bool take_http(struct walk *walk, const yaml_node_t *value, void *subject)
{
	static const struct walk_key keys[] = {
		{"http2", take_http2},
		{"headers", take_headers},
		{NULL},
	};

	return walk_mapping(walk, value, keys, subject);
}

bool web_config_read(struct web_config *config, const char *text, size_t bytes)
{
	static const struct walk_key keys[] = {
		{"tls_server_config", take_tls},
		{"http_server_config", take_http},
		{"basic_auth_users", take_users},
		{NULL},
	};
	const yaml_node_t *root;

	*config = (struct web_config){.priorities = tls_priorities_default};
	return walk_load(&config->walk, text, bytes, &root) &&
	       (!root || walk_mapping(&config->walk, root, keys, config));
}

void web_config_release(struct web_config *config)
{
	walk_release(&config->walk);
	*config = (struct web_config){.has_tls = false};
}

/* SPDX-License-Identifier: MIT */
/* TLS negotiation; see tls_priorities.h. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tls_priorities.h"

#define STRING_BYTES_MAX 4096u

struct tls_suite {
	const char *name; /* Go's */
	const char *exchange, *cipher, *mac;
};

/* Those that Go calls secure. */
static const struct tls_suite suites[] = {
	{"TLS_AES_128_GCM_SHA256", NULL, "AES-128-GCM", "AEAD"},
	{"TLS_AES_256_GCM_SHA384", NULL, "AES-256-GCM", "AEAD"},
	{"TLS_CHACHA20_POLY1305_SHA256", NULL, "CHACHA20-POLY1305", "AEAD"},
	{"TLS_RSA_WITH_AES_128_CBC_SHA", "RSA", "AES-128-CBC", "SHA1"},
	{"TLS_RSA_WITH_AES_256_CBC_SHA", "RSA", "AES-256-CBC", "SHA1"},
	{"TLS_RSA_WITH_AES_128_GCM_SHA256", "RSA", "AES-128-GCM", "AEAD"},
	{"TLS_RSA_WITH_AES_256_GCM_SHA384", "RSA", "AES-256-GCM", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA", "AES-128-CBC", "SHA1"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA", "AES-256-CBC", "SHA1"},
	{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA", "AES-128-CBC", "SHA1"},
	{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA", "AES-256-CBC", "SHA1"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA", "AES-128-GCM", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA", "AES-256-GCM", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA", "AES-128-GCM", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA", "AES-256-GCM", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA", "CHACHA20-POLY1305", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA", "CHACHA20-POLY1305",
	 "AEAD"},
};

static const struct {
	const char *name, *group;
} groups[] = {
	{"CurveP256", "SECP256R1"},
	{"CurveP384", "SECP384R1"},
	{"CurveP521", "SECP521R1"},
	{"X25519", "X25519"},
};

const struct tls_priorities tls_priorities_default = {.version_min = 12, .version_max = 13};

bool tls_priorities_version(unsigned *version, const char *name)
{
	if (strncmp(name, "TLS1", 4) != 0 || name[4] < '0' || name[4] > '3' || name[5] != '\0')
		return false;
	*version = 10 + (unsigned)(name[4] - '0');
	return true;
}

bool tls_priorities_add_suite(struct tls_priorities *priorities, const char *name)
{
	for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
		if (strcmp(suites[i].name, name) == 0 &&
		    priorities->suite_count < TLS_PRIORITIES_SUITES_MAX) {
			priorities->suites[priorities->suite_count++] = &suites[i];
			return true;
		}
	}
	return false;
}

bool tls_priorities_add_group(struct tls_priorities *priorities, const char *name)
{
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		if (strcmp(groups[i].name, name) == 0 &&
		    priorities->group_count < TLS_PRIORITIES_GROUPS_MAX) {
			priorities->groups[priorities->group_count++] = groups[i].group;
			return true;
		}
	}
	return false;
}

/* A word that comes twice is no harm. */
static void put(struct text *text, const char *prefix, const char *word)
{
	if (!word)
		return;
	text_string(text, prefix);
	text_string(text, word);
}

static void put_suites(struct text *text, const struct tls_priorities *priorities)
{
	text_string(text, ":-KX-ALL:-CIPHER-ALL:-MAC-ALL");
	for (size_t i = 0; i < priorities->suite_count; i++) {
		put(text, ":+", priorities->suites[i]->exchange);
		put(text, ":+", priorities->suites[i]->cipher);
		put(text, ":+", priorities->suites[i]->mac);
	}
}

char *tls_priorities_string(const struct tls_priorities *priorities)
{
	struct text text;
	char version[16];

	text_init(&text, STRING_BYTES_MAX);
	text_string(&text, "NORMAL:-VERS-ALL");
	for (unsigned i = priorities->version_max; i >= priorities->version_min; i--) {
		snprintf(version, sizeof version, "TLS1.%u", i % 10);
		put(&text, ":+VERS-", version);
	}
	if (priorities->suite_count > 0)
		put_suites(&text, priorities);
	if (priorities->group_count > 0)
		text_string(&text, ":-GROUP-ALL");
	for (size_t i = 0; i < priorities->group_count; i++)
		put(&text, ":+GROUP-", priorities->groups[i]);
	if (!priorities->client_decides)
		text_string(&text, ":%SERVER_PRECEDENCE");
	text_append(&text, "", 1);
	if (!text.error)
		return text.data;
	text_release(&text);
	return NULL;
}

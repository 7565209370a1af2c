/* SPDX-License-Identifier: MIT */
/* TLS sessions; see tls.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tls.h"

#define CHAIN_MAX      16u
#define NAME_BYTES_MAX 1024u

/* What a load replaces. */
struct state {
	char *cert, *key; /* PEM */
	gnutls_x509_trust_list_t trusted;
	gnutls_priority_t priorities;
	enum web_client_auth client_auth;
	char *client_names[WEB_CONFIG_NAMES_MAX];
	size_t client_name_count;
};

struct tls {
	struct state state;
};

struct tls *tls_create(void)
{
	return calloc(1, sizeof(struct tls));
}

static void release(struct state *state)
{
	if (state->key)
		explicit_bzero(state->key, strlen(state->key));
	free(state->key);
	free(state->cert);
	if (state->trusted)
		gnutls_x509_trust_list_deinit(state->trusted, 1);
	if (state->priorities)
		gnutls_priority_deinit(state->priorities); /* sessions that use it keep it */
	for (size_t i = 0; i < state->client_name_count; i++)
		free(state->client_names[i]);
	*state = (struct state){.cert = NULL};
}

void tls_destroy(struct tls *tls)
{
	if (tls)
		release(&tls->state);
	free(tls);
}

static gnutls_datum_t datum_of(const char *string)
{
	return (gnutls_datum_t){.data = (unsigned char *)(uintptr_t)string,
				.size = (unsigned)strlen(string)};
}

/* Whether both are what they should be, and belong together. */
static int try_pair(const char *cert, const char *key)
{
	const gnutls_datum_t cert_pem = datum_of(cert), key_pem = datum_of(key);
	gnutls_certificate_credentials_t credentials;
	int error = gnutls_certificate_allocate_credentials(&credentials);

	if (error)
		return error;
	error = gnutls_certificate_set_x509_key_mem(credentials, &cert_pem, &key_pem,
						    GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(credentials);
	return error < 0 ? error : 0;
}

static int load_pair(struct state *state, const struct tls_material *material)
{
	const int error = try_pair(material->cert, material->key);

	if (error)
		return error;
	state->cert = strdup(material->cert);
	state->key = strdup(material->key);
	return state->cert && state->key ? 0 : GNUTLS_E_MEMORY_ERROR;
}

static int load_trusted(struct state *state, const char *client_ca)
{
	if (!client_ca)
		return 0;
	const gnutls_datum_t pem = datum_of(client_ca);
	int count = gnutls_x509_trust_list_init(&state->trusted, 0);
	if (count == 0)
		count = gnutls_x509_trust_list_add_trust_mem(state->trusted, &pem, NULL,
							     GNUTLS_X509_FMT_PEM, 0, 0);
	if (count == 0)
		return GNUTLS_E_NO_CERTIFICATE_FOUND;
	return count < 0 ? count : 0;
}

static int load_names(struct state *state, const struct web_config *config)
{
	for (; state->client_name_count < config->client_name_count; state->client_name_count++) {
		char *name = strdup(config->client_names[state->client_name_count]);
		if (!name)
			return GNUTLS_E_MEMORY_ERROR;
		state->client_names[state->client_name_count] = name;
	}
	return 0;
}

static int load_priorities(struct state *state, const struct tls_priorities *priorities)
{
	char *string = tls_priorities_string(priorities);
	int error = GNUTLS_E_MEMORY_ERROR;

	if (string)
		error = gnutls_priority_init(&state->priorities, string, NULL);
	free(string);
	return error;
}

bool tls_load(struct tls *tls, const struct web_config *config, const struct tls_material *material,
	      char reason[static TLS_REASON_BYTES])
{
	struct state state = {.client_auth = config->client_auth};
	const char *what = "cert_file, key_file: no certificate and its key in PEM";
	int error = load_pair(&state, material);

	if (!error) {
		what = "client_ca_file: no certificates in PEM";
		error = load_trusted(&state, material->client_ca);
	}
	if (!error) {
		what = "cipher_suites, curve_preferences";
		error = load_priorities(&state, &config->priorities);
	}
	if (!error)
		error = load_names(&state, config);
	if (error) {
		snprintf(reason, TLS_REASON_BYTES, "%s: %s", what, gnutls_strerror(error));
		release(&state);
		return false;
	}
	release(&tls->state);
	tls->state = state;
	return true;
}

/* One of the certificate's subject alternative names as a string. Returns GnuTLS' type of it, or a
 * negative error. */
static int name_at(gnutls_x509_crt_t cert, unsigned index, char *name)
{
	unsigned char raw[NAME_BYTES_MAX] = {0};
	size_t bytes = sizeof raw - 1;
	const int type = gnutls_x509_crt_get_subject_alt_name(cert, index, raw, &bytes, NULL);

	*name = '\0';
	if (type == GNUTLS_SAN_IPADDRESS)
		inet_ntop(bytes == 4 ? AF_INET : AF_INET6, raw, name, NAME_BYTES_MAX);
	else if ((type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME ||
		  type == GNUTLS_SAN_URI) &&
		 strlen((char *)raw) == bytes)
		memcpy(name, raw, bytes + 1);
	return type;
}

static bool is_listed(const struct state *state, const char *name)
{
	for (size_t i = 0; i < state->client_name_count; i++)
		if (strcmp(state->client_names[i], name) == 0)
			return true;
	return false;
}

/* Whether it has one of the names that may come in, if only some may. */
static bool may_enter(const struct state *state, gnutls_x509_crt_t cert)
{
	char name[NAME_BYTES_MAX];
	unsigned index = 0;

	if (state->client_name_count == 0)
		return true;
	/* Beyond the last one it says that; a name too long for us may be followed by others. */
	for (int type = 0; type >= 0 || type == GNUTLS_E_SHORT_MEMORY_BUFFER; index++) {
		type = name_at(cert, index, name);
		if (*name != '\0' && is_listed(state, name))
			return true;
	}
	return false;
}

/* Whether one of the CAs vouches for it as a client's. */
static bool is_trusted(const struct state *state, gnutls_x509_crt_t *chain, unsigned count)
{
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
					 .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
	gnutls_datum_t words;
	unsigned status = 0;

	if (gnutls_x509_trust_list_verify_crt2(state->trusted, chain, count, &purpose, 1, 0,
					       &status, NULL) != 0)
		return false;
	if (status != 0 &&
	    gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &words, 0) == 0) {
		log_event(LOG_DEBUG, "client certificate refused", "reason", words.data, NULL);
		gnutls_free(words.data);
	}
	return status == 0;
}

static bool is_welcome(const struct state *state, gnutls_x509_crt_t *chain, unsigned count)
{
	if (state->client_auth >= WEB_CLIENT_VERIFIED_IF_GIVEN && !is_trusted(state, chain, count))
		return false;
	return may_enter(state, chain[0]);
}

/* The end of a client's handshake: 0, or it fails. */
static int verify(gnutls_session_t session)
{
	const struct state *state = &((struct tls *)gnutls_session_get_ptr(session))->state;
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned given, count = 0;
	const gnutls_datum_t *der = gnutls_certificate_get_peers(session, &given);
	bool good = der && given > 0 && given <= CHAIN_MAX;

	if (!der || given == 0)
		return state->client_auth == WEB_CLIENT_REQUIRED ||
				       state->client_auth == WEB_CLIENT_VERIFIED
			       ? GNUTLS_E_NO_CERTIFICATE_FOUND
			       : 0;
	for (; good && count < given; count++) {
		if (gnutls_x509_crt_init(&chain[count]) != 0) {
			good = false;
			break;
		}
		good = gnutls_x509_crt_import(chain[count], &der[count], GNUTLS_X509_FMT_DER) == 0;
	}
	good = good && is_welcome(state, chain, count);
	while (count > 0)
		gnutls_x509_crt_deinit(chain[--count]);
	return good ? 0 : GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

int tls_begin(struct tls *tls, gnutls_session_t session)
{
	static const gnutls_certificate_request_t requests[] = {
		[WEB_CLIENT_NONE] = GNUTLS_CERT_IGNORE,
		[WEB_CLIENT_REQUESTED] = GNUTLS_CERT_REQUEST,
		[WEB_CLIENT_REQUIRED] = GNUTLS_CERT_REQUIRE,
		[WEB_CLIENT_VERIFIED_IF_GIVEN] = GNUTLS_CERT_REQUEST,
		[WEB_CLIENT_VERIFIED] = GNUTLS_CERT_REQUIRE,
	};
	const enum web_client_auth auth = tls->state.client_auth;

	gnutls_session_set_ptr(session, tls);
	gnutls_certificate_server_set_request(session, requests[auth]);
	if (auth != WEB_CLIENT_NONE)
		gnutls_session_set_verify_function(session, verify);
	return gnutls_priority_set(session, tls->state.priorities);
}

static int give_key(const struct state *state, gnutls_privkey_t *key)
{
	const gnutls_datum_t pem = datum_of(state->key);
	gnutls_privkey_t copy;
	int error = gnutls_privkey_init(&copy);

	if (error)
		return error;
	error = gnutls_privkey_import_x509_raw(copy, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (error)
		gnutls_privkey_deinit(copy);
	else
		*key = copy;
	return error;
}

int tls_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
		    gnutls_pcert_st **chain, unsigned *chain_count, gnutls_ocsp_data_st **ocsp,
		    unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags)
{
	const struct state *state = &((struct tls *)gnutls_session_get_ptr(session))->state;
	const gnutls_datum_t pem = datum_of(state->cert);
	unsigned count = CHAIN_MAX;

	(void)info;
	*ocsp = NULL;
	*ocsp_count = 0;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL; /* they are the session's */
	*chain = gnutls_calloc(CHAIN_MAX, sizeof **chain);
	if (!*chain)
		return -1;
	if (gnutls_pcert_list_import_x509_raw(*chain, &count, &pem, GNUTLS_X509_FMT_PEM, 0) != 0) {
		gnutls_free(*chain);
		return -1;
	}
	*chain_count = count;
	if (give_key(state, key) == 0)
		return 0;
	for (unsigned i = 0; i < count; i++)
		gnutls_pcert_deinit(&(*chain)[i]);
	gnutls_free(*chain);
	return -1;
}

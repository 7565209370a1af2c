/* SPDX-License-Identifier: MIT */
/*
 * TLS as a web configuration wants it, for the sessions that libmicrohttpd makes. Each session
 * gets its certificate during the handshake, as it is then, so a new one is used without a restart
 * and none is in use that is not in a file any more. A client certificate that must be verified is
 * verified in the handshake: without one there is no request.
 *
 * The HTTP thread's own, after the first load.
 */
#ifndef TLS_H
#define TLS_H

#include <gnutls/abstract.h>

#include "web_config.h"

#define TLS_REASON_BYTES 160u

struct tls;

/* PEM, all of them; the CAs are NULL when there are none. */
struct tls_material {
	const char *cert;
	const char *key;
	const char *client_ca;
};

/* Returns NULL for want of memory. */
struct tls *tls_create(void);
void tls_destroy(struct tls *tls);

/* For sessions to come. Returns false after it has said why; then all is as it was. */
bool tls_load(struct tls *tls, const struct web_config *config, const struct tls_material *material,
	      char reason[static TLS_REASON_BYTES]);

/* Before a session's handshake. Returns 0 or an error of GnuTLS, after which there must be none. */
int tls_begin(struct tls *tls, gnutls_session_t session);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2, of sessions that have begun. */
int tls_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
		    gnutls_pcert_st **chain, unsigned *chain_count, gnutls_ocsp_data_st **ocsp,
		    unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags);

#endif

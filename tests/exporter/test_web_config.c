/* SPDX-License-Identifier: MIT */
/*
 * What a web configuration file becomes. What is right and wrong in one is in web_config_e2e.py,
 * beside promtool.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gnutls/gnutls.h>

#include "access/web_config.h"
#include "dice.h"

#define HASH "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"

static const char all[] = "tls_server_config:\n"
			  "  cert_file: c.pem\n"
			  "  key: |\n"
			  "    KEY\n"
			  "  client_auth_type: VerifyClientCertIfGiven\n"
			  "  client_ca_file: /ca.pem\n"
			  "  client_allowed_sans: [one, 'two']\n"
			  "  cipher_suites:\n"
			  "    - TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256\n"
			  "    - TLS_RSA_WITH_AES_256_CBC_SHA\n"
			  "  curve_preferences: [CurveP521, X25519]\n"
			  "  min_version: TLS11\n"
			  "  max_version: TLS12\n"
			  "  prefer_server_cipher_suites: false\n"
			  "http_server_config:\n"
			  "  http2: true\n"
			  "  headers:\n"
			  "    X-XSS-Protection: \"0\"\n"
			  "basic_auth_users:\n"
			  "  alice: " HASH "\n";

static uint64_t dice;

static size_t below(size_t end)
{
	return (size_t)(dice_roll(&dice) % end);
}

static void every_key_arrives(void **state)
{
	struct web_config config;

	(void)state;
	assert_true(web_config_read(&config, all, strlen(all)));
	assert_true(config.has_tls);
	assert_string_equal(config.cert.path, "c.pem");
	assert_null(config.cert.text);
	assert_string_equal(config.key.text, "KEY\n");
	assert_null(config.key.path);
	assert_string_equal(config.client_ca.path, "/ca.pem");
	assert_int_equal(config.client_auth, WEB_CLIENT_VERIFIED_IF_GIVEN);
	assert_int_equal(config.client_name_count, 2);
	assert_string_equal(config.client_names[1], "two");
	assert_int_equal(config.user_count, 1);
	assert_string_equal(config.users[0].name, "alice");
	assert_string_equal(config.users[0].hash, HASH);
	assert_int_equal(config.header_count, 1);
	assert_string_equal(config.headers[0].name, "X-XSS-Protection");
	assert_string_equal(config.headers[0].value, "0");
	assert_null(config.headers[1].name);
	char *priorities = tls_priorities_string(&config.priorities);
	assert_string_equal(priorities,
			    "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.1"
			    ":-KX-ALL:-CIPHER-ALL:-MAC-ALL:+ECDHE-RSA:+CHACHA20-POLY1305:+AEAD"
			    ":+RSA:+AES-256-CBC:+SHA1:-GROUP-ALL:+GROUP-SECP521R1:+GROUP-X25519");
	free(priorities);
	web_config_release(&config);
	assert_int_equal(config.user_count, 0);
}

static void nothing_means_tls_1_2_and_1_3_when_there_is_a_certificate(void **state)
{
	struct web_config config;

	(void)state;
	assert_true(web_config_read(&config, "", 0));
	assert_false(config.has_tls);
	char *priorities = tls_priorities_string(&config.priorities);
	assert_string_equal(priorities,
			    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE");
	free(priorities);
	web_config_release(&config);
}

/* Whether GnuTLS takes them, and what it then offers. */
static unsigned protocols_of(const struct tls_priorities *priorities)
{
	char *string = tls_priorities_string(priorities);
	gnutls_priority_t compiled;
	const unsigned *list;

	assert_non_null(string);
	if (gnutls_priority_init(&compiled, string, NULL) != 0)
		fail_msg("%s", string);
	const int count = gnutls_priority_protocol_list(compiled, &list);
	gnutls_priority_deinit(compiled);
	free(string);
	return (unsigned)count;
}

static void every_name_of_go_means_something_to_gnutls(void **state)
{
	static const char *const suites[] = {
		"TLS_AES_128_GCM_SHA256",
		"TLS_AES_256_GCM_SHA384",
		"TLS_CHACHA20_POLY1305_SHA256",
		"TLS_RSA_WITH_AES_128_CBC_SHA",
		"TLS_RSA_WITH_AES_256_CBC_SHA",
		"TLS_RSA_WITH_AES_128_GCM_SHA256",
		"TLS_RSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
		"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
		"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
		"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	};
	static const char *const groups[] = {"CurveP256", "CurveP384", "CurveP521", "X25519"};

	(void)state;
	for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
		struct tls_priorities priorities = tls_priorities_default;
		assert_true(tls_priorities_add_suite(&priorities, suites[i]));
		assert_int_equal(protocols_of(&priorities), 2);
	}
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		struct tls_priorities priorities = tls_priorities_default;
		assert_true(tls_priorities_add_group(&priorities, groups[i]));
		assert_int_equal(protocols_of(&priorities), 2);
	}
	for (unsigned min = 10; min <= 13; min++)
		for (unsigned max = min; max <= 13; max++)
			assert_int_equal(protocols_of(&(struct tls_priorities){.version_min = min,
									       .version_max = max}),
					 max - min + 1);
}

static void lists_are_bounded(void **state)
{
	struct web_config config;
	char text[8192] = "basic_auth_users:\n";

	(void)state;
	for (unsigned i = 0; i <= WEB_CONFIG_USERS_MAX; i++)
		sprintf(text + strlen(text), "  u%u: " HASH "\n", i);
	assert_false(web_config_read(&config, text, strlen(text)));
	assert_int_equal(config.walk.line, WEB_CONFIG_USERS_MAX + 2);
	web_config_release(&config);
	strcpy(text, "tls_server_config: {client_allowed_sans: [");
	for (unsigned i = 0; i <= WEB_CONFIG_NAMES_MAX; i++)
		strcat(text, "a,");
	strcat(text, "]}");
	assert_false(web_config_read(&config, text, strlen(text)));
	assert_string_equal(config.walk.reason, "client_allowed_sans: too many");
	web_config_release(&config);
	strcpy(text, "tls_server_config: {cipher_suites: [");
	for (unsigned i = 0; i <= TLS_PRIORITIES_SUITES_MAX; i++)
		strcat(text, "TLS_AES_128_GCM_SHA256,");
	strcat(text, "]}");
	assert_false(web_config_read(&config, text, strlen(text)));
	web_config_release(&config);
}

/* For the sanitizers: a good file with a few bytes changed, or cut. */
static void no_text_does_harm(void **state)
{
	static const char letters[] = "\n :-[]{}&*!|>'\"%@`#a\xff";
	struct web_config config;
	char text[sizeof all];
	unsigned good = 0;

	(void)state;
	for (unsigned round = 0; round < 5000; round++) {
		size_t bytes = strlen(all);
		memcpy(text, all, bytes);
		for (size_t changes = below(4); changes > 0; changes--)
			text[below(bytes)] = letters[below(sizeof letters)];
		bytes -= below(2) ? below(bytes) : 0;
		const bool taken = web_config_read(&config, text, bytes);
		assert_true(taken || config.walk.reason[0] != '\0');
		good += taken;
		web_config_release(&config);
	}
	assert_in_range(good, 100, 4900);
}

static void aliases_end(void **state)
{
	static const char text[] = "basic_auth_users: &a {x: *a}\n";
	struct web_config config;

	(void)state;
	assert_false(web_config_read(&config, text, strlen(text)));
	web_config_release(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(nothing_means_tls_1_2_and_1_3_when_there_is_a_certificate),
		cmocka_unit_test(every_name_of_go_means_something_to_gnutls),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(no_text_does_harm),
		cmocka_unit_test(aliases_end),
	};

	dice = dice_seed();
	return cmocka_run_group_tests_name("web_config", tests, NULL, NULL);
}

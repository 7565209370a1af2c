/* SPDX-License-Identifier: MIT */
/* Access to the endpoints; see access.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "authorization.h"
#include "base/log.h"
#include "passwords.h"
#include "token_file.h"
#include "web_file.h"

#define REFRESH_NS UINT64_C(1000000000)

struct access {
	struct token_file token_files[ACCESS_TOKEN_FILES_MAX];
	unsigned token_file_count;
	struct web_file web;
	struct passwords *passwords;
	uint64_t refreshed_ns;
	unsigned refused_count; /* of the files; anybody's to read */
	char fault[1024];       /* of the first of them */
};

int access_open(struct access **opened, const struct access_options *options)
{
	struct access *access = calloc(1, sizeof *access);
	int error = access ? passwords_create(&access->passwords) : -ENOMEM;

	if (error)
		log_failure("access", strerror(-error));
	for (unsigned i = 0; i < options->token_file_count && !error; i++)
		error = token_file_open(&access->token_files[i], options->token_files[i]);
	if (!error && options->web_config_file)
		error = web_file_open(&access->web, options->web_config_file);
	if (error) {
		access_close(access);
		return error;
	}
	access->token_file_count = options->token_file_count;
	access->web.must_protect = options->token_file_count == 0;
	*opened = access;
	return 0;
}

void access_close(struct access *access)
{
	if (!access)
		return;
	web_file_close(&access->web);
	passwords_destroy(access->passwords);
	free(access);
}

bool access_protects(const struct access *access)
{
	return access->token_file_count > 0 || web_file_protects(&access->web);
}

bool access_has_tls(const struct access *access)
{
	return access->web.tls != NULL;
}

void access_grant(const struct access *access, struct sandbox_grants *grants)
{
	for (unsigned i = 0; i < access->token_file_count; i++)
		sandbox_grant_around(grants, access->token_files[i].watch.path, SANDBOX_READ);
	for (unsigned i = 0; i < WEB_FILE_COUNT; i++)
		if (access->web.paths[i])
			sandbox_grant_around(grants, access->web.paths[i], SANDBOX_READ);
}

const struct http_header *access_headers(const struct access *access)
{
	return access->web.config.headers;
}

bool access_takes_tokens(const struct access *access)
{
	return access->token_file_count > 0;
}

bool access_takes_passwords(const struct access *access)
{
	return access->web.config.user_count > 0;
}

int access_start(struct access *access)
{
	return passwords_start(access->passwords);
}

void access_stop(struct access *access)
{
	passwords_stop(access->passwords);
}

int access_fd(const struct access *access)
{
	return passwords_fd(access->passwords);
}

void access_drop(struct access *access, bool (*is_gone)(void *who))
{
	passwords_drop(access->passwords, is_gone);
}

void *access_next(struct access *access)
{
	return passwords_next_done(access->passwords);
}

static void look(struct access *access)
{
	unsigned refused = 0;

	for (unsigned i = 0; i < access->token_file_count; i++) {
		struct token_file *file = &access->token_files[i];
		token_file_refresh(file);
		if (file->wrong && refused++ == 0)
			snprintf(access->fault, sizeof access->fault, "%s: %s", file->watch.path,
				 file->wrong);
	}
	web_file_refresh(&access->web);
	if (access->web.fault[0] && refused++ == 0)
		snprintf(access->fault, sizeof access->fault, "%s", access->web.fault);
	/* relaxed: a figure by itself. */
	__atomic_store_n(&access->refused_count, refused, __ATOMIC_RELAXED);
}

static void refresh(struct access *access, uint64_t now_ns)
{
	if (now_ns - access->refreshed_ns < REFRESH_NS)
		return;
	access->refreshed_ns = now_ns;
	look(access);
}

const char *access_reload(struct access *access, uint64_t now_ns)
{
	access->refreshed_ns = now_ns;
	look(access);
	return access->refused_count > 0 ? access->fault : NULL;
}

unsigned access_refused_count(const struct access *access)
{
	/* relaxed: see look. */
	return __atomic_load_n(&access->refused_count, __ATOMIC_RELAXED);
}

bool access_begin_tls(struct access *access, gnutls_session_t session, uint64_t now_ns)
{
	refresh(access, now_ns);
	return tls_begin(access->web.tls, session) == 0;
}

/* All files are looked through, whichever has it. */
static bool is_token(const struct access *access, const struct authorization *authorization)
{
	unsigned found = 0;

	for (unsigned i = 0; i < access->token_file_count; i++)
		found |= token_set_has(&access->token_files[i].tokens, authorization->credential,
				       authorization->bytes);
	return found;
}

static const struct web_user *find_user(const struct web_config *config, const char *name)
{
	for (size_t i = 0; i < config->user_count; i++)
		if (strcmp(config->users[i].name, name) == 0)
			return &config->users[i];
	return NULL;
}

static enum access_verdict judge_login(struct access *access,
				       const struct authorization_login *login, void *who)
{
	const struct web_config *config = &access->web.config;
	const struct web_user *user = find_user(config, login->name);
	const struct password_question question = {
		.name = login->name,
		.password = login->password,
		.hash = user ? user->hash : config->users[0].hash,
		.is_user = user != NULL,
	};

	switch (passwords_look_up(access->passwords, &question)) {
	case PASSWORD_RIGHT:
		return ACCESS_GRANTED;
	case PASSWORD_WRONG:
		return ACCESS_DENIED;
	case PASSWORD_UNKNOWN:
		break;
	}
	return passwords_ask(access->passwords, &question, who) == 0 ? ACCESS_WAITS : ACCESS_DENIED;
}

static enum access_verdict judge_password(struct access *access,
					  const struct authorization *authorization, void *who)
{
	struct authorization_login login;

	if (!access_takes_passwords(access) || !authorization_login(authorization, &login))
		return ACCESS_DENIED;
	const enum access_verdict verdict = judge_login(access, &login, who);
	authorization_login_release(&login);
	return verdict;
}

static bool is_open(const char *path)
{
	return strcmp(path, "/-/healthy") == 0 || strcmp(path, "/-/ready") == 0;
}

enum access_verdict access_judge(struct access *access, const struct access_request *request,
				 void *who)
{
	refresh(access, request->now_ns);
	if (is_open(request->path) ||
	    (!access_takes_tokens(access) && !access_takes_passwords(access)))
		return ACCESS_GRANTED;
	const struct authorization authorization = authorization_parse(request->authorization);
	switch (authorization.scheme) {
	case AUTHORIZATION_BEARER:
		return is_token(access, &authorization) ? ACCESS_GRANTED : ACCESS_DENIED;
	case AUTHORIZATION_BASIC:
		return judge_password(access, &authorization, who);
	case AUTHORIZATION_OTHER:
		break;
	}
	return ACCESS_DENIED;
}

/* SPDX-License-Identifier: MIT */
/* The web configuration on disk; see web_file.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "web_file.h"

#define PEM_BYTES_MAX (1u << 20)

/* What is being read, until it is known to be good. */
struct candidate {
	struct web_config config;
	struct file_watch watches[WEB_FILE_COUNT];
	char *paths[WEB_FILE_COUNT];
	struct file files[WEB_FILE_COUNT];
	struct tls *tls;
};

static bool protects(const struct web_config *config)
{
	return config->user_count > 0 || config->client_auth == WEB_CLIENT_VERIFIED;
}

bool web_file_protects(const struct web_file *web)
{
	return protects(&web->config);
}

static bool fail(struct web_file *web, const char *path, const char *reason)
{
	snprintf(web->fault, sizeof web->fault, "%s: %s", path, reason);
	return false;
}

/* As the toolkit does: relative to the file that has it. */
static char *resolve(const char *config_path, const char *path)
{
	const char *slash = strrchr(config_path, '/');
	char *resolved;

	if (*path == '/' || !slash)
		return strdup(path);
	if (asprintf(&resolved, "%.*s/%s", (int)(slash - config_path), config_path, path) < 0)
		return NULL;
	return resolved;
}

/* The watch comes first: what changes while it is read shows later. */
static bool read_file(struct web_file *web, struct candidate *new, unsigned index, size_t bytes_max)
{
	new->watches[index].path = new->paths[index];
	file_look(&new->watches[index]);
	const char *wrong = file_read(&new->files[index], new->paths[index], bytes_max);
	return !wrong || fail(web, new->paths[index], wrong);
}

static bool read_config(struct web_file *web, struct candidate *new)
{
	char reason[256];

	if (!read_file(web, new, WEB_FILE_CONFIG, WEB_CONFIG_BYTES_MAX))
		return false;
	const struct file *file = &new->files[WEB_FILE_CONFIG];
	if (web_config_read(&new->config, file->data, file->bytes))
		return true;
	const struct walk *walk = &new->config.walk;
	snprintf(reason, sizeof reason, "line %zu: %s", walk->line, walk->reason);
	return fail(web, new->paths[WEB_FILE_CONFIG], reason);
}

/* The toolkit would pass over one of two. */
static bool read_source(struct web_file *web, struct candidate *new, unsigned index,
			const struct web_source *source, const char **pem)
{
	const char *config_path = new->paths[WEB_FILE_CONFIG];

	*pem = source->text;
	if (!source->path)
		return true;
	if (source->text)
		return fail(web, config_path, "has a PEM both in the file and in another one");
	new->paths[index] = resolve(config_path, source->path);
	if (!new->paths[index])
		return fail(web, config_path, "out of memory");
	if (!read_file(web, new, index, PEM_BYTES_MAX))
		return false;
	*pem = new->files[index].data;
	return true;
}

static bool read_tls(struct web_file *web, struct candidate *new)
{
	const struct web_config *config = &new->config;
	const char *const path = new->paths[WEB_FILE_CONFIG];
	struct tls_material material = {NULL, NULL, NULL};
	char reason[TLS_REASON_BYTES];

	if (!config->has_tls)
		return true;
	if (!read_source(web, new, WEB_FILE_CERT, &config->cert, &material.cert) ||
	    !read_source(web, new, WEB_FILE_KEY, &config->key, &material.key) ||
	    !read_source(web, new, WEB_FILE_CLIENT_CA, &config->client_ca, &material.client_ca))
		return false;
	new->tls = web->tls ? web->tls : tls_create();
	if (!new->tls)
		return fail(web, path, "out of memory");
	return tls_load(new->tls, config, &material, reason) || fail(web, path, reason);
}

/* What a running exporter cannot, or must not, change to. */
static bool may_follow(struct web_file *web, const struct candidate *new)
{
	const char *path = new->paths[WEB_FILE_CONFIG];

	if (!new->config.has_tls != !web->config.has_tls)
		return fail(web, path, "TLS comes and goes only when the exporter is restarted");
	if (web->must_protect && protects(&web->config) && !protects(&new->config))
		return fail(web, path, "would let everybody in; that needs a restart");
	return true;
}

static void discard(struct candidate *new)
{
	web_config_release(&new->config);
	for (unsigned i = 0; i < WEB_FILE_COUNT; i++) {
		free(new->paths[i]);
		file_forget(&new->files[i]);
	}
}

static void take(struct web_file *web, struct candidate *new)
{
	struct candidate old = {.config = web->config};

	memcpy(old.paths, web->paths, sizeof old.paths);
	memcpy(old.files, new->files, sizeof old.files);
	web->config = new->config;
	web->tls = new->tls;
	memcpy(web->watches, new->watches, sizeof web->watches);
	memcpy(web->paths, new->paths, sizeof web->paths);
	web->fault[0] = '\0';
	discard(&old);
}

static bool load(struct web_file *web, const char *path, bool is_first)
{
	struct candidate new = {.paths = {strdup(path)}};

	if (new.paths[0] && read_config(web, &new) && (is_first || may_follow(web, &new)) &&
	    read_tls(web, &new)) {
		take(web, &new);
		return true;
	}
	if (new.tls != web->tls)
		tls_destroy(new.tls);
	discard(&new);
	return false;
}

int web_file_open(struct web_file *web, const char *path)
{
	*web = (struct web_file){.tls = NULL};
	if (load(web, path, true))
		return 0;
	log_failure("--web.config.file", web->fault);
	web_file_close(web);
	return -EINVAL;
}

void web_file_close(struct web_file *web)
{
	web_config_release(&web->config);
	tls_destroy(web->tls);
	for (unsigned i = 0; i < WEB_FILE_COUNT; i++)
		free(web->paths[i]);
	*web = (struct web_file){.tls = NULL};
}

static enum file_change look(struct web_file *web)
{
	enum file_change newest = FILE_SAME;

	for (unsigned i = 0; i < WEB_FILE_COUNT; i++) {
		if (!web->paths[i])
			continue;
		const enum file_change change = file_look(&web->watches[i]);
		newest = change > newest ? change : newest;
	}
	return newest;
}

void web_file_refresh(struct web_file *web)
{
	char fault[sizeof web->fault];
	const enum file_change change = look(web);

	/* After a failure it may be a file that nothing knows of yet which makes it good. */
	if (!web->paths[WEB_FILE_CONFIG] || (change == FILE_SAME && web->fault[0] == '\0'))
		return;
	memcpy(fault, web->fault, sizeof fault);
	if (!load(web, web->paths[WEB_FILE_CONFIG], false)) {
		if (strcmp(fault, web->fault) != 0)
			log_event(LOG_ERROR, "the web configuration stays as it was", "reason",
				  web->fault, NULL);
	} else if (change == FILE_CHANGED || fault[0] != '\0') {
		log_event(LOG_INFO, "web configuration read", "file", web->paths[WEB_FILE_CONFIG],
			  NULL);
	}
}

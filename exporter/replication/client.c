/* SPDX-License-Identifier: MIT */
/* HTTP requests within limits; see client.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define CONNECT_TIMEOUT_MS 3000L

/* Of an URL that is plain text. What curl makes of it counts, so it is curl that takes it apart. */
static const char *parts_fault(CURLU *parts, const char *url)
{
	const CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, 0);
	const char *fault = NULL;
	char *port = NULL;

	if (code != CURLUE_OK)
		return curl_url_strerror(code);
	if (curl_url_get(parts, CURLUPART_PORT, &port, 0) == CURLUE_OK && strcmp(port, "0") == 0)
		fault = "port 0 is none";
	curl_free(port);
	return fault;
}

const char *client_url_fault(const char *url)
{
	const size_t scheme_bytes = strncasecmp(url, "http://", 7) == 0    ? 7
				    : strncasecmp(url, "https://", 8) == 0 ? 8
									   : 0;

	if (scheme_bytes == 0)
		return "a URL begins with http:// or https://";
	if (strlen(url) > CLIENT_URL_BYTES_MAX)
		return "the URL is too long";
	for (const char *c = url; *c; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return "the URL has a character that must be escaped";
	if (strpbrk(url, "?#"))
		return "the URL must end with its path";
	if (url[scheme_bytes] == '/') /* curl would take the path for a host */
		return "the URL has no host";
	CURLU *parts = curl_url();
	const char *fault = parts ? parts_fault(parts, url) : "out of memory";
	curl_url_cleanup(parts);
	return fault;
}

static void trim_slashes(char *url)
{
	size_t bytes = strlen(url);

	while (bytes > 0 && url[bytes - 1] == '/')
		url[--bytes] = '\0';
}

/* The URL without user and password; NULL for want of memory. */
static char *without_secrets(const char *url)
{
	CURLU *parts = curl_url();
	char *bare = NULL, *copy = NULL;

	if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_set(parts, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
	    curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_URL, &bare, 0) == CURLUE_OK)
		copy = strdup(bare);
	curl_free(bare);
	curl_url_cleanup(parts);
	return copy;
}

static size_t take_answer(char *data, size_t size, size_t count, void *argument)
{
	struct client *client = argument;
	const size_t bytes = size * count, room = sizeof client->answer - 1;

	if (client->answer_bytes < room) {
		const size_t left = room - client->answer_bytes;
		memcpy(client->answer + client->answer_bytes, data, bytes < left ? bytes : left);
	}
	client->answer_bytes += bytes;
	return client->answer_bytes > CLIENT_ANSWER_BYTES_MAX ? 0 : bytes;
}

static int set_limits(struct client *client, void *context)
{
	CURL *easy = client->easy;

	if (curl_easy_setopt(easy, CURLOPT_PRIVATE, context) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_USERAGENT, "ring-exporter/" RING_VERSION) != CURLE_OK)
		return -ENOMEM;
	/* These take no memory. No redirect is followed and no .netrc read unless asked for. */
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Else a name server that does not answer would hold up everybody: curl would wait for its
	 * thread that asks. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
	return 0;
}

int client_open(struct client *client, const char *url, void *context)
{
	int error = -ENOMEM;

	*client = (struct client){.easy = NULL};
	if (client_url_fault(url))
		return -EINVAL;
	client->easy = curl_easy_init();
	client->headers = curl_slist_append(NULL, "Content-Type: application/json");
	client->base = strdup(url);
	client->shown = without_secrets(url);
	client->url = malloc(2 * CLIENT_URL_BYTES_MAX);
	if (client->easy && client->headers && client->base && client->shown && client->url)
		error = set_limits(client, context);
	if (error) {
		client_close(client);
		return error;
	}
	trim_slashes(client->base);
	trim_slashes(client->shown);
	return 0;
}

void client_close(struct client *client)
{
	curl_easy_cleanup(client->easy);
	curl_slist_free_all(client->headers);
	free(client->base);
	free(client->shown);
	free(client->url);
	*client = (struct client){.easy = NULL};
}

int client_post_json(struct client *client, const char *path, long timeout_ms, const char *body,
		     size_t bytes)
{
	client->answer_bytes = 0;
	client->error[0] = '\0';
	memset(client->answer, 0, sizeof client->answer);
	snprintf(client->url, 2 * CLIENT_URL_BYTES_MAX, "%s%s", client->base, path);
	curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, client->headers);
	curl_easy_setopt(client->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(client->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes);
	curl_easy_setopt(client->easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	return curl_easy_setopt(client->easy, CURLOPT_URL, client->url) == CURLE_OK ? 0 : -ENOMEM;
}

void *client_context(CURL *easy)
{
	void *context = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context);
	return context;
}

long client_result(const struct client *client, CURLcode code, char *reason, size_t bytes)
{
	const int first_line = (int)strcspn(client->answer, "\r\n");
	long status = 0;

	if (client->answer_bytes > CLIENT_ANSWER_BYTES_MAX) {
		snprintf(reason, bytes, "the answer does not end");
	} else if (code != CURLE_OK) {
		snprintf(reason, bytes, "%s",
			 client->error[0] ? client->error : curl_easy_strerror(code));
	} else {
		curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
		snprintf(reason, bytes, "status %ld%s%.*s", status, first_line > 0 ? ": " : "",
			 first_line, client->answer);
	}
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests to one server, one at a time, through libcurl's multi interface, with limits on
 * everything that the server could do to us: its time, the size of its answer, where it sends us.
 * What the surroundings say is not asked: no proxy from the environment, no .netrc.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#define CLIENT_ANSWER_BYTES_MAX (64u << 10)
#define CLIENT_URL_BYTES_MAX    2048u

struct client {
	CURL *easy;
	struct curl_slist *headers;
	char *base;          /* the URL without a slash at its end */
	char *shown;         /* that without user and password */
	char *url;           /* of the present request */
	char answer[160];    /* how its body begins */
	size_t answer_bytes; /* how long it is */
	char error[CURL_ERROR_SIZE];
};

/* What is wrong with the base of URLs, in words, or NULL. Names are not looked up. */
const char *client_url_fault(const char *url);

/* `context` is what client_context finds later. Returns 0, -ENOMEM, or -EINVAL for a URL that has
 * a fault. */
int client_open(struct client *client, const char *url, void *context);
void client_close(struct client *client);

/* Makes it ready to be added to a multi handle. The body stays the caller's and must stand until
 * the request is done. Returns 0 or -ENOMEM. */
int client_post_json(struct client *client, const char *path, long timeout_ms, const char *body,
		     size_t bytes);

void *client_context(CURL *easy);

/* Once it is done: the status, or 0 when there was no answer; and for any other status than a 2xx
 * why, in words. */
long client_result(const struct client *client, CURLcode code, char *reason, size_t bytes);

#endif

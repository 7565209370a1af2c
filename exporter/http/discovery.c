/* SPDX-License-Identifier: MIT */
/* A list of one target; see discovery.h. */
#include <string.h>
#include <strings.h>

#include "discovery.h"

/* Parts of a URL. */
struct place {
	const char *scheme, *host, *prefix;
	size_t host_bytes, prefix_bytes;
};

static struct place place_of(const struct discovery *discovery)
{
	const char *url = discovery->external_url;

	if (!url)
		return (struct place){
			.scheme = discovery->is_tls ? "https" : "http",
			.host = discovery->host,
			.host_bytes = strlen(discovery->host),
			.prefix = "",
		};
	struct place place = {.scheme = strncasecmp(url, "https:", 6) == 0 ? "https" : "http"};
	place.host = strstr(url, "//") + 2;
	place.host_bytes = strcspn(place.host, "/?#");
	place.prefix = place.host + place.host_bytes;
	place.prefix_bytes = strcspn(place.prefix, "?#");
	while (place.prefix_bytes > 0 && place.prefix[place.prefix_bytes - 1] == '/')
		place.prefix_bytes--;
	return place;
}

void discovery_json(struct text *text, const struct discovery *discovery)
{
	const struct place place = place_of(discovery);

	text_string(text, "[{\"targets\":[\"");
	text_quoted(text, place.host, place.host_bytes);
	text_string(text, "\"],\"labels\":{\"__scheme__\":\"");
	text_string(text, place.scheme);
	text_string(text, "\",\"__metrics_path__\":\"");
	text_quoted(text, place.prefix, place.prefix_bytes);
	text_quoted(text, discovery->metrics_path, strlen(discovery->metrics_path));
	text_string(text, "\"}}]\n");
}

/* SPDX-License-Identifier: MIT */
/* Addresses to listen on; see address.h. */
#include <stdlib.h>
#include <string.h>

#include "address.h"

static const char *parse_path(const char *given, const char *path, struct address *address)
{
	address->text = given;
	address->host[0] = address->port[0] = '\0';
	if (path[0] != '/')
		return "the path of a socket must begin with a slash";
	if (strlen(path) >= sizeof address->path)
		return "the path of a socket must be shorter than 108 bytes";
	strcpy(address->path, path);
	return NULL;
}

const char *address_parse(const char *given, struct address *address)
{
	if (strncmp(given, "unix:", 5) == 0)
		return parse_path(given, given + 5, address);
	const char *text = given, *colon = strrchr(given, ':');
	size_t host_bytes = colon ? (size_t)(colon - text) : 0;

	if (!colon)
		return "must be HOST:PORT, :PORT, [V6]:PORT or unix:PATH";
	const size_t digits = strspn(colon + 1, "0123456789");
	if (digits == 0 || digits > 5 || colon[1 + digits] != '\0' || atoi(colon + 1) > 65535)
		return "the port must be a number from 0 to 65535";
	if (text[0] == '[') {
		if (host_bytes < 3 || text[host_bytes - 1] != ']')
			return "an IPv6 address must stand in brackets";
		text++;
		host_bytes -= 2;
	} else if (memchr(text, ':', host_bytes)) {
		return "an IPv6 address must stand in brackets";
	}
	if (host_bytes >= sizeof address->host)
		return "the host name is too long";
	address->text = given;
	address->path[0] = '\0';
	memcpy(address->host, text, host_bytes);
	address->host[host_bytes] = '\0';
	memcpy(address->port, colon + 1, digits + 1);
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/* Addresses to listen on; see address.h. */
#include <stdlib.h>
#include <string.h>

#include "address.h"

const char *address_parse(const char *given, struct address *address)
{
	const char *text = given, *colon = strrchr(given, ':');
	size_t host_bytes = colon ? (size_t)(colon - text) : 0;

	if (!colon)
		return "must be HOST:PORT, :PORT or [V6]:PORT";
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
	memcpy(address->host, text, host_bytes);
	address->host[host_bytes] = '\0';
	memcpy(address->port, colon + 1, digits + 1);
	return NULL;
}

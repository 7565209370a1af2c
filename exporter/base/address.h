/* SPDX-License-Identifier: MIT */
/*
 * Addresses to listen on, as the command line has them: `host:port`, `:port`, `[v6]:port` or
 * `unix:/path`. Names are not looked up. Pure.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#define ADDRESS_HOST_BYTES 256u
#define ADDRESS_PATH_BYTES 108u /* as sockaddr_un has */

struct address {
	const char *text;              /* as it was given */
	char host[ADDRESS_HOST_BYTES]; /* a name or a number; "" for every interface */
	char port[6];
	char path[ADDRESS_PATH_BYTES]; /* of a Unix-domain socket, which has neither; else "" */
};

/* Returns NULL, or what is wrong in words. What is given must stand as long as the address. */
const char *address_parse(const char *given, struct address *address);

#endif

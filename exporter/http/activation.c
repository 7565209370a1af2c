/* SPDX-License-Identifier: MIT */
/* Socket activation; see activation.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activation.h"
#include "base/log.h"

/* Returns false if it is no number, or none that an int has room for. */
static bool parse(const char *value, unsigned *number)
{
	const size_t digits = strspn(value, "0123456789");

	if (digits == 0 || digits > 9 || value[digits] != '\0')
		return false;
	*number = (unsigned)strtoul(value, NULL, 10);
	return true;
}

/* One for each, between colons. Returns NULL, or what is wrong. */
static const char *take_names(struct activation *activation, const char *names)
{
	for (unsigned i = 0; i < activation->count; i++) {
		const size_t bytes = strcspn(names, ":");
		if (bytes >= ACTIVATION_NAME_BYTES)
			return "LISTEN_FDNAMES has a name that is too long";
		memcpy(activation->names[i], names, bytes); /* zeros follow */
		names += bytes;
		if ((*names == '\0') != (i + 1 == activation->count))
			return "LISTEN_FDNAMES has not one name for each";
		names++;
	}
	return NULL;
}

static void number_names(struct activation *activation)
{
	for (unsigned i = 0; i < activation->count; i++)
		snprintf(activation->names[i], ACTIVATION_NAME_BYTES, "%u",
			 ACTIVATION_FD_FIRST + i);
}

static const char *take(struct activation *activation)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	unsigned number;

	if (!pid || !fds)
		return NULL;
	if (!parse(pid, &number))
		return "LISTEN_PID is no number";
	if ((pid_t)number != getpid())
		return NULL;
	if (!parse(fds, &number))
		return "LISTEN_FDS is no number";
	if (number > LISTEN_SOCKETS_MAX)
		return "LISTEN_FDS says that there are more than 32";
	activation->count = number;
	for (unsigned i = 0; i < number; i++)
		if (fcntl(ACTIVATION_FD_FIRST + (int)i, F_SETFD, FD_CLOEXEC) != 0)
			return "LISTEN_FDS says that there are more than are open";
	if (names && number > 0)
		return take_names(activation, names);
	number_names(activation);
	return NULL;
}

int activation_read(struct activation *activation)
{
	*activation = (struct activation){.count = 0};
	const char *wrong = take(activation);
	if (wrong)
		log_failure("sockets of the service manager", wrong);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return wrong ? -EINVAL : 0;
}

/* SPDX-License-Identifier: MIT */
/* The service manager; see supervisor.h. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervisor.h"

#define LOOK_NS_UNTIL_READY UINT64_C(10000000)
#define LOOK_NS_MAX         UINT64_C(3600000000000)
#define LOOKS_PER_WATCHDOG  4u

/* Returns a descriptor or a negative errno. */
static int connect_to(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const size_t bytes = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || bytes >= sizeof address.sun_path)
		return -EAFNOSUPPORT;
	memcpy(address.sun_path, name, bytes);
	if (name[0] == '@') /* the abstract namespace */
		address.sun_path[0] = '\0';
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Now, as the sandbox allows it to nobody. */
	if (connect(fd, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes)) == 0)
		return fd;
	const int error = -errno;
	close(fd);
	return error;
}

/* Of an environment variable; 0 if it is none. */
static uint64_t number_of(const char *name)
{
	const char *value = getenv(name);
	const size_t digits = value ? strspn(value, "0123456789") : 0;

	return digits > 0 && digits < 16 && value[digits] == '\0' ? strtoull(value, NULL, 10) : 0;
}

static uint64_t watchdog_ns(void)
{
	if (getenv("WATCHDOG_PID") && number_of("WATCHDOG_PID") != (uint64_t)getpid())
		return 0; /* it was meant for a parent of ours */
	return number_of("WATCHDOG_USEC") * 1000;
}

void supervisor_open(struct supervisor *supervisor)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*supervisor = (struct supervisor){.fd = -1, .ready_turns = 1};
	if (name) {
		const int fd = connect_to(name);
		if (fd < 0)
			log_event(LOG_WARN, "the service manager cannot be told", "socket", name,
				  "reason", strerror(-fd), NULL);
		else
			supervisor->fd = fd;
		supervisor->watchdog_ns = watchdog_ns();
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void supervisor_close(struct supervisor *supervisor)
{
	if (supervisor->fd >= 0)
		close(supervisor->fd);
	supervisor->fd = -1;
}

/* A manager that does not read holds nobody up. */
static bool tell(const struct supervisor *supervisor, const char *message)
{
	return supervisor->fd < 0 ||
	       send(supervisor->fd, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

uint64_t supervisor_look(struct supervisor *supervisor, uint64_t ticks, uint64_t turns)
{
	if (supervisor->fd < 0)
		return LOOK_NS_MAX;
	if (!supervisor->is_told && ticks > 0 && turns >= supervisor->ready_turns)
		supervisor->is_told = tell(supervisor, "READY=1\nSTATUS=Serving");
	/* Ready or not: one reload after the other is no hang. */
	if (supervisor->watchdog_ns > 0 && ticks != supervisor->ticks &&
	    turns != supervisor->turns && tell(supervisor, "WATCHDOG=1")) {
		supervisor->ticks = ticks;
		supervisor->turns = turns;
	}
	if (!supervisor->is_told)
		return LOOK_NS_UNTIL_READY;
	return supervisor->watchdog_ns > 0 ? supervisor->watchdog_ns / LOOKS_PER_WATCHDOG
					   : LOOK_NS_MAX;
}

void supervisor_reloading(struct supervisor *supervisor, uint64_t turns)
{
	char message[96];

	snprintf(message, sizeof message,
		 "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reading the configuration",
		 clock_monotonic_ns() / 1000);
	/* What is not told must not be taken back either. */
	if (tell(supervisor, message))
		supervisor->is_told = false;
	/* One turn may have begun before. */
	supervisor->ready_turns = turns + 2;
}

void supervisor_stopping(const struct supervisor *supervisor)
{
	tell(supervisor, "STOPPING=1\nSTATUS=Finishing requests");
}

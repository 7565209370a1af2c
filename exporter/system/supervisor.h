/* SPDX-License-Identifier: MIT */
/*
 * What the service manager that started us is told: that we serve, reload or stop, and, for its
 * watchdog, that both loops still turn. The protocol is systemd's: datagrams to a socket that the
 * environment names. Without one nobody is told anything.
 *
 * The main thread's own. What cannot be sent is sent at the next look.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

struct supervisor {
	int fd;                /* -1: nobody wants to know */
	uint64_t watchdog_ns;  /* within which a sign of life is due; 0: none is */
	bool is_told;          /* that we are ready */
	uint64_t ready_turns;  /* before which we are not */
	uint64_t ticks, turns; /* as they were at the last sign of life */
};

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment. Before there are
 * threads. */
void supervisor_open(struct supervisor *supervisor);
void supervisor_close(struct supervisor *supervisor);

/* How often the drain thread has published and the HTTP thread has turned, since they started. Says
 * that we are ready when both have begun, and that we live whenever both have gone on.
 * Returns the time in which to look again. */
uint64_t supervisor_look(struct supervisor *supervisor, uint64_t ticks, uint64_t turns);

/* A reload is about to be asked for, which the HTTP thread does by its next turn but one. The
 * manager waits until a look says that we are ready again. */
void supervisor_reloading(struct supervisor *supervisor, uint64_t turns);

void supervisor_stopping(const struct supervisor *supervisor);

#endif

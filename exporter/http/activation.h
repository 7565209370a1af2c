/* SPDX-License-Identifier: MIT */
/*
 * Sockets that the service manager has opened for us: systemd's socket activation, in which the
 * environment says how many descriptors there are from the third on.
 */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include "listen.h"

#define ACTIVATION_FD_FIRST   3
#define ACTIVATION_NAME_BYTES 256u

struct activation {
	unsigned count;
	char names[LISTEN_SOCKETS_MAX]
		  [ACTIVATION_NAME_BYTES]; /* as the unit has them, or a number */
};

/* Takes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES out of the environment. No sockets is no failure,
 * nor are some that are meant for another process. Before there are threads. Returns 0, or -EINVAL
 * after one line on stderr. */
int activation_read(struct activation *activation);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What is under /debug/pprof/, for google-pprof and `go tool pprof`: CPU profiles of this process,
 * and the names of functions for the addresses in them.
 *
 *   GET    /debug/pprof/profile?seconds=N   a profile of the next N seconds, one at a time
 *   GET    /debug/pprof/symbol              how many functions have names
 *   POST   /debug/pprof/symbol              the names at addresses, 0x1+0x2+...
 *   GET    /debug/pprof/cmdline             the program's path
 *   GET    /debug/pprof/                    all of this as links
 *
 * A request for a profile waits: begin ──▶ fd is readable, or stop ──▶ next: answer it then.
 *
 * After the start all calls are the HTTP thread's.
 */
#ifndef PPROF_H
#define PPROF_H

#include "request.h"

#define PPROF_BODY_BYTES_MAX (128u << 10) /* some 6,000 addresses */

struct pprof;

/* Before there are threads. Returns 0, or a negative errno after a line on stderr. */
int pprof_open(struct pprof **pprof);
void pprof_close(struct pprof *pprof);

/* A part of a request's body. */
void pprof_take(struct pprof *pprof, struct MHD_Connection *connection, const char *data,
		size_t bytes);

/* Whether the request is for a profile, which has begun now: hold the request. */
bool pprof_begin(struct pprof *pprof, struct MHD_Connection *connection,
		 const struct request_line *line);
/* Queues the answer to any other request, or to one whose profile has ended. */
enum MHD_Result pprof_answer(struct pprof *pprof, struct MHD_Connection *connection,
			     const struct request_line *line);
/* The request is over, answered or not: nothing of it stays. */
void pprof_forget(struct pprof *pprof, struct MHD_Connection *connection);

/* Readable when the profile's time has come, or who has asked for it is gone. */
int pprof_fd(const struct pprof *pprof);
/* Ends the profile whose time has come. Returns whose it is, or NULL. */
struct MHD_Connection *pprof_next(struct pprof *pprof);
/* Its time has come, whatever was asked for, and no other begins. */
void pprof_stop(struct pprof *pprof);

#endif

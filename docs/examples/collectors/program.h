/* SPDX-License-Identifier: MIT */
/*
 * What the programs of this folder share: a command line, a segment with a poller in it, and the
 * wait for the end. What of that fails ends the program: one line, exit status 2.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include <ring/poll.h>
#include <ring/segment.h>

#define REASON_BYTES 256

struct program {
	const char *name;
	const char *usage;
	const char *segment; /* its name, where --segment is not given */
	const char *dir;     /* NULL: libring's own choice */
	unsigned interval_ms;
	struct ring_segment *ring;
	struct ring_poller *poller;
};

/* Whether a source had an answer when it was asked last, which is said when it changes. */
struct voice {
	const char *program, *object;
	bool silent;
};

/* Takes the options in; returns where the arguments begin. From here on SIGTERM and SIGINT wait
 * for program_told_to_end, in every thread. */
int program_options(struct program *program, int argc, char **argv);

_Noreturn void program_refuse(const struct program *program, const char *object,
			      const char *reason);

/* Makes the segment, with these metrics and the poller's. */
void program_open(struct program *program, const struct ring_metric_def *metrics, size_t count);

/* Polls the source from now on, at the program's interval. */
void program_poll(struct program *program, struct ring_source source);

/* Waits, for ever where wait_ms is negative; returns whether it is time to end. */
bool program_told_to_end(int wait_ms);

/* Ends the poller and gives the segment up; returns the exit status. */
int program_close(struct program *program);

/* What became of a poll: `answer`, or, where there is a reason, no answer for it. */
enum ring_answer voice_answer(struct voice *voice, enum ring_answer answer, const char *reason);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The fuzz target of everything that reads foreign bytes. Built with libFuzzer by `./dev torture`,
 * and without it into the test that replays the corpus.
 */
#include "fuzz_target.h"

#include <stdio.h>
#include <stdlib.h>

#include "edits.h"
#include "victim.h"
#include "visit.h"

static struct victim victim;

static void remove_victim(void)
{
	victim_close(&victim);
}

static void make_victim(void)
{
	const int error = victim_open(&victim);

	atexit(remove_victim);
	if (error) {
		fprintf(stderr, "fuzz_reader: %s: cannot make the segment: error %d\n", victim.dir,
			-error);
		exit(1);
	}
}

/* Damages a sound segment as the input says (edits.h) and reads it. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes)
{
	if (!victim.map)
		make_victim();
	edits_apply(&victim, input, bytes);
	const struct visit visit = visit_path(victim.dir_fd, VICTIM_NAME);
	victim_restore(&victim);
	if (visit.broken || visit.result < 0) {
		fprintf(stderr, "fuzz_reader: %s: %s, result %d\n", victim.dir,
			visit.broken ? visit.broken : "no promise broken", visit.result);
		abort();
	}
	return 0;
}

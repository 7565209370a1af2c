/* SPDX-License-Identifier: MIT */
/*
 * A traced child that makes one kind of call over and over, so that the parent can count what
 * each call takes.
 */
#ifndef COST_STAGE_H
#define COST_STAGE_H

#include "numbered.h"
#include "records.h"
#include "tracee.h"

enum writer_state {
	WRITER_SINGLE, /* publishes each sample */
	WRITER_BURST,  /* between ring_burst_begin and ring_burst_end */
	WRITER_NOOP,   /* the claim was refused */
};

struct stage {
	record_call *call;
	enum ring_kind kind; /* of the handle */
	bool zero_handle;
	enum writer_state state;
	unsigned calls;
	struct scene scene;
	struct tracee tracee;
};

#define STAGE_SLOTS     16u
#define STAGE_BURST_MAX 4u

/* Starts the child, ready for its first call. The caller has filled in what comes before
 * `scene`. Returns 0 or a negative errno. */
int stage_begin(struct stage *stage);

/* Kills it and removes its segment; twice is harmless. */
void stage_end(struct stage *stage);

/* The stages of the traced child, which also ends behind its last call. Calls count from 0. */
static inline uint64_t stage_before(unsigned call)
{
	return 1 + 2 * (uint64_t)call;
}

static inline uint64_t stage_after(unsigned call)
{
	return 2 + 2 * (uint64_t)call;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the traced child does.
 */
#include "stage.h"

static struct ring_counter handle_of(const struct owner *owner, const struct stage *stage)
{
	if (stage->zero_handle)
		return (struct ring_counter){.key = 0};
	if (stage->kind == RING_GAUGE)
		return (struct ring_counter){.key = owner->gauge.key};
	return owner->counter;
}

static void act(struct ring_word *mark, void *argument)
{
	const struct stage *stage = argument;
	struct owner owner;

	if (owner_open(&owner, &stage->scene) != 0)
		return;
	const struct ring_counter handle = handle_of(&owner, stage);
	const struct ring_histogram histogram = stage->zero_handle
							? (struct ring_histogram){.key = 0}
							: owner.histogram;
	/* Its core is taken, so the second claim gives a no-op. */
	struct ring_writer *writer = stage->state == WRITER_NOOP
					     ? ring_writer_claim(owner.segment, 0)
					     : owner.writer;
	tracee_ready();
	if (stage->state == WRITER_BURST)
		ring_burst_begin(writer);
	for (unsigned i = 0; i < stage->calls; i++) {
		tracee_enter(mark, stage_before(i));
		stage->call(writer, handle, &histogram, (double)i);
		tracee_enter(mark, stage_after(i));
	}
}

int stage_begin(struct stage *stage)
{
	const int error = scene_begin(&stage->scene, STAGE_SLOTS, STAGE_BURST_MAX);

	return error ? error : tracee_start(&stage->tracee, act, stage);
}

void stage_end(struct stage *stage)
{
	tracee_kill(&stage->tracee);
	scene_end(&stage->scene);
}

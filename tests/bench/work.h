/* SPDX-License-Identifier: MIT */
/*
 * Real work of about 25 ns, as a data plane does between two records: four chains of instructions
 * side by side, as in a checksum or a hash, about 2.7 a cycle.
 */
#ifndef WORK_H
#define WORK_H

#include <stdint.h>

#define WORK_LANES 4u
#define WORK_STEPS 17u

struct work {
	uint64_t lanes[WORK_LANES];
};

static inline uint64_t work_step(uint64_t lane, unsigned step)
{
	return (lane ^ lane >> 29) * UINT64_C(0x9e3779b97f4a7c15) + step;
}

static inline void work_do(struct work *work)
{
	uint64_t a = work->lanes[0], b = work->lanes[1], c = work->lanes[2], d = work->lanes[3];

	for (unsigned step = 0; step < WORK_STEPS; step++) {
		a = work_step(a, step);
		b = work_step(b, step);
		c = work_step(c, step);
		d = work_step(d, step);
	}
	work->lanes[0] = a;
	work->lanes[1] = b;
	work->lanes[2] = c;
	work->lanes[3] = d;
}

#endif

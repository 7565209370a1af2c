/* SPDX-License-Identifier: MIT */
/*
 * What the figures were measured on: the processor, the clock it really ran at while they were,
 * and how much else was going on.
 */
#ifndef MACHINE_H
#define MACHINE_H

void machine_begin(void);

/* Once a round: measures the core's clock, by a chain of instructions that take one cycle each,
 * and how even its time is. */
void machine_look(void);

/* Prints what was seen, as JSON lines. */
void machine_end(const char *bench);

#endif

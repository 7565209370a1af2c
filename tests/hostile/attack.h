/* SPDX-License-Identifier: MIT */
/*
 * A thread that does harm to the victim, over and over, while a test reads it.
 */
#ifndef HOSTILE_ATTACK_H
#define HOSTILE_ATTACK_H

#include <pthread.h>
#include <stdbool.h>

#include "victim.h"

/* One blow. It may leave the victim as it likes. */
typedef void attack_strike(struct victim *victim, uint64_t *dice);

/* Zero but for `victim` while nothing is going on. */
struct attack {
	struct victim *victim;
	attack_strike *strike;
	uint64_t dice;
	pthread_t thread;
	bool is_on;
};

/* Starts it, with the seed of dice_seed. Returns 0 or a negative errno. */
int attack_start(struct attack *attack, attack_strike *strike);

/* Stops it, if it is on, and restores the victim. */
void attack_stop(struct attack *attack);

#endif

/* SPDX-License-Identifier: MIT */
#include "attack.h"

#include "dice.h"

static void *run(void *argument)
{
	struct attack *attack = argument;

	/* relaxed: only the end of the loop depends on it. */
	while (__atomic_load_n(&attack->is_on, __ATOMIC_RELAXED))
		attack->strike(attack->victim, &attack->dice);
	return NULL;
}

int attack_start(struct attack *attack, attack_strike *strike)
{
	attack->strike = strike;
	attack->dice = dice_seed();
	attack->is_on = true;
	const int error = pthread_create(&attack->thread, NULL, run, attack);
	if (error)
		attack->is_on = false;
	return -error;
}

void attack_stop(struct attack *attack)
{
	if (attack->is_on) {
		/* relaxed: the join below orders everything else. */
		__atomic_store_n(&attack->is_on, false, __ATOMIC_RELAXED);
		pthread_join(attack->thread, NULL);
	}
	victim_restore(attack->victim);
}

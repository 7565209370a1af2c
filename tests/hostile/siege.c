/* SPDX-License-Identifier: MIT */
#include "siege.h"

#include <unistd.h>

#define SECONDS_MAX 110

struct victim victim;

int siege_begin(void **state)
{
	(void)state;
	alarm(SECONDS_MAX);
	return victim_open(&victim);
}

int siege_end(void **state)
{
	(void)state;
	victim_close(&victim);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The line about the machine for a benchmark that is a script: looks at the core it is started on
 * once for every line of its input, and at the end says what it saw, as the programs do.
 *
 *   look BENCH
 */
#include <stdio.h>

#include "bench.h"
#include "machine.h"

int main(int argc, char **argv)
{
	int character;

	if (argc != 2)
		return 2;
	bench_begin(argv[1], 1, argv);
	while ((character = getchar()) != EOF)
		if (character == '\n')
			machine_look();
	return bench_end();
}

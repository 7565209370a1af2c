/* SPDX-License-Identifier: MIT */
/* Figures about clients; see traffic.h. */
#include "traffic.h"

const unsigned traffic_codes[TRAFFIC_CODES_MAX + 1] = {
	200, 301, 303, 400, 401, 403, 404, 405, 411, 413, 414, 429, 431, 500, 503,
};

void traffic_set(struct traffic *traffic, enum traffic_figure figure, uint64_t value)
{
	/* relaxed: nothing else is told with it. */
	__atomic_store_n(&traffic->figures[figure], value, __ATOMIC_RELAXED);
}

void traffic_count(struct traffic *traffic, enum traffic_figure figure)
{
	traffic_set(traffic, figure, traffic_read(traffic, figure) + 1);
}

void traffic_count_answer(struct traffic *traffic, unsigned code)
{
	for (unsigned i = 0; traffic_codes[i]; i++)
		if (traffic_codes[i] == code)
			traffic_count(traffic, TRAFFIC_ANSWERED + i);
}

uint64_t traffic_read(const struct traffic *traffic, unsigned figure)
{
	/* relaxed: each figure stands for itself. */
	return __atomic_load_n(&traffic->figures[figure], __ATOMIC_RELAXED);
}

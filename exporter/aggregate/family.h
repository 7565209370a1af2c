/* SPDX-License-Identifier: MIT */
/*
 * The families of the aggregate's series, in a tsearch tree by name. A family lives while somebody
 * declares it or it has series. Pure; one thread at a time.
 */
#ifndef FAMILY_H
#define FAMILY_H

#include <sys/queue.h>

#include "catalog.h"

LIST_HEAD(series_list, series);

struct family {
	struct ring_metric_info metric; /* its texts and bounds are in `bytes` */
	struct series_list series;
	uint32_t declared_count; /* by members present, or once by a reservation */
	uint32_t named_count;    /* its series, less the overflow series */
	uint32_t overflow_count;
	uint32_t split_count; /* labels behind its own, which keep segments and cores apart */
	char bytes[] __attribute__((aligned(8)));
};

/* Order, as of strcmp. */
int family_compare(const void *a, const void *b);
int text_order(struct ring_text a, struct ring_text b);

struct family *family_find(void *const *families, struct ring_text name);
/* Finds, or adds, the family of that name, declared by nobody yet. NULL: no memory. */
struct family *family_get(void **families, const struct ring_metric_info *metric,
			  uint32_t split_count);
/* Whether values of both can be combined. Help and unit may differ: the first one's hold. */
bool family_agrees(const struct family *family, const struct ring_metric_info *metric);
/* One more member declares it. The largest budget of all is the family's; which labels overflow
 * series keep, the first one says. */
void family_declare(struct family *family, const struct ring_metric_info *metric);
/* Drops the family if it is neither declared nor shown. */
void family_release(void **families, struct family *family);

#endif

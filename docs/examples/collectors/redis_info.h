/* SPDX-License-Identifier: MIT */
/* What Redis answers to INFO, as metrics. */
#ifndef REDIS_INFO_H
#define REDIS_INFO_H

#include <stdbool.h>
#include <stddef.h>

#include <ring/poll.h>

#define REDIS_METRICS      32u
#define REDIS_RUN_ID_BYTES 64

/* Fills in the definitions, to be declared; returns how many there are. */
size_t redis_info_declare(struct ring_metric_def metrics[REDIS_METRICS]);

/* Gives the poll what the text says of that server, and takes the text to pieces. Returns whether
 * it was fit to be believed; if not, `text` stands at the line that was not. Writes the run id if
 * there is one: another id is another life of the server. */
bool redis_info_give(struct ring_poll *poll, const char *server, char **text,
		     char run_id[REDIS_RUN_ID_BYTES]);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What stands behind the paths that answer.c knows, a function each. Their methods have been
 * checked. See answer.h.
 */
#ifndef ENDPOINTS_H
#define ENDPOINTS_H

#include "answer.h"

typedef enum MHD_Result endpoint(struct answers *answers, struct MHD_Connection *connection,
				 struct status_time now);

endpoint endpoint_metrics;
endpoint endpoint_replication;
endpoint endpoint_clear;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The exporter as Prometheus' HTTP service discovery has targets: one, where whoever asks has just
 * reached it, or where it is said to be reached. Segments are no targets of their own: what data
 * planes record is added up over them. Pure.
 */
#ifndef DISCOVERY_H
#define DISCOVERY_H

#include <stdbool.h>

#include "base/text.h"

struct discovery {
	const char *external_url; /* http or https; NULL: it is not said */
	const char *host;         /* as asked for, with or without a port */
	bool is_tls;
	const char *metrics_path;
};

void discovery_json(struct text *text, const struct discovery *discovery);

#endif

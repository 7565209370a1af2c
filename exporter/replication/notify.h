/* SPDX-License-Identifier: MIT */
/*
 * Alerts to Alertmanagers (API v2), on a thread of its own. Every one of them gets every alert:
 * when it changes, again each resend delay while it holds, and after its end for as long as the
 * monitor remembers it. An alert's identity are labels that do not change; its numbers are
 * annotations: see alert_json.h.
 *
 * There is no queue, so one that is down costs no memory, however long: see delivery.h. Each has
 * one request at a time, and one that hangs delays no other: see client.h. What becomes of them is
 * logged when it changes.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "alert_json.h"
#include "watch.h"

#define NOTIFY_URLS_MAX   8u
#define NOTIFY_LABELS_MAX 16u

struct notify_options {
	const char *urls[NOTIFY_URLS_MAX]; /* http or https, up to the Alertmanager's path prefix */
	unsigned url_count;
	struct alert_label labels[NOTIFY_LABELS_MAX]; /* of every alert, besides its own */
	unsigned label_count;
	const char *external_url; /* of this exporter, for links back; NULL: none */
	uint64_t resend_ns;
};

/* About one Alertmanager. */
struct notify_figures {
	uint64_t sent;   /* alerts that it took */
	uint64_t failed; /* alerts that it did not take, each time that it did not */
	bool up;         /* it has taken all that there was; said also when there was nothing */
};

struct notify;

/* What is wrong with the URL, in words, or NULL. */
const char *notify_url_fault(const char *url);

unsigned notify_url_count(const struct notify *notify);

/* The URL without user and password, for a label or a log line: it stands as long as `notify`. */
const char *notify_url_shown(const struct notify *notify, unsigned index);

/* The watch must have a monitor. Returns 0 or a negative errno, -EEXIST for two URLs that are shown
 * alike; what it points to stays. */
int notify_create(struct notify **notify, const struct notify_options *options,
		  struct watch *watch);
void notify_destroy(struct notify *notify);

/* Tells each Alertmanager of no alerts, all at once and for 3 seconds at most: what else may be
 * ready to answer does not take that. Returns the index of the first that does not either, with the
 * reason in words, which stand until the start, or -1. Before the start. */
int notify_probe(struct notify *notify, const char **reason);

/* Return 0 or a negative errno; after a start there must be a stop, which waits for no answer. */
int notify_start(struct notify *notify);
void notify_stop(struct notify *notify);

/* Any thread. */
void notify_read(const struct notify *notify, unsigned index, struct notify_figures *figures);

#endif

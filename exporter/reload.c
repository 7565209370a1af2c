/* SPDX-License-Identifier: MIT */
/* Reloads; see reload.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "reload.h"

/* relaxed, here and in reload_read: each figure is one by itself. */
static void note_success(struct reload *reload)
{
	__atomic_store_n(&reload->success_wall_ns, clock_wall_ns(), __ATOMIC_RELAXED);
	__atomic_store_n(&reload->successful, true, __ATOMIC_RELAXED);
}

void reload_init(struct reload *reload, const struct config *config, struct access *access,
		 struct watch *watch)
{
	*reload = (struct reload){.config = config, .access = access, .watch = watch};
	note_success(reload);
}

static void release_own(struct reload *reload)
{
	if (reload->own)
		config_release(reload->own);
	free(reload->own);
}

void reload_release(struct reload *reload)
{
	release_own(reload);
	*reload = (struct reload){.config = NULL};
}

void reload_limits_of(struct reload *reload, struct peers *peers)
{
	reload->peers = peers;
}

/* NULL after a fault is noted. */
static struct config *read_next(struct reload *reload)
{
	const struct config *now = reload->config;
	struct config *next = malloc(sizeof *next);

	if (!next) {
		snprintf(reload->fault, sizeof reload->fault, "%s", strerrordesc_np(ENOMEM));
		return NULL;
	}
	const bool is_read = config_read(next, now->argc, now->argv) == CONFIG_RUN;
	if (is_read && config_may_follow(now, next))
		return next;
	snprintf(reload->fault, sizeof reload->fault, "%s: %s", next->fault.object,
		 next->fault.reason);
	if (is_read)
		config_release(next);
	free(next);
	return NULL;
}

/* Nobody refers to the one before any more: who keeps strings has those of the first, as what they
 * are about cannot change. */
static void take(struct reload *reload, struct config *next)
{
	struct watch *watch = reload->watch;

	log_set_level(next->log_level);
	peers_set_rate(reload->peers, next->limits.rate);
	pthread_mutex_lock(&watch->mutex);
	monitor_configure(watch->monitor, &next->monitor);
	watch->sequence++;
	pthread_mutex_unlock(&watch->mutex);
	release_own(reload);
	reload->config = reload->own = next;
}

const char *reload_run(struct reload *reload)
{
	const char *fault = access_reload(reload->access, clock_monotonic_ns());
	struct config *next = fault ? NULL : read_next(reload);

	if (next) {
		take(reload, next);
		note_success(reload);
		log_event(LOG_INFO, "configuration reloaded", next->file ? "file" : NULL,
			  next->file, NULL);
		return NULL;
	}
	/* relaxed: see note_success. */
	__atomic_store_n(&reload->successful, false, __ATOMIC_RELAXED);
	fault = fault ? fault : reload->fault;
	log_event(LOG_ERROR, "the configuration stays as it was", "reason", fault, NULL);
	return fault;
}

struct reload_figures reload_read(const struct reload *reload)
{
	/* relaxed: see note_success. */
	const uint64_t wall_ns = __atomic_load_n(&reload->success_wall_ns, __ATOMIC_RELAXED);

	return (struct reload_figures){
		.successful = __atomic_load_n(&reload->successful, __ATOMIC_RELAXED),
		.success_seconds = (double)wall_ns / 1e9,
		.refused_count = reload->access ? access_refused_count(reload->access) : 0,
	};
}

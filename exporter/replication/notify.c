/* SPDX-License-Identifier: MIT */
/* The thread that tells the Alertmanagers; see notify.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "client.h"
#include "delivery.h"
#include "notify.h"

#define LOOK_MS          200 /* how often the monitor is looked at */
#define POST_TIMEOUT_MS  10000L
#define PROBE_TIMEOUT_MS 3000L
#define BODY_BYTES_MAX   ((size_t)16 << 20)
#define RESENDS_HELD     4u  /* a firing alert ends after so many that did not come */
#define STATUS_INVALID   400 /* the valid alerts of the batch were taken */

/* One Alertmanager. The figures are the thread's to write and anybody's to read. */
struct alertmanager {
	struct client client;
	struct delivery delivery;
	struct text body;
	bool is_busy; /* with a request */
	char reason[256];
	uint64_t sent;
	uint64_t failed;
	bool up;
};

struct notify {
	struct watch *watch;
	struct alert_terms terms;
	struct alert_label labels[NOTIFY_LABELS_MAX];
	struct alertmanager alertmanagers[NOTIFY_URLS_MAX];
	unsigned count;
	CURLM *multi;
	bool stops;
	pthread_t thread;
};

const char *notify_url_fault(const char *url)
{
	return client_url_fault(url);
}

unsigned notify_url_count(const struct notify *notify)
{
	return notify->count;
}

const char *notify_url_shown(const struct notify *notify, unsigned index)
{
	return notify->alertmanagers[index].client.shown;
}

static int open_alertmanager(struct notify *notify, const char *url, uint64_t resend_ns)
{
	struct alertmanager *alertmanager = &notify->alertmanagers[notify->count];
	const int error = client_open(&alertmanager->client, url, alertmanager);

	if (error)
		return error;
	delivery_init(&alertmanager->delivery, resend_ns);
	text_init(&alertmanager->body, BODY_BYTES_MAX);
	notify->count++;
	for (unsigned i = 0; i + 1 < notify->count; i++)
		if (strcmp(notify_url_shown(notify, i), alertmanager->client.shown) == 0)
			return -EEXIST;
	return 0;
}

int notify_create(struct notify **notify, const struct notify_options *options, struct watch *watch)
{
	int error = 0;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	struct notify *created = calloc(1, sizeof *created);
	if (!created) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	memcpy(created->labels, options->labels, sizeof created->labels);
	created->watch = watch;
	created->terms = (struct alert_terms){
		.labels = created->labels,
		.label_count = options->label_count,
		.external_url = options->external_url,
		.holds_ns = RESENDS_HELD * options->resend_ns,
	};
	if (!(created->multi = curl_multi_init()))
		error = -ENOMEM;
	for (unsigned i = 0; i < options->url_count && error == 0; i++)
		error = open_alertmanager(created, options->urls[i], options->resend_ns);
	if (error)
		notify_destroy(created);
	else
		*notify = created;
	return error;
}

void notify_destroy(struct notify *notify)
{
	if (!notify)
		return;
	for (unsigned i = 0; i < notify->count; i++) {
		struct alertmanager *alertmanager = &notify->alertmanagers[i];
		if (alertmanager->is_busy)
			curl_multi_remove_handle(notify->multi, alertmanager->client.easy);
		client_close(&alertmanager->client);
		delivery_release(&alertmanager->delivery);
		text_release(&alertmanager->body);
	}
	curl_multi_cleanup(notify->multi);
	free(notify);
	curl_global_cleanup();
}

/* Relaxed: each figure stands for itself. */
void notify_read(const struct notify *notify, unsigned index, struct notify_figures *figures)
{
	const struct alertmanager *alertmanager = &notify->alertmanagers[index];

	figures->sent = __atomic_load_n(&alertmanager->sent, __ATOMIC_RELAXED);
	figures->failed = __atomic_load_n(&alertmanager->failed, __ATOMIC_RELAXED);
	figures->up = __atomic_load_n(&alertmanager->up, __ATOMIC_RELAXED);
}

/* Relaxed: only this thread writes it, and nothing else goes by it. */
static void add(uint64_t *figure, uint64_t count)
{
	__atomic_store_n(figure, *figure + count, __ATOMIC_RELAXED);
}

/* After what may have changed it. */
static void tell_state(struct alertmanager *alertmanager, enum delivery_state before)
{
	const enum delivery_state state = alertmanager->delivery.state;
	const char *shown = alertmanager->client.shown;

	if (state == before)
		return;
	/* Relaxed: a figure that stands for itself. */
	__atomic_store_n(&alertmanager->up, state == DELIVERY_TAKING, __ATOMIC_RELAXED);
	if (state == DELIVERY_TAKING)
		log_event(LOG_INFO, "alertmanager takes alerts", "url", shown, NULL);
	else if (state == DELIVERY_REFUSING)
		log_event(LOG_WARN, "alertmanager refuses alerts", "url", shown, "reason",
			  alertmanager->reason, NULL);
	else
		log_event(LOG_WARN, "alertmanager cannot be told", "url", shown, "reason",
			  alertmanager->reason, NULL);
}

static void take_answer(struct alertmanager *alertmanager, long status)
{
	const enum delivery_state before = alertmanager->delivery.state;
	const enum delivery_state answer = status / 100 == 2          ? DELIVERY_TAKING
					   : status == STATUS_INVALID ? DELIVERY_REFUSING
								      : DELIVERY_FAILING;

	add(answer == DELIVERY_TAKING ? &alertmanager->sent : &alertmanager->failed,
	    alertmanager->delivery.alert_count);
	delivery_answer(&alertmanager->delivery, answer, clock_monotonic_ns());
	tell_state(alertmanager, before);
}

/* Returns whether the request is under way; else the reason says why not. */
static bool post(struct notify *notify, struct alertmanager *alertmanager, long timeout_ms)
{
	struct client *client = &alertmanager->client;
	const struct text *body = &alertmanager->body;
	int error = body->error;

	alertmanager->reason[0] = '\0';
	if (error == 0)
		error = client_post_json(client, "/api/v2/alerts", timeout_ms, body->data,
					 body->bytes);
	if (error == 0 && curl_multi_add_handle(notify->multi, client->easy) != CURLM_OK)
		error = -ENOMEM;
	if (error)
		snprintf(alertmanager->reason, sizeof alertmanager->reason, "%s", strerror(-error));
	alertmanager->is_busy = error == 0;
	return alertmanager->is_busy;
}

/* Takes the next step of an Alertmanager that is idle. Returns whether there are more to take. */
static bool proceed(struct notify *notify, struct alertmanager *alertmanager)
{
	struct alert_terms terms = notify->terms;
	const enum delivery_state before = alertmanager->delivery.state;

	terms.now_ns = clock_monotonic_ns();
	terms.wall_ns = clock_wall_ns();
	pthread_mutex_lock(&notify->watch->mutex);
	const enum delivery_step step = delivery_step(
		&alertmanager->delivery, notify->watch->monitor, &terms, &alertmanager->body);
	pthread_mutex_unlock(&notify->watch->mutex);
	tell_state(alertmanager, before);
	if (step != DELIVERY_SENDS)
		return step == DELIVERY_LOOKS;
	if (!post(notify, alertmanager, POST_TIMEOUT_MS))
		take_answer(alertmanager, 0);
	return true;
}

/* Takes in one answer. Returns NULL when there is none. */
static struct alertmanager *next_answer(struct notify *notify, long *status)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(notify->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		struct alertmanager *alertmanager = client_context(message->easy_handle);
		*status = client_result(&alertmanager->client, message->data.result,
					alertmanager->reason, sizeof alertmanager->reason);
		curl_multi_remove_handle(notify->multi, alertmanager->client.easy);
		alertmanager->is_busy = false;
		return alertmanager;
	}
	return NULL;
}

/* Relaxed: nothing but itself is to be seen with the flag. */
static bool stops(const struct notify *notify)
{
	return __atomic_load_n(&notify->stops, __ATOMIC_RELAXED);
}

static void *notify_run(void *argument)
{
	struct notify *notify = argument;
	struct alertmanager *alertmanager;
	int running;
	long status;

	pthread_setname_np(pthread_self(), "notify");
	while (!stops(notify)) {
		bool goes_on = false;
		for (unsigned i = 0; i < notify->count; i++)
			if (!notify->alertmanagers[i].is_busy)
				goes_on |= proceed(notify, &notify->alertmanagers[i]);
		curl_multi_perform(notify->multi, &running);
		while ((alertmanager = next_answer(notify, &status)) != NULL) {
			take_answer(alertmanager, status);
			goes_on = true;
		}
		if (!goes_on)
			curl_multi_poll(notify->multi, NULL, 0, LOOK_MS, NULL);
	}
	return NULL;
}

int notify_start(struct notify *notify)
{
	return -pthread_create(&notify->thread, NULL, notify_run, notify);
}

void notify_stop(struct notify *notify)
{
	/* Relaxed: the thread looks again after the wake-up at the latest. */
	__atomic_store_n(&notify->stops, true, __ATOMIC_RELAXED);
	curl_multi_wakeup(notify->multi);
	pthread_join(notify->thread, NULL);
}

int notify_probe(struct notify *notify, const char **reason)
{
	struct alertmanager *alertmanager;
	unsigned pending = 0;
	int running;
	long status;

	for (unsigned i = 0; i < notify->count; i++) {
		text_clear(&notify->alertmanagers[i].body);
		text_string(&notify->alertmanagers[i].body, "[]");
		pending += post(notify, &notify->alertmanagers[i], PROBE_TIMEOUT_MS);
	}
	while (pending > 0) {
		curl_multi_perform(notify->multi, &running);
		while ((alertmanager = next_answer(notify, &status)) != NULL) {
			pending--;
			if (status / 100 == 2)
				alertmanager->reason[0] = '\0';
		}
		if (pending > 0)
			curl_multi_poll(notify->multi, NULL, 0, LOOK_MS, NULL);
	}
	for (unsigned i = 0; i < notify->count; i++) {
		*reason = notify->alertmanagers[i].reason;
		if (**reason != '\0')
			return (int)i;
	}
	return -1;
}

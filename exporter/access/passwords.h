/* SPDX-License-Identifier: MIT */
/*
 * Whether passwords are right. bcrypt takes some 50 ms, on purpose, and is computed on a thread of
 * its own, one at a time and with low priority; what came of it is remembered, wrong ones apart
 * from right ones, so that a flood of guesses cannot push out who has been let in. Of what is
 * remembered there is a keyed digest only.
 *
 *   HTTP thread    look_up ──▶ unknown: ask, and hold the request ──▶ next_done: look_up again
 *
 * All calls are the HTTP thread's. What waits is bounded by the connections, for each asks once.
 */
#ifndef PASSWORDS_H
#define PASSWORDS_H

#include <stdbool.h>

struct passwords;

enum password_verdict { PASSWORD_UNKNOWN, PASSWORD_WRONG, PASSWORD_RIGHT };

/* `hash` is the user's. A name that is no user's gets some user's hash, for then it takes as long,
 * and is_user false, for then nothing is right. */
struct password_question {
	const char *name;
	const char *password;
	const char *hash;
	bool is_user;
};

/* Returns 0 or a negative errno. */
int passwords_create(struct passwords **passwords);
void passwords_destroy(struct passwords *passwords);

/* The thread. Returns 0 or a negative errno; after a start there must be a stop, which waits for
 * the bcrypt that is being computed: then everybody is done, and all must be taken with next_done.
 */
int passwords_start(struct passwords *passwords);
void passwords_stop(struct passwords *passwords);

enum password_verdict passwords_look_up(struct passwords *passwords,
					const struct password_question *question);

/* The question is copied. Returns 0 or -ENOMEM. */
int passwords_ask(struct passwords *passwords, const struct password_question *question, void *who);

/* Those who are gone are done, without a verdict; but for one that may be computed now. */
void passwords_drop(struct passwords *passwords, bool (*is_gone)(void *who));

/* Readable while somebody is done. */
int passwords_fd(const struct passwords *passwords);
/* Somebody who is done, or NULL. */
void *passwords_next_done(struct passwords *passwords);

#endif

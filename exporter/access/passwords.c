/* SPDX-License-Identifier: MIT */
/* Passwords, judged and remembered; see passwords.h. */
#include <crypt.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include "passwords.h"

#define KEY_BYTES      32u
#define DIGEST_BYTES   32u
#define REMEMBERED_MAX 256u
#define NICENESS       10

struct digest {
	unsigned char bytes[DIGEST_BYTES];
};

/* The newest ones; a new one takes the oldest one's place. */
struct memory {
	struct digest digests[REMEMBERED_MAX];
	size_t count; /* of all that ever were there */
};

/* A question that waits, with everything that it refers to. */
struct job {
	TAILQ_ENTRY(job) of_list;
	struct password_question question;
	void *who;
	size_t bytes; /* of the strings */
	char strings[];
};

TAILQ_HEAD(job_list, job);

struct passwords {
	unsigned char key[KEY_BYTES]; /* of the digests; nobody outside has it */
	pthread_t thread;
	pthread_mutex_t mutex; /* of all that follows */
	pthread_cond_t asked;
	bool is_stopped;
	struct job_list waiting, done;
	struct memory right, wrong;
	int done_fd;
	struct crypt_data crypt; /* the thread's; large */
};

/* Each part with its NUL, so that no two questions are one text. */
static bool digest_of(const struct passwords *passwords, const struct password_question *question,
		      struct digest *digest)
{
	const char *const parts[] = {question->is_user ? "user" : "", question->name,
				     question->hash, question->password};
	gnutls_hmac_hd_t hmac;
	bool good = true;

	if (gnutls_hmac_init(&hmac, GNUTLS_MAC_SHA256, passwords->key, KEY_BYTES) != 0)
		return false;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		good &= gnutls_hmac(hmac, parts[i], strlen(parts[i]) + 1) == 0;
	gnutls_hmac_deinit(hmac, digest);
	return good;
}

static bool has(const struct memory *memory, const struct digest *digest)
{
	const size_t held = memory->count < REMEMBERED_MAX ? memory->count : REMEMBERED_MAX;

	/* Without the key nobody learns anything from the time that this takes. */
	for (size_t i = 0; i < held; i++)
		if (memcmp(&memory->digests[i], digest, sizeof *digest) == 0)
			return true;
	return false;
}

static enum password_verdict remembered(const struct passwords *passwords,
					const struct digest *digest)
{
	if (has(&passwords->right, digest))
		return PASSWORD_RIGHT;
	return has(&passwords->wrong, digest) ? PASSWORD_WRONG : PASSWORD_UNKNOWN;
}

enum password_verdict passwords_look_up(struct passwords *passwords,
					const struct password_question *question)
{
	struct digest digest;

	if (!digest_of(passwords, question, &digest))
		return PASSWORD_WRONG;
	pthread_mutex_lock(&passwords->mutex);
	const enum password_verdict verdict = remembered(passwords, &digest);
	pthread_mutex_unlock(&passwords->mutex);
	return verdict;
}

static bool is_right(struct crypt_data *crypt, const struct password_question *question)
{
	/* Of crypt_r sanitizers have one of their own, which finds no other. */
	const char *hash = crypt_rn(question->password, question->hash, crypt, (int)sizeof *crypt);
	const size_t bytes = strlen(question->hash);

	return hash && strlen(hash) == bytes && gnutls_memcmp(hash, question->hash, bytes) == 0 &&
	       question->is_user;
}

/* Without the mutex while bcrypt is computed. */
static void judge(struct passwords *passwords, const struct password_question *question)
{
	struct digest digest;

	if (!digest_of(passwords, question, &digest) ||
	    remembered(passwords, &digest) != PASSWORD_UNKNOWN)
		return; /* the second of two that asked the same */
	pthread_mutex_unlock(&passwords->mutex);
	const bool right = is_right(&passwords->crypt, question);
	explicit_bzero(&passwords->crypt, sizeof passwords->crypt);
	pthread_mutex_lock(&passwords->mutex);
	struct memory *memory = right ? &passwords->right : &passwords->wrong;
	memory->digests[memory->count++ % REMEMBERED_MAX] = digest;
}

static void *run(void *argument)
{
	struct passwords *passwords = argument;
	struct job *job;

	pthread_setname_np(pthread_self(), "passwords");
	/* Of this thread alone: Linux has a niceness for each. */
	setpriority(PRIO_PROCESS, 0, NICENESS);
	pthread_mutex_lock(&passwords->mutex);
	while (!passwords->is_stopped) {
		job = TAILQ_FIRST(&passwords->waiting);
		if (!job) {
			pthread_cond_wait(&passwords->asked, &passwords->mutex);
			continue;
		}
		judge(passwords, &job->question);
		TAILQ_REMOVE(&passwords->waiting, job, of_list);
		TAILQ_INSERT_TAIL(&passwords->done, job, of_list);
		eventfd_write(passwords->done_fd, 1);
	}
	TAILQ_CONCAT(&passwords->done, &passwords->waiting, of_list);
	pthread_mutex_unlock(&passwords->mutex);
	return NULL;
}

int passwords_create(struct passwords **created)
{
	struct passwords *passwords = calloc(1, sizeof *passwords);

	if (!passwords)
		return -ENOMEM;
	TAILQ_INIT(&passwords->waiting);
	TAILQ_INIT(&passwords->done);
	pthread_mutex_init(&passwords->mutex, NULL);
	pthread_cond_init(&passwords->asked, NULL);
	passwords->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (passwords->done_fd >= 0 && gnutls_rnd(GNUTLS_RND_KEY, passwords->key, KEY_BYTES) == 0) {
		*created = passwords;
		return 0;
	}
	passwords_destroy(passwords);
	return -EMFILE;
}

void passwords_destroy(struct passwords *passwords)
{
	if (!passwords)
		return;
	pthread_cond_destroy(&passwords->asked);
	pthread_mutex_destroy(&passwords->mutex);
	if (passwords->done_fd >= 0)
		close(passwords->done_fd);
	explicit_bzero(passwords, sizeof *passwords);
	free(passwords);
}

int passwords_start(struct passwords *passwords)
{
	passwords->is_stopped = false;
	return -pthread_create(&passwords->thread, NULL, run, passwords);
}

void passwords_stop(struct passwords *passwords)
{
	pthread_mutex_lock(&passwords->mutex);
	passwords->is_stopped = true;
	pthread_cond_signal(&passwords->asked);
	pthread_mutex_unlock(&passwords->mutex);
	pthread_join(passwords->thread, NULL);
}

/* Copies a string behind the others. */
static const char *keep(char **end, const char *string)
{
	const char *kept = *end;

	*end = stpcpy(*end, string) + 1;
	return kept;
}

int passwords_ask(struct passwords *passwords, const struct password_question *question, void *who)
{
	const size_t bytes = strlen(question->name) + strlen(question->password) +
			     strlen(question->hash) + 3;
	struct job *job = malloc(sizeof *job + bytes);

	if (!job)
		return -ENOMEM;
	char *end = job->strings;
	job->question = (struct password_question){
		.name = keep(&end, question->name),
		.password = keep(&end, question->password),
		.hash = keep(&end, question->hash),
		.is_user = question->is_user,
	};
	job->who = who;
	job->bytes = bytes;
	pthread_mutex_lock(&passwords->mutex);
	TAILQ_INSERT_TAIL(&passwords->waiting, job, of_list);
	pthread_cond_signal(&passwords->asked);
	pthread_mutex_unlock(&passwords->mutex);
	return 0;
}

void passwords_drop(struct passwords *passwords, bool (*is_gone)(void *who))
{
	struct job *job, *next;

	pthread_mutex_lock(&passwords->mutex);
	/* The thread may have the first one in its hands. */
	job = TAILQ_FIRST(&passwords->waiting);
	for (job = job ? TAILQ_NEXT(job, of_list) : NULL; job; job = next) {
		next = TAILQ_NEXT(job, of_list);
		if (!is_gone(job->who))
			continue;
		TAILQ_REMOVE(&passwords->waiting, job, of_list);
		TAILQ_INSERT_TAIL(&passwords->done, job, of_list);
		eventfd_write(passwords->done_fd, 1);
	}
	pthread_mutex_unlock(&passwords->mutex);
}

int passwords_fd(const struct passwords *passwords)
{
	return passwords->done_fd;
}

void *passwords_next_done(struct passwords *passwords)
{
	eventfd_t count;
	void *who = NULL;

	pthread_mutex_lock(&passwords->mutex);
	struct job *job = TAILQ_FIRST(&passwords->done);
	if (job)
		TAILQ_REMOVE(&passwords->done, job, of_list);
	else
		eventfd_read(passwords->done_fd, &count);
	pthread_mutex_unlock(&passwords->mutex);
	if (job) {
		who = job->who;
		explicit_bzero(job->strings, job->bytes);
		free(job);
	}
	return who;
}

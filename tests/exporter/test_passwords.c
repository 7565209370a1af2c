/* SPDX-License-Identifier: MIT */
/*
 * Passwords: which are right, what is remembered, and who waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <crypt.h>
#include <poll.h>

#include <cmocka.h>

#include "access/passwords.h"

static char hash[CRYPT_OUTPUT_SIZE], other_hash[CRYPT_OUTPUT_SIZE];

static int make(void **state)
{
	struct passwords *passwords;

	assert_int_equal(passwords_create(&passwords), 0);
	*state = passwords;
	return passwords_start(passwords);
}

static int unmake(void **state)
{
	passwords_stop(*state);
	assert_null(passwords_next_done(*state));
	passwords_destroy(*state);
	return 0;
}

/* Until somebody is done. */
static void *await(struct passwords *passwords)
{
	struct pollfd readable = {.fd = passwords_fd(passwords), .events = POLLIN};
	void *who;

	while (!(who = passwords_next_done(passwords)))
		assert_int_equal(poll(&readable, 1, 20000), 1);
	return who;
}

/* The verdict, after somebody has asked if it must be. */
static enum password_verdict judge(struct passwords *passwords,
				   const struct password_question *question)
{
	if (passwords_look_up(passwords, question) == PASSWORD_UNKNOWN) {
		assert_int_equal(passwords_ask(passwords, question, &hash), 0);
		assert_ptr_equal(await(passwords), &hash);
	}
	return passwords_look_up(passwords, question);
}

static struct password_question question_of(const char *name, const char *password)
{
	return (struct password_question){name, password, hash, true};
}

static void verdict_is_bcrypts(void **state)
{
	struct password_question question = question_of("a", "right");

	assert_int_equal(passwords_look_up(*state, &question), PASSWORD_UNKNOWN);
	assert_int_equal(judge(*state, &question), PASSWORD_RIGHT);
	question.password = "wrong";
	assert_int_equal(judge(*state, &question), PASSWORD_WRONG);
	question.password = "";
	assert_int_equal(judge(*state, &question), PASSWORD_WRONG);
	question.hash = "no hash";
	assert_int_equal(judge(*state, &question), PASSWORD_WRONG);
}

static void what_is_remembered_is_of_one_user_with_one_hash(void **state)
{
	struct password_question question = question_of("a", "right");

	assert_int_equal(judge(*state, &question), PASSWORD_RIGHT);
	question.name = "b";
	assert_int_equal(passwords_look_up(*state, &question), PASSWORD_UNKNOWN);
	question.name = "a";
	question.hash = other_hash;
	assert_int_equal(passwords_look_up(*state, &question), PASSWORD_UNKNOWN);
	assert_int_equal(judge(*state, &question), PASSWORD_WRONG);
	question.hash = hash;
	assert_int_equal(passwords_look_up(*state, &question), PASSWORD_RIGHT);
}

static void parts_of_a_question_cannot_be_moved_into_each_other(void **state)
{
	struct password_question question = question_of("a", "right");
	char name[CRYPT_OUTPUT_SIZE + 8];

	assert_int_equal(judge(*state, &question), PASSWORD_RIGHT);
	snprintf(name, sizeof name, "a%s", hash);
	question = (struct password_question){name, "right", "", true};
	assert_int_equal(passwords_look_up(*state, &question), PASSWORD_UNKNOWN);
	question = (struct password_question){"", "right", hash, true};
	assert_int_equal(passwords_look_up(*state, &question), PASSWORD_UNKNOWN);
}

static void nothing_is_right_for_a_name_that_is_no_users(void **state)
{
	struct password_question question = question_of("a", "right");

	question.is_user = false;
	assert_int_equal(judge(*state, &question), PASSWORD_WRONG);
	question.is_user = true; /* is one from now on */
	assert_int_equal(judge(*state, &question), PASSWORD_RIGHT);
}

static void guesses_push_out_guesses_but_not_who_is_right(void **state)
{
	struct password_question right = question_of("a", "right"), wrong = question_of("a", NULL);
	char password[32];

	assert_int_equal(judge(*state, &right), PASSWORD_RIGHT);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(password, sizeof password, "guess %u", i);
		wrong.password = password;
		assert_int_equal(judge(*state, &wrong), PASSWORD_WRONG);
	}
	assert_int_equal(passwords_look_up(*state, &right), PASSWORD_RIGHT);
	wrong.password = "guess 299";
	assert_int_equal(passwords_look_up(*state, &wrong), PASSWORD_WRONG);
	wrong.password = "guess 0";
	assert_int_equal(passwords_look_up(*state, &wrong), PASSWORD_UNKNOWN);
}

static void everybody_who_asked_is_done_in_turn(void **state)
{
	struct password_question question = question_of("a", "right");
	char who[20];

	for (unsigned i = 0; i < sizeof who; i++) {
		question.password = i % 3 ? "right" : "wrong";
		assert_int_equal(passwords_ask(*state, &question, &who[i]), 0);
	}
	for (unsigned i = 0; i < sizeof who; i++)
		assert_ptr_equal(await(*state), &who[i]);
	assert_null(passwords_next_done(*state));
}

/* As many questions are looked up in between as there is time for, and not one after another. */
static void nobody_waits_while_another_ones_password_is_computed(void **state)
{
	static char slow_hash[] = "$2y$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghijk";
	struct password_question question = question_of("a", "right"), slow = question;
	unsigned looked = 0;

	slow.hash = slow_hash;
	assert_int_equal(judge(*state, &question), PASSWORD_RIGHT);
	assert_int_equal(passwords_ask(*state, &slow, &slow), 0);
	for (; !passwords_next_done(*state); looked++)
		assert_int_equal(passwords_look_up(*state, &question), PASSWORD_RIGHT);
	assert_true(looked > 100);
}

static bool is_odd(void *who)
{
	return *(char *)who % 2 != 0;
}

static void who_is_gone_is_done_without_being_computed(void **state)
{
	struct password_question question = question_of("a", NULL);
	char who[10], password[32];
	unsigned known = 0, odd = 0;

	for (unsigned i = 0; i < sizeof who; i++) {
		snprintf(password, sizeof password, "guess %u", i);
		question.password = password;
		who[i] = (char)i;
		assert_int_equal(passwords_ask(*state, &question, &who[i]), 0);
	}
	passwords_drop(*state, is_odd);
	for (unsigned i = 0; i < sizeof who; i++)
		odd += is_odd(await(*state));
	assert_int_equal(odd, sizeof who / 2);
	assert_null(passwords_next_done(*state));
	for (unsigned i = 0; i < sizeof who; i++) {
		snprintf(password, sizeof password, "guess %u", i);
		known += passwords_look_up(*state, &question) != PASSWORD_UNKNOWN;
	}
	/* Some of the first ones may have been computed by then. */
	assert_in_range(known, sizeof who / 2, sizeof who - 1);
}

static void stop_lets_everybody_go_at_once(void **state)
{
	struct password_question question = question_of("a", NULL);
	char who[100], password[32];
	unsigned count = 0, known = 0;

	for (unsigned i = 0; i < sizeof who; i++) {
		snprintf(password, sizeof password, "guess %u", i);
		question.password = password;
		assert_int_equal(passwords_ask(*state, &question, &who[i]), 0);
	}
	passwords_stop(*state);
	for (char *one; (one = passwords_next_done(*state)); count++)
		assert_ptr_equal(one, &who[count]);
	assert_int_equal(count, sizeof who);
	for (unsigned i = 0; i < sizeof who; i++) {
		snprintf(password, sizeof password, "guess %u", i);
		known += passwords_look_up(*state, &question) != PASSWORD_UNKNOWN;
	}
	assert_true(known < sizeof who);
	assert_int_equal(passwords_start(*state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(verdict_is_bcrypts, make, unmake),
		cmocka_unit_test_setup_teardown(what_is_remembered_is_of_one_user_with_one_hash,
						make, unmake),
		cmocka_unit_test_setup_teardown(parts_of_a_question_cannot_be_moved_into_each_other,
						make, unmake),
		cmocka_unit_test_setup_teardown(nothing_is_right_for_a_name_that_is_no_users, make,
						unmake),
		cmocka_unit_test_setup_teardown(guesses_push_out_guesses_but_not_who_is_right, make,
						unmake),
		cmocka_unit_test_setup_teardown(everybody_who_asked_is_done_in_turn, make, unmake),
		cmocka_unit_test_setup_teardown(
			nobody_waits_while_another_ones_password_is_computed, make, unmake),
		cmocka_unit_test_setup_teardown(who_is_gone_is_done_without_being_computed, make,
						unmake),
		cmocka_unit_test_setup_teardown(stop_lets_everybody_go_at_once, make, unmake),
	};
	static struct crypt_data data; /* large */

	strcpy(hash, crypt_rn("right", "$2y$04$abcdefghijklmnopqrstuu", &data, sizeof data));
	strcpy(other_hash, crypt_rn("other", "$2y$04$abcdefghijklmnopqrstuu", &data, sizeof data));
	return cmocka_run_group_tests_name("passwords", tests, NULL, NULL);
}

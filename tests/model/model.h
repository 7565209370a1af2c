/* SPDX-License-Identifier: MIT */
/*
 * Modelled memory: what C11 lets one writer and one reader see of each other, all
 * of it, without running them at the same time.
 *
 * A word is the list of its stores, called messages. A view says for each word
 * which message is known; a load may return that one or any later one, and what it
 * returned is known from then on. A message carries the view that reading it with
 * acquire order passes on. This is the usual operational reading of C11 for
 * relaxed, acquire and release accesses and fences.
 *
 * The writer never reads what others write and the reader never writes, so neither
 * can change what the other does. The writer therefore runs first, to its end, and
 * the reader after it; each of the reader's loads is a choice, and going through all
 * choices is going through all outcomes. Both preconditions are checked: see
 * model_strayed().
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ring/atomic.h>

#define MODEL_WORDS    32u /* of memory */
#define MODEL_PIECES   4u
#define MODEL_MESSAGES 64u /* of one word */
#define MODEL_LOADS    64u /* by the reader in one run */

struct model_view {
	uint8_t known[MODEL_WORDS]; /* per word: index of a message */
};

struct model_thread {
	struct model_view current;  /* no load goes behind this */
	struct model_view acquired; /* what `current` grows to at an acquire fence */
	struct model_view released; /* `current` at the last release fence */
};

struct model_load {
	uint8_t word;    /* index of the word */
	uint8_t oldest;  /* the message that was known */
	uint8_t message; /* the one that this run reads */
};

/* Words that stand together. */
struct model_piece {
	const struct ring_word *base;
	size_t word_count;
};

/* Makes these words the modelled memory, all zero, numbered in this order. They are named by their
 * addresses; what is stored there is never touched. */
void model_reset(const struct model_piece *pieces, size_t piece_count);

/* Sets what a word holds before anybody runs. */
void model_initial(const struct ring_word *word, uint64_t bits);

/* The writer runs from here on, until it dies: only its next `stores_max` stores happen. A second
 * call is its successor, who knows all that it did. */
void model_write(size_t stores_max);

/* Whether the writer still lives. */
bool model_writer_alive(void);

/* The reader runs from here on, from `start`, in the first of the possible outcomes. */
void model_read(const struct model_thread *start);

/* Back to that start, for the next outcome. Returns false when there is none left. */
bool model_read_next(void);

/* The reader as it stands. */
const struct model_thread *model_reader(void);

/* Whether the reader knows the last message of `word`. */
bool model_knows_last(const struct ring_word *word);

/* Whether the reader stored, or anybody left the modelled memory, in this run. */
bool model_strayed(void);

/* What the reader loaded in this run, in order, and how many loads that was. */
const struct model_load *model_loads(size_t *count);

/* What the reader got from `load`. */
uint64_t model_load_bits(const struct model_load *load);

#endif

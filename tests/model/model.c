/* SPDX-License-Identifier: MIT */
/*
 * Modelled memory, and the choices of the reader's loads.
 *
 * Outcomes are explored by running again: `loads` remembers what each load of the
 * last run read. The next run repeats them but for the last load that had a later
 * message to offer; that one takes it, and the loads after it start anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

struct model_message {
	uint64_t bits;
	struct model_view view;
};

struct model_word {
	struct model_message messages[MODEL_MESSAGES];
	size_t count;
};

static struct {
	struct model_piece pieces[MODEL_PIECES];
	size_t piece_count;
	struct model_word words[MODEL_WORDS];
	struct model_thread thread; /* of whoever runs */
	struct model_thread start;  /* of the reader's run */
	bool reading;
	bool strayed;
	size_t stores_left;
	struct model_load loads[MODEL_LOADS];
	size_t load_count;  /* known to this run */
	size_t load_played; /* of these */
} model;

/* A limit of the model is no verdict on the ring: status 2, where a violation is 1. */
static void model_limit(const char *what)
{
	printf("Bail out! the model has no room for more %s\n", what);
	exit(2);
}

static void view_join(struct model_view *into, const struct model_view *from)
{
	for (size_t i = 0; i < MODEL_WORDS; i++) {
		const uint8_t known = from->known[i];
		into->known[i] = into->known[i] < known ? known : into->known[i];
	}
}

static bool model_find(const struct ring_word *word, size_t *index)
{
	*index = 0;
	for (size_t i = 0; i < model.piece_count; i++) {
		const struct model_piece *piece = &model.pieces[i];
		const size_t within = ((uintptr_t)word - (uintptr_t)piece->base) / sizeof *word;
		if (within < piece->word_count) {
			*index += within;
			return true;
		}
		*index += piece->word_count;
	}
	model.strayed = true;
	return false;
}

void model_reset(const struct model_piece *pieces, size_t piece_count)
{
	size_t word_count = 0;

	if (piece_count > MODEL_PIECES)
		model_limit("pieces");
	memset(&model, 0, sizeof model);
	model.piece_count = piece_count;
	for (size_t i = 0; i < piece_count; i++) {
		model.pieces[i] = pieces[i];
		word_count += pieces[i].word_count;
	}
	if (word_count > MODEL_WORDS)
		model_limit("words");
	for (size_t i = 0; i < word_count; i++)
		model.words[i].count = 1;
}

void model_initial(const struct ring_word *word, uint64_t bits)
{
	size_t index;

	if (model_find(word, &index))
		model.words[index].messages[0].bits = bits;
}

void model_write(size_t stores_max)
{
	/* A successor's stores are not ordered by a fence of its predecessor. */
	memset(&model.thread.released, 0, sizeof model.thread.released);
	model.stores_left = stores_max;
}

bool model_writer_alive(void)
{
	return model.stores_left != 0;
}

void model_read(const struct model_thread *start)
{
	model.start = *start;
	model.thread = *start;
	model.reading = true;
	model.load_count = 0;
	model.load_played = 0;
}

bool model_read_next(void)
{
	while (model.load_count != 0) {
		struct model_load *load = &model.loads[model.load_count - 1];
		if (load->message + 1u < model.words[load->word].count) {
			load->message++;
			break;
		}
		model.load_count--;
	}
	model.load_played = 0;
	model.thread = model.start;
	return model.load_count != 0;
}

const struct model_thread *model_reader(void)
{
	return &model.thread;
}

bool model_knows_last(const struct ring_word *word)
{
	size_t index;

	return model_find(word, &index) &&
	       model.thread.current.known[index] + 1u == model.words[index].count;
}

bool model_strayed(void)
{
	return model.strayed;
}

const struct model_load *model_loads(size_t *count)
{
	*count = model.load_played;
	return model.loads;
}

uint64_t model_load_bits(const struct model_load *load)
{
	return model.words[load->word].messages[load->message].bits;
}

/* Which message a load reads. The writer knows its own last one, so it has no choice. */
static size_t model_choose(size_t index)
{
	const uint8_t known = model.thread.current.known[index];

	if (!model.reading)
		return known;
	if (model.load_played == model.load_count) {
		if (model.load_count == MODEL_LOADS)
			model_limit("loads");
		model.loads[model.load_count++] = (struct model_load){(uint8_t)index, known, known};
	}
	return model.loads[model.load_played++].message;
}

static const struct model_message *model_load(const struct ring_word *word)
{
	static const struct model_message nothing;
	size_t index;

	if (!model_find(word, &index))
		return &nothing;
	const size_t chosen = model_choose(index);
	const struct model_message *message = &model.words[index].messages[chosen];
	model.thread.current.known[index] = (uint8_t)chosen;
	view_join(&model.thread.acquired, &message->view);
	return message;
}

uint64_t ring_load_relaxed(const struct ring_word *word)
{
	return model_load(word)->bits;
}

uint64_t ring_load_acquire(const struct ring_word *word)
{
	const struct model_message *message = model_load(word);

	view_join(&model.thread.current, &message->view);
	return message->bits;
}

/* Appends a message that passes on `view` and itself. */
static void model_store(const struct ring_word *word, uint64_t bits, const struct model_view *view)
{
	size_t index;

	if (model.reading) {
		model.strayed = true;
		return;
	}
	if (!model_find(word, &index) || model.stores_left == 0)
		return;
	model.stores_left--;
	struct model_word *stored = &model.words[index];
	if (stored->count == MODEL_MESSAGES)
		model_limit("messages");
	struct model_message *message = &stored->messages[stored->count];
	message->bits = bits;
	message->view = *view;
	message->view.known[index] = (uint8_t)stored->count;
	model.thread.current.known[index] = (uint8_t)stored->count;
	model.thread.acquired.known[index] = (uint8_t)stored->count;
	stored->count++;
}

void ring_store_relaxed(struct ring_word *word, uint64_t bits)
{
	model_store(word, bits, &model.thread.released);
}

void ring_store_release(struct ring_word *word, uint64_t bits)
{
	model_store(word, bits, &model.thread.current);
}

void ring_fence_acquire(void)
{
	view_join(&model.thread.current, &model.thread.acquired);
}

/* A dead writer reaches no fence either. */
void ring_fence_release(void)
{
	if (model.stores_left != 0)
		model.thread.released = model.thread.current;
}

/* SPDX-License-Identifier: MIT */
/*
 * The six operations of ring/atomic.h over modelled memory: atomic.h includes this
 * in place of its own, as RING_ATOMIC_HOOKS says, and model.c has the bodies.
 */
#ifndef MODEL_ATOMIC_H
#define MODEL_ATOMIC_H

uint64_t ring_load_relaxed(const struct ring_word *word);
uint64_t ring_load_acquire(const struct ring_word *word);
void ring_store_relaxed(struct ring_word *word, uint64_t bits);
void ring_store_release(struct ring_word *word, uint64_t bits);
void ring_fence_acquire(void);
void ring_fence_release(void);

#endif

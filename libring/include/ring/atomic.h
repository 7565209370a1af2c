/* SPDX-License-Identifier: MIT */
/*
 * The shared words of a segment and the only ways to touch them.
 *
 * A word is wrapped in a struct, so that nothing can read or write it by
 * accident: every access in the project names its memory order here. The
 * orders are C11's; the builtins serve C and C++ alike, which _Atomic does
 * not. There is no read-modify-write on purpose: each word has one writer.
 *
 * RING_ATOMIC_HOOKS names a header that supplies the six operations instead.
 * The model checker uses it to run the real protocol code over modelled memory.
 */
#ifndef RING_ATOMIC_H
#define RING_ATOMIC_H

#include <stdint.h>

#ifdef __cplusplus
#define RING_STATIC_ASSERT static_assert
#else
#define RING_STATIC_ASSERT _Static_assert
#endif

/* Aligned by hand: i686 would place a bare uint64_t at a multiple of four. */
struct ring_word {
	uint64_t bits;
} __attribute__((aligned(8)));

RING_STATIC_ASSERT(sizeof(struct ring_word) == 8, "a word is eight bytes");
#if __GCC_ATOMIC_LLONG_LOCK_FREE != 2
#error "needs lock-free 64-bit atomics: a read-only mapping cannot take a lock"
#endif

#ifdef RING_ATOMIC_HOOKS
#include RING_ATOMIC_HOOKS
#else

static inline uint64_t ring_load_relaxed(const struct ring_word *word)
{
	return __atomic_load_n(&word->bits, __ATOMIC_RELAXED);
}

static inline uint64_t ring_load_acquire(const struct ring_word *word)
{
	return __atomic_load_n(&word->bits, __ATOMIC_ACQUIRE);
}

static inline void ring_store_relaxed(struct ring_word *word, uint64_t bits)
{
	__atomic_store_n(&word->bits, bits, __ATOMIC_RELAXED);
}

static inline void ring_store_release(struct ring_word *word, uint64_t bits)
{
	__atomic_store_n(&word->bits, bits, __ATOMIC_RELEASE);
}

static inline void ring_fence_acquire(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void ring_fence_release(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

#endif /* RING_ATOMIC_HOOKS */

#endif

/* SPDX-License-Identifier: MIT */
/* This program's own malloc and its kin; see allocations.h. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "allocations.h"

/* The C library's own, under the names it keeps for those who replace the others. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static unsigned long count;

unsigned long allocations(void)
{
	/* relaxed: the number is all that is asked for. */
	return __atomic_load_n(&count, __ATOMIC_RELAXED);
}

static void count_one(void)
{
	__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t bytes)
{
	count_one();
	return __libc_malloc(bytes);
}

void *calloc(size_t members, size_t bytes)
{
	count_one();
	return __libc_calloc(members, bytes);
}

void *realloc(void *old, size_t bytes)
{
	count_one();
	return __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	count_one();
	return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **result, size_t alignment, size_t bytes)
{
	*result = aligned_alloc(alignment, bytes);
	return *result ? 0 : ENOMEM;
}

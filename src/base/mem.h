/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one door to the heap. Every allocation is a fault point (base/fault.h),
 * and is counted so that a test can see that nothing was left behind.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/compiler.h"
#include "base/overflow.h"

/**
 * mem_alloc() - allocate zeroed memory
 * @len: bytes; 0 and SIZE_MAX give NULL
 *
 * Return: memory aligned for any object, or NULL. Free with mem_free().
 */
void *mem_alloc(size_t len);

/* As mem_alloc(), aligned to @alignment, a power of two. */
void *mem_alloc_aligned(size_t len, size_t alignment);

/* NULL is allowed. */
void mem_free(void *ptr);

/* Return: a copy of @text on the heap, or NULL. */
char *mem_strdup(const char *text);

/* Return: blocks alive now; the failure sweep compares before and after. */
size_t mem_n_blocks(void);

/**
 * struct slab - objects of one length, packed
 *
 * For objects that exist by the million: no header an object, freed ones are
 * used first, and whole chunks go back to the system when they are empty.
 * Context: the caller serialises all calls on one slab.
 */
struct slab;

/**
 * slab_create() - make a slab
 * @object_len: bytes of an object, 8 to 1024
 * @alignment: a power of two, at most 64
 *
 * Return: a slab or NULL.
 */
struct slab *slab_create(size_t object_len, size_t alignment);

/* Frees all of the slab, objects still alive included. NULL is allowed. */
void slab_destroy(struct slab *slab);

/* Return: a zeroed object, or NULL; a fault point. */
void *slab_alloc(struct slab *slab);

/* As slab_alloc(), for a caller that fills all of it: it is not zeroed. */
void *slab_alloc_raw(struct slab *slab);

void slab_free(struct slab *slab, void *object);

#endif /* BASE_MEM_H */
